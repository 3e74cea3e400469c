"""Whistles per street over HTTP and at the keyboard, counted by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests.service import joint_city as city

#: So many cases, whistles, and closed whistles of November 2026 by street.
FEW, MANY = (1000, 5, 5), (1000, 90, 90)

_CASES = text(
    """
    insert into case_file (district_code, id, procedure, procedure_version, step, progress, state,
        standard, kind, class_code, lead_body, point, trace_entries, trace_head, opened_at,
        closed_at, street_code)
    select left(:street, 6), gen_random_uuid(), 'whistle_3', 2, 'handle', '{}', 'open', 'x',
        'event', '06001', :street, st_setsrid(st_point(116.31, 39.885), 4326), 0, '',
        timestamptz '2026-11-01 00:00+08' + n * interval '1 second', null, :street
    from generate_series(0, :cases - 1) n
    """
)
_WHISTLES = text(
    """
    insert into whistle (district_code, id, case_id, kind, joint, level, ground, facts, demand,
        caller_body, point, state, blown_at, closed_at)
    select district_code, gen_random_uuid(), id, 'tough', false, 3, 'enforcement', '{}', '{}',
        lead_body, point, case when n <= :closed then 'closed' else 'open' end, opened_at,
        case when n <= :closed then opened_at end
    from (select *, row_number() over (order by opened_at, id) n from case_file
        where street_code = :street) c where n <= :whistles
    """
)


def fill(engine, street: str, cases: int, whistles: int, closed: int) -> None:
    with engine.begin() as connection:
        connection.execute(_CASES, {"street": street, "cases": cases})
        given = {"street": street, "whistles": whistles, "closed": closed}
        connection.execute(_WHISTLES, given)


@pytest.fixture
def run(city_database, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    get_settings.cache_clear()
    yield lambda *words: CliRunner().invoke(app, list(words)).stdout
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.system(8)
def test_4640_of_4649_closed_are_99_8_percent(run, city_engine):
    fill(city_engine, city.LEAD, 4649, 4649, 4640)
    said = run("whistles", "rates", "--period", "2026-11")
    assert "4,649 whistles, 4,640 closed: 99.8 %; 4,649 cases." in said
    assert "no data" in run("whistles", "rates", "--period", "2026-10")


def test_streets_with_too_few_and_too_many_whistles_carry_a_sign(as_, city_engine):
    fill(city_engine, city.LEAD, *FEW)
    fill(city_engine, city.LEAD_NORTH, *MANY)
    fill(city_engine, city.OTHER, 1000, 47, 40)
    answer = as_(Role.CITY).get("/v1/whistles/rates", period="2026-11")
    rows = {row["street"]: row for row in answer["streets"]}
    assert (answer["whistles"], answer["cases"], answer["per_1000_cases"]) == (142, 3000, 47.33)
    assert {code: row["sign"] for code, row in rows.items()} == {
        city.LEAD: "too_few",
        city.LEAD_NORTH: "too_many",
        city.OTHER: None,
        city.OTHER_NORTH: None,
    }
    other = rows[city.OTHER]
    assert (other["expected"], other["per_1000_cases"], other["closed_percent"]) == (
        47.33,
        47.0,
        85.1,
    )
    assert other["by"] == {
        "ground": {"enforcement": 47},
        "kind": {"tough": 47},
        "level": {"3": 47},
    }
    empty = rows[city.OTHER_NORTH]
    assert [empty[name] for name in ("per_1000_cases", "closed_percent", "p", "q")] == [None] * 4


def test_a_district_sees_its_own_streets_and_a_citizen_none(as_, city_engine):
    fill(city_engine, city.LEAD, *MANY)
    west = as_(Role.STREET, city.LEAD)
    listed = west.get("/v1/whistles/rates", period="2026-11")["streets"]
    assert [row["street"] for row in listed] == [city.LEAD_NORTH, city.LEAD]
    one = west.get("/v1/whistles/rates", period="2026-11", area=city.LEAD)
    assert [row["street"] for row in one["streets"]] == [city.LEAD]
    for who, status in ((as_(Role.CITIZEN), 403), (west, 403)):
        answer = who.send("GET", f"/v1/whistles/rates?period=2026-11&area={city.EAST}")
        assert answer.status_code == status
    assert west.send("GET", "/v1/whistles/rates?period=soon").status_code == 422


def test_joint_whistles_count_and_proposals_that_were_dropped_do_not(as_, citizen, city_engine):
    citizen.report(-6, footprint=city.astride())
    answer = as_(Role.CITY).get("/v1/whistles/rates", period="2026")
    assert answer["by"] == {
        "ground": {"footprint": 1},
        "kind": {"everyday": 1},
        "level": {"joint": 1},
    }
    with city_engine.begin() as connection:
        connection.execute(text("delete from called_body"))
        connection.execute(text("update whistle set state = 'closed', closed_at = blown_at"))
    assert as_(Role.CITY).get("/v1/whistles/rates", period="2026")["whistles"] == 0
