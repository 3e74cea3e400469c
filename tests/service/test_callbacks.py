from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports import find_report
from tests.service import joint_city as city
from tests.service.procedures_world import Case, Clock, World, register

pytestmark = pytest.mark.system(14)

SAID = {"contacted": True, "unit_contacted": True, "solved": True, "satisfied": "fairly"}


@pytest.fixture
def world(city_engine: Engine, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> World:
    register(city_engine)
    clock = Clock.held(monkeypatch)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
    made = World(client, clock)
    made.people["hotline"] = made.person(Role.CITY, subject="12345")
    return made


def _filed(world: World) -> tuple[Any, Case]:
    """A report of an illegal building, and its case, which the street leads."""
    filed = world["citizen"].report(-300)
    return filed, Case(world, filed["case_id"])


def _closed(world: World) -> tuple[str, Case]:
    filed, case = _filed(world)
    case.take(city.LEAD, "handle", note="taken down")
    case.take(city.LEAD, "feed_back", note="done")
    case.take("supervision", "verify", note="seen")
    case.take("supervision", "assess", score=90)
    return f"/v1/reports/{filed['id']}/callbacks", case


def test_a_citizen_is_called_back_after_the_closing_and_the_trace_keeps_it(world: World) -> None:
    path, case = _closed(world)
    kept = world["hotline"].post(path, SAID)
    assert (kept["n"], kept["solved"], kept["satisfied"], kept["valid"]) == (
        1,
        True,
        "fairly",
        True,
    )
    entry = case.trace()[-1]
    assert (entry["action"], entry["actor"]) == ("callback", "12345")
    assert entry["content"]["satisfied"] == "fairly"
    assert case.intact()
    assert [one["n"] for one in world["hotline"].get(path)["callbacks"]] == [1]


def test_a_citizen_whom_the_unit_never_contacted_may_say_that_it_is_solved(world: World) -> None:
    path, case = _closed(world)
    kept = world["hotline"].post(path, {**SAID, "unit_contacted": False})
    assert (kept["unit_contacted"], kept["solved"], kept["reading"]) == (False, True, "unit")
    assert case.trace()[-1]["content"]["unit_contacted"] is False


def test_nobody_is_called_back_before_the_closing(world: World) -> None:
    filed, _ = _filed(world)
    path = f"/v1/reports/{filed['id']}/callbacks"
    problem = world["hotline"].refused(path, SAID, status=409, type="step-refused")
    assert "once it is closed" in problem["detail"]


def test_a_call_before_the_closing_or_in_the_future_is_refused(world: World) -> None:
    path, _ = _closed(world)
    for hours in (-2, 2):
        at = (world.clock.now + dt.timedelta(hours=hours)).isoformat()
        assert world["hotline"].refused(path, {**SAID, "at": at}, status=422)["field"] == "at"


def test_who_handled_the_case_calls_nobody_back_and_neither_do_streets_and_citizens(
    world: World,
) -> None:
    path, _ = _closed(world)
    for who in (city.LEAD, "citizen", "worker"):
        world[who].refused(path, SAID, status=403, type="not-allowed")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"contacted": True, "unit_contacted": True, "solved": True}, "satisfied"),
        ({"contacted": True, "solved": True, "satisfied": "fairly"}, "unit_contacted"),
        ({"contacted": False, "solved": False}, "solved"),
        ({"contacted": False, "unit_contacted": False}, "unit_contacted"),
        ({"contacted": False, "valid": False}, "reason"),
        ({"contacted": True, "solved": True, "satisfied": "very"}, "satisfied"),
        ({}, "contacted"),
    ],
)
def test_half_a_verdict_is_refused_with_its_field(
    world: World, said: dict[str, Any], field: str
) -> None:
    path, _ = _closed(world)
    assert world["hotline"].refused(path, said, status=422)["field"] == field


def test_an_answer_is_replaced_only_with_a_reason_and_both_stay(world: World) -> None:
    path, _ = _closed(world)
    world["hotline"].post(path, {"contacted": False})
    world["hotline"].post(path, SAID)
    again = {**SAID, "satisfied": "not"}
    assert world["hotline"].refused(path, again, status=409)["field"] == "reason"
    world["hotline"].post(path, {**again, "reason": "the caller rang again"})
    kept = world["hotline"].get(path)["callbacks"]
    assert [(one["n"], one["satisfied"]) for one in kept] == [(1, None), (2, "fairly"), (3, "not")]


def test_a_repeated_request_is_one_callback(world: World) -> None:
    path, _ = _closed(world)
    first = world["hotline"].post(path, SAID, key="call-1")
    assert world["hotline"].post(path, SAID, key="call-1") == first
    assert len(world["hotline"].get(path)["callbacks"]) == 1


def test_the_service_can_neither_change_nor_delete_a_callback(
    world: World, city_engine: Engine
) -> None:
    path, _ = _closed(world)
    world["hotline"].post(path, SAID)
    for statement in ("update callback set solved = false", "delete from callback"):
        with city_engine.begin() as connection:
            connection.execute(text("set role gridsvc_service"))
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(statement))


def test_a_time_counts_whatever_offset_it_is_written_with(world: World) -> None:
    path, _ = _closed(world)
    far = dt.timezone(dt.timedelta(hours=23))
    kept = world["hotline"].post(path, SAID | {"at": world.clock.now.astimezone(far).isoformat()})
    assert dt.datetime.fromisoformat(kept["at"]) == world.clock.now


def test_no_callback_is_kept_on_a_case_that_has_just_given_its_report_away(
    world: World, city_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = _closed(world)
    other = world["citizen"].report(300)

    def found_before(session: Session, name: str) -> Report:
        report = find_report(session, name)
        with city_session.begin():
            moved = find_report(city_session, name)
            moved.case_id = uuid.UUID(other["case_id"])
        return report

    monkeypatch.setattr("gridsvc.api.v1.callbacks.find_report", found_before)
    problem = world["hotline"].refused(path, SAID, status=409, type="step-refused")
    assert "just given" in problem["detail"]
