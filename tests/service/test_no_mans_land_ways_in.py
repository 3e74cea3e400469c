"""``GET /v1/no-mans-land`` and ``gridsvc no-mans-land`` on the made-up city."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from benchmarks.random_cases import NOW, Planted, generate
from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.registry.disputes.finding import find_disputes
from gridsvc.registry.disputes.model import Actor
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal

BOX = (116.30, 39.88, 116.34, 39.90)
PLANTED = Planted(
    city.BORDER_LON - 60 / city.LON_M, 39.885, city.BORDER_LON + 60 / city.LON_M, 39.89
)
PERIOD = {"since": "2026-01-01", "until": "2026-10-31"}


@pytest.fixture
def strewn(city_session: Session) -> None:
    generate(city_session, count=6000, box=BOX, seed=1, planted=PLANTED)
    city_session.commit()


def test_the_city_reads_its_no_mans_land(strewn: None, as_: Callable[..., Person]) -> None:
    answer = as_(Role.CITY).get("/v1/no-mans-land", **PERIOD, band_m=60, stretch_m=300)
    assert answer["cases"] == 6000
    assert answer["band_m"] == 60
    assert len(answer["listed"]) == 2
    first = answer["listed"][0]
    assert [side["code"] for side in first["sides"]] == [city.LEAD, city.OTHER]
    assert first["crosses_districts"] is True
    assert first["near"]["refused_share"] > 0.2
    assert first["place"][0] == pytest.approx(city.BORDER_LON, abs=1e-5)
    assert first["line"]["type"] == "LineString"
    assert 0.0 <= first["p"] <= first["q"] <= 0.05


def test_the_band_is_what_near_means_elsewhere(strewn: None, as_: Callable[..., Person]) -> None:
    # 30 m for the reports and 5 m for the edition.
    assert as_(Role.ANALYST).get("/v1/no-mans-land", **PERIOD)["band_m"] == 35.0


def test_a_street_reads_its_own_borders(strewn: None, as_: Callable[..., Person]) -> None:
    query = PERIOD | {"band_m": 60, "stretch_m": 300}
    own = as_(Role.STREET, city.OTHER).get("/v1/no-mans-land", **query)
    elsewhere = as_(Role.STREET, city.LEAD_NORTH).get("/v1/no-mans-land", **query)
    assert len(own["listed"]) == 2
    assert elsewhere["listed"] == []
    assert own["tested"] == elsewhere["tested"]


def test_citizens_do_not_read_it(as_: Callable[..., Person]) -> None:
    problem = refusal(as_(Role.CITIZEN).send("GET", "/v1/no-mans-land"), 403)
    assert problem["type"].endswith("not-allowed")


def test_nobody_reads_it_without_a_token(client: httpx.Client) -> None:
    refusal(client.get("/v1/no-mans-land"), 401)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2020-01-01", "until": "2026-01-01"}, "since"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "until"),
        ({"since": "9999-12-01", "until": "9999-12-31"}, "since"),
        ({"until": "0001-01-01"}, "until"),
        ({"band_m": "0"}, "band_m"),
        ({"band_m": "nan"}, "band_m"),
        ({"stretch_m": "inf"}, "stretch_m"),
        ({"listed_q": "2"}, "listed_q"),
        ({"level": "community"}, None),
    ],
)
def test_questions_that_cannot_be_answered_say_why(
    as_: Callable[..., Person], query: dict[str, str], field: str | None
) -> None:
    problem = refusal(as_(Role.ADMIN).send("GET", "/v1/no-mans-land", params=query), 422)
    if field is not None:
        assert problem["field"] == field


def test_the_false_alarms_are_measured_over_http(strewn: None, as_: Callable[..., Person]) -> None:
    query = PERIOD | {"band_m": 60, "stretch_m": 300}
    city_reads = as_(Role.CITY)
    assert city_reads.get("/v1/no-mans-land", **query)["false_alarms"] is None
    alarms = city_reads.get("/v1/no-mans-land", **query, shuffles=20, seed=3)["false_alarms"]
    assert alarms["shuffles"] == 20
    assert alarms["rate"] <= 0.2


def test_a_district_proposes_its_own_no_mans_land_as_disputes(
    strewn: None, as_: Callable[..., Person], client: httpx.Client
) -> None:
    wish = PERIOD | {"band_m": 60, "stretch_m": 300}
    east = as_(Role.DISTRICT, city.EAST)
    first = east.post("/v1/no-mans-land/disputes", wish)["disputes"]
    again = as_(Role.DISTRICT, city.WEST).post("/v1/no-mans-land/disputes", wish)["disputes"]
    elsewhere = as_(Role.DISTRICT, "110101").post("/v1/no-mans-land/disputes", wish)["disputes"]

    assert [it["new"] for it in first] == [True, True]
    assert [it["new"] for it in again] == [False, False]
    assert elsewhere == []
    assert {it["id"] for it in first} == {it["id"] for it in again}
    assert first[0]["stretch"]["near"]["refused_share"] > 0.2
    shown = east.get(f"/v1/disputes/{first[0]['id']}")
    assert shown["kind"] == "neglect"
    assert [side["code"] for side in shown["sides"]] == [city.LEAD, city.OTHER]
    told = [it for it in shown["history"] if it["action"] == "cases_compared"]
    assert [it["by"] for it in told] == [f"district {city.EAST}", f"district {city.WEST}"]
    assert told[0]["content"]["band_m"] == 60
    assert told[0]["content"]["q"] <= 0.05
    assert "cases compared" in client.get(f"/v1/disputes/{shown['id']}/dossier.html").text


def test_an_order_to_propose_that_is_sent_twice_proposes_once(
    strewn: None, as_: Callable[..., Person]
) -> None:
    wish = PERIOD | {"band_m": 60, "stretch_m": 300}
    key = {"Idempotency-Key": "first of November"}
    answers = [
        as_(Role.CITY).send("POST", "/v1/no-mans-land/disputes", json=wish, headers=key)
        for _ in range(2)
    ]
    assert [it.status_code for it in answers] == [201, 201]
    assert len(answers[0].json()["disputes"]) == 2


@pytest.mark.parametrize(
    ("role", "area", "wish", "status"),
    [
        (Role.STREET, city.LEAD, {}, 403),
        (Role.ANALYST, "", {}, 403),
        (Role.CITY, "", {"band": 60}, 422),
        (Role.CITY, "", {"band_m": 0.5}, 422),
        (Role.CITY, "", {"since": "2020-01-01"}, 422),
    ],
)
def test_what_cannot_be_proposed_is_refused(
    as_: Callable[..., Person], role: Role, area: str, wish: dict[str, Any], status: int
) -> None:
    refusal(as_(role, area).send("POST", "/v1/no-mans-land/disputes", json=wish), status)


@pytest.fixture
def here(city_database: str, index_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets commands of this process work on the city."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(index_folder))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_the_command_lists_it_with_its_false_alarms(strewn: None, here: None) -> None:
    terms = ["--since", "2026-01-01", "--until", "2026-10-31", "--band-m", "60"]
    command = ["no-mans-land", *terms, "--stretch-m", "300", "--shuffles", "20"]
    answered = CliRunner().invoke(app, [*command, "--json"])
    assert answered.exit_code == 0, answered.output
    answer = json.loads(answered.stdout.splitlines()[-1])
    assert len(answer["listed"]) == 2
    assert answer["false_alarms"]["shuffles"] == 20
    assert answer["false_alarms"]["rate"] <= 0.2
    assert "20 shuffles list anything" in CliRunner().invoke(app, command).stdout


def test_what_is_listed_is_proposed_as_disputes_of_both_sides(
    strewn: None, here: None, city_session: Session
) -> None:
    terms = ["--since", "2026-01-01", "--until", "2026-10-31", "--band-m", "60"]
    command = ["no-mans-land", *terms, "--stretch-m", "300", "--propose", "--by", "li", "--json"]

    first, second = (
        json.loads(CliRunner().invoke(app, command).stdout.splitlines()[-1])["disputes"]
        for _ in range(2)
    )

    assert [it["new"] for it in first] == [True, True]
    assert [it["new"] for it in second] == [False, False]
    assert {it["id"] for it in first} == {it["id"] for it in second}
    kept = city_session.execute(
        text("select kind, state, side_codes, district_code, width_m, area_m2 from dispute")
    ).all()
    assert len(kept) == 2
    for row in kept:
        assert row[:4] == ("neglect", "open", [city.LEAD, city.OTHER], city.WEST)
        assert row.width_m == 120.0
        assert row.area_m2 == pytest.approx(277.6 * 120.0, rel=0.01)
    told = city_session.execute(
        text("select actor, why from dispute_entry where action = 'cases_compared'")
    ).all()
    assert len(told) == 4
    assert all(row.actor == "li" and "refused or returned" in row.why for row in told)


def test_an_audit_does_not_miss_what_it_cannot_see(
    strewn: None, here: None, city_session: Session
) -> None:
    terms = ["--since", "2026-01-01", "--until", "2026-10-31", "--band-m", "60"]
    CliRunner().invoke(app, ["no-mans-land", *terms, "--stretch-m", "300", "--propose"])
    found = find_disputes(
        city_session, cities.city(), "street-2020", actor=Actor("test", "admin", ""), now=NOW
    )
    assert found.absent == ()
