"""A joint whistle that a citizen's footprint asks for waits for staff or a second person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gridsvc.callers import Role
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of

BLOWING = Settings.model_fields["joint_whistle_roles"].default


@pytest.fixture
def client(serve: Callable[..., httpx.Client]) -> httpx.Client:
    """The service as it is set by itself."""
    return serve(joint_whistle_roles=BLOWING)


def drawn(person: Person) -> dict[str, Any]:
    """A report with a footprint on both sides of the border, and the whistle that it asked for."""
    filed = person.report(-6, footprint=city.astride())
    return person.get(f"/v1/whistles/{filed['joint_whistle_id']}")


def told(lead: Person) -> list[str]:
    inbox = lead.get(f"/v1/bodies/{city.OTHER}/inbox")
    return [message["topic"] for message in inbox["messages"]]


def test_one_citizen_however_often_calls_nobody(client, citizen, other) -> None:
    assert {drawn(citizen)["state"] for _ in range(3)} == {"proposed"}
    assert "joint_whistle" not in told(other)


def test_a_second_citizen_confirms_it(client, citizen, other) -> None:
    first = drawn(citizen)
    second = drawn(Person(client, token_of(Role.CITIZEN)))
    assert (first["state"], second["state"]) == ("proposed", "open")
    assert "joint_whistle" in told(other)


def test_a_second_citizen_who_draws_nothing_confirms_nothing(client, citizen, other) -> None:
    drawn(citizen)
    Person(client, token_of(Role.CITIZEN)).report(-6)
    assert drawn(citizen)["state"] == "proposed"
    assert "joint_whistle" not in told(other)


def test_staff_confirm_it_by_their_own_footprint_or_by_approval(client, citizen, lead) -> None:
    proposed = drawn(citizen)
    approved = lead.post(f"/v1/whistles/{proposed['id']}/approve")
    assert approved["state"] == "open"


def test_the_footprint_of_staff_calls_both_sides_at_once(client, lead, other) -> None:
    assert drawn(lead)["state"] == "open"
    assert "joint_whistle" in told(other)


def test_a_city_may_believe_its_citizens(serve) -> None:
    client = serve(joint_whistle_roles="citizen")
    assert drawn(Person(client, token_of(Role.CITIZEN)))["state"] == "open"
