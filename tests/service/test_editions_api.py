"""Editions over HTTP and on the command line: listed, compared, put in force, taken back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.edition import app
from gridsvc.db import session_factory
from gridsvc.registry.editions.service import mark_audited
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal
from tests.service.test_editions_diff import NEW_STREET, add_reports, load_new_streets

DIFF = "/v1/editions/street-2020/diff/street-new"


@pytest.fixture
def drafted(city_engine: Engine) -> list[str]:
    """The new streets in draft, and three reports; gives the ids of those that go elsewhere."""
    with session_factory(city_engine).begin() as session:
        load_new_streets(session)
        ids = add_reports(session, [-50.0, 50.0, 150.0])
    return sorted(str(id) for id in ids[1:])


@pytest.fixture
def run(
    city_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Run 'gridsvc edition ...' on the city; gives the JSON or the error that it ends with."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()

    def invoke(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        if result.exception is not None:
            return result.exception
        return json.loads(result.stdout)

    yield invoke
    get_settings.cache_clear()


@pytest.fixture
def staff(as_: Callable[..., Person]) -> Person:
    return as_(Role.STREET, city.LEAD_NORTH)


DRAFTS = ("/v1/editions/street-new", DIFF, f"{DIFF}/parts", f"{DIFF}/unit_grids")


@pytest.mark.parametrize("path", DRAFTS)
def test_a_draft_is_shown_to_staff_alone(
    drafted: list[str], client: httpx.Client, citizen: Person, staff: Person, path: str
) -> None:
    for answer in (client.get(path), citizen.send("GET", path)):
        assert "drafts are shown to staff" in refusal(answer, 404)["detail"]
    staff.get(path)
    listed = client.get("/v1/editions").json()["editions"]
    assert "street-new" not in {it["id"] for it in listed}


def test_who_did_what_to_an_edition_is_told_to_staff_alone(
    client: httpx.Client, staff: Person
) -> None:
    for told, found in (
        (False, client.get("/v1/editions/street-2020").json()),
        (True, staff.get("/v1/editions/street-2020")),
    ):
        assert ["actor" in it for it in found["history"]] == [told, told]


def test_editions_are_listed_page_by_page(
    drafted: list[str], client: httpx.Client, staff: Person
) -> None:
    every = staff.get("/v1/editions")
    assert [(it["id"], it["state"]) for it in every["editions"]] == [
        ("community-2020", "active"),
        ("district-2020", "active"),
        ("street-2020", "active"),
        ("street-new", "draft"),
        ("grids-2020", "active"),
    ]
    streets = staff.get("/v1/editions", level="street", limit=1)
    assert streets["next"] == "street-2020"
    rest = staff.get("/v1/editions", level="street", cursor="street-2020")
    assert ([it["id"] for it in rest["editions"]], rest["next"]) == (["street-new"], None)
    assert refusal(client.get("/v1/editions?cursor=x"), 422)["field"] == "cursor"
    refusal(client.get("/v1/editions?level=city"), 422)


def test_one_edition_tells_its_history(
    drafted: list[str], client: httpx.Client, staff: Person
) -> None:
    found = client.get("/v1/editions/street-2020").json()
    assert (found["areas"], found["state"]) == (4, "active")
    assert [it["action"] for it in found["history"]] == ["loaded", "activated"]
    assert found["history"][1]["details"]["without_audit"] == "made up for a test"
    assert staff.get("/v1/editions/street-new")["reason"] == "the river was moved"
    assert "edition list" in refusal(client.get("/v1/editions/nothing"), 404)["detail"]


def test_a_diff_tells_ground_and_what_is_routed_differently(
    drafted: list[str], staff: Person
) -> None:
    found = staff.get(DIFF)
    assert [it["code"] for it in found["born"]] == [NEW_STREET]
    assert found["moves_in_all"] == 2
    assert found["reports"] == {
        "looked_at": 3,
        "rerouted": 2,
        "moves": [{"before": city.OTHER, "after": city.LEAD, "count": 2}],
    }
    assert found["parts"]["rerouted"] == 1
    assert len(staff.get(DIFF, limit=1)["moves"]) == 1


def test_parts_that_go_elsewhere_are_for_staff_and_reports_for_supervision(
    drafted: list[str], client: httpx.Client, staff: Person, as_: Callable[..., Person]
) -> None:
    parts = staff.get(f"{DIFF}/parts")
    refusal(staff.send("GET", f"{DIFF}/reports"), 403)
    assert parts["things"] == [
        {"district_code": city.EAST, "id": city.SHARED, "before": city.OTHER, "after": city.LEAD}
    ]
    refusal(client.get(f"{DIFF}/reports"), 401)
    refusal(as_(Role.CITIZEN).send("GET", f"{DIFF}/reports"), 403)
    page = as_(Role.CITY).get(f"{DIFF}/reports", limit=1)
    following = as_(Role.CITY).get(f"{DIFF}/reports", limit=1, cursor=page["next"])
    listed = [page["things"][0]["id"], following["things"][0]["id"]]
    assert (listed, following["next"]) == (drafted, None)
    assert as_(Role.DISTRICT, city.WEST).get(f"{DIFF}/reports")["things"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/editions/street-2020/diff/nothing", 404),
        ("/v1/editions/nothing/diff/street-new", 404),
        ("/v1/editions/street-2020/diff/district-2020", 409),
        ("/v1/editions/street-2020/diff/street-2020", 422),
        ("/v1/editions/grids-2020/diff/grids-2020", 422),
        (f"{DIFF}/lamps", 422),
        (f"{DIFF}/parts?cursor=x", 422),
        (f"{DIFF}?as_of=2026-01-01", 400),
    ],
)
def test_what_cannot_be_compared_is_a_clear_problem(
    drafted: list[str], staff: Person, path: str, status: int
) -> None:
    refusal(staff.send("GET", path), status)


def test_the_command_line_puts_in_force_tells_what_changes_and_takes_it_back(
    drafted: list[str], run: Callable[..., Any], city_engine: Engine
) -> None:
    refused = run("activate", "street-new")
    assert "is not audited" in str(refused)
    with session_factory(city_engine).begin() as session:
        at = session.connection().exec_driver_sql("select now()").scalar_one()
        mark_audited(session, "street-new", {"faults": 0}, by="li", at=at)

    activated = run("activate", "street-new", "--by", "li")
    assert activated["diff"]["reports"]["rerouted"] == 2
    assert activated["diff"]["before"] == "street-2020"
    listed = run("diff", "street-2020", "street-new", "--list", "reports", "--limit", "5")
    assert [it["id"] for it in listed["things"]] == drafted

    assert isinstance(run("revert", "street-new"), SystemExit)
    reverted = run("revert", "street-new", "--why", "wrong file", "--by", "wang")
    assert reverted == {"id": "street-new", "in_force": "street-2020"}
    history = run("show", "street-new")["history"]
    assert [(it["action"], it["actor"]) for it in history] == [
        ("loaded", "gridsvc"),
        ("audited", "li"),
        ("activated", "li"),
        ("reverted", "wang"),
    ]
    assert history[-1]["reason"] == "wrong file"


def test_the_list_of_editions_shows_days_of_the_city(
    city_engine: Engine, run: Callable[..., Any]
) -> None:
    with session_factory(city_engine).begin() as session:
        load_new_streets(session, since=cities.calendar().begins(dt.date(2026, 7, 1)))
    drafts = [it for it in run("list", "--level", "street") if it["state"] == "draft"]
    assert [dt.datetime.fromisoformat(it["effective_from"]) for it in drafts] == [
        dt.datetime(2026, 6, 30, 16, tzinfo=dt.UTC)
    ]
    assert "2026-07-01" in CliRunner().invoke(app, ["list", "--level", "street"]).stdout


def test_people_read_a_diff_as_tables(drafted: list[str], run: Callable[..., Any]) -> None:
    run("list")
    result = CliRunner().invoke(app, ["diff", "street-2020", "street-new"])
    assert result.exit_code == 0
    assert "1 areas born, 0 gone, 1 renamed, 2 changed" in result.stdout
    assert city.OTHER in result.stdout
    listed = CliRunner().invoke(app, ["diff", "street-2020", "street-new", "--list", "parts"])
    assert city.SHARED in listed.stdout
