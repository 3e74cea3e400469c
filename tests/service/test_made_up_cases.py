"""The made-up cases of the benchmark are what the service itself would have stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

import gridsvc.cases.models
import gridsvc.lists.models  # noqa: F401 - the tables that a migration must know
from benchmarks.filling import Filled, fill
from benchmarks.made_up_cases import Plan
from gridsvc.api.app import create_app
from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Dimension
from gridsvc.assessment.service import assess
from gridsvc.callers import Role
from gridsvc.cases.log.verifying import verify_against
from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.db.base import Base
from gridsvc.db.migrate import differences
from gridsvc.registry.access.service import issue_token
from gridsvc.settings import Settings
from tests import cities
from tests.scratch import copy_of
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, served

UNTIL = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
PLAN = Plan(
    cases=4_000,
    reports_per_case=5,
    seed=11,
    since=UNTIL - dt.timedelta(days=120),
    until=UNTIL,
    cases_at_once=1_500,
)
BOX = (116.301, 39.881, 116.339, 39.899)


@pytest.fixture(scope="module")
def made(
    cluster: PrivateCluster, city_template: str, index_folder: Path
) -> Iterator[tuple[str, Filled, list[tuple[str, int, int]]]]:
    """A copy of the city with 20,000 reports: its URL, what was made, what progress was told."""
    told: list[tuple[str, int, int]] = []
    with copy_of(cluster, city_template) as url:
        filled = fill(
            url,
            cities.city(var_dir=index_folder),
            PLAN,
            sites=300,
            box=BOX,
            progress=lambda *said: told.append(said),
        )
        yield url, filled, told


@pytest.fixture(scope="module")
def engine_of_made(made) -> Iterator[Engine]:
    engine = create_engine(made[0])
    yield engine
    engine.dispose()


@pytest.fixture
def session_of_made(engine_of_made: Engine) -> Iterator[Session]:
    with session_factory(engine_of_made)() as session:
        yield session


@pytest.fixture(scope="module")
def reader(made, index_folder) -> Iterator[httpx.Client]:
    settings = Settings(
        DATABASE_URL=made[0],
        var_dir=index_folder,
        token_key=TOKEN_KEY,
        reporter_key=REPORTER_KEY,
    )
    token = issue_token(
        bytes.fromhex(TOKEN_KEY),
        role=Role.CITY,
        valid_for=dt.timedelta(days=1),
        now=dt.datetime.now(dt.UTC),
    )
    with served(create_app(settings)) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_as_many_are_made_as_were_asked_for(made, session_of_made):
    _, filled, told = made
    assert (filled.rows["report"], filled.rows["case_file"]) == (20_000, 4_000)
    for table, rows in filled.rows.items():
        count = session_of_made.scalar(
            select(func.count()).select_from(Base.metadata.tables[table])
        )
        assert count == rows > 0, table
    assert told[-1][1] == told[-1][2]


def test_indexes_and_keys_are_those_of_the_schema(made, session_of_made):
    assert differences(made[0], Base.metadata) == []
    kept = session_of_made.execute(
        text("select count(*) from pg_constraint where contype in ('p', 'f') and not convalidated")
    )
    assert kept.scalar_one() == 0


def test_every_trace_is_intact(session_of_made):
    found = [verification for _, _, verification in verify_against(session_of_made, [])]
    assert len(found) == 4_000
    assert all(verification.intact for verification in found)
    assert sum(verification.entries for verification in found) > 35_000


def test_cases_of_every_step_are_read_as_any_other(reader, session_of_made):
    some = session_of_made.execute(
        text(
            "select distinct on (procedure, step, state) id, procedure, step, state,"
            " trace_entries from case_file order by procedure, step, state, id"
        )
    ).all()
    assert {(row.procedure, row.state) for row in some} >= {
        ("ordinary", "open"),
        ("ordinary", "closed"),
        ("joint", "closed"),
    }
    assert {"handle", "assess"} <= {row.step for row in some}
    for row in some:
        case = reader.get(f"/v1/cases/{row.id}").raise_for_status().json()
        assert (case["step"], case["state"]) == (row.step, row.state)
        assert bool(case["next"]) == (row.state == "open")
        assert case["reports"]
        checked = reader.get(f"/v1/cases/{row.id}/trace/verify").raise_for_status().json()
        assert checked["intact"]
        assert checked["entries"] == row.trace_entries


def test_a_report_is_placed_where_the_service_places_its_pin(reader, session_of_made):
    receipts = session_of_made.scalars(
        text("select receipt from report where joined order by id desc limit 20")
    ).all()
    for receipt in receipts:
        report = reader.get(f"/v1/reports/{receipt}").raise_for_status().json()
        lon, lat = report["placement"]["point"]["coordinates"]
        there = reader.get("/v1/locate", params={"lon": lon, "lat": lat}).json()
        for level in ("district", "street", "community"):
            assert report["placement"][level] == there[level]
        assert report["responsibility"]["lead"]["code"]


def test_reports_come_after_their_case_and_before_its_end(session_of_made):
    wrong = session_of_made.execute(
        text(
            "select count(*) from report r join case_file c on c.id = r.case_id"
            " where r.created_at < c.opened_at or r.created_at > coalesce(c.closed_at, :until)"
        ),
        {"until": UNTIL},
    )
    assert wrong.scalar_one() == 0


def test_a_month_is_assessed(session_of_made):
    city = assess(
        session_of_made,
        cities.city(),
        parse_period("2026-09", cities.calendar()),
        [Dimension.CITY],
        now=UNTIL,
    ).lines[Dimension.CITY][0]
    assert city.tally["closed"] > 500
    assert city.tally["valid"] > 500
    assert 0 < city.tally["reworked"] < city.tally["handled"]


def test_the_same_seed_makes_the_same(made, cluster, city_template, index_folder):
    digest = text(
        "select md5(string_agg(trace_head || id, ',' order by id)), count(*) from case_file"
    )
    few = Plan(600, 5, 11, PLAN.since, PLAN.until, cases_at_once=500)
    found = []
    for _ in range(2):
        with copy_of(cluster, city_template) as url:
            fill(
                url,
                cities.city(var_dir=index_folder),
                few,
                sites=50,
                box=BOX,
                progress=lambda *_: None,
            )
            engine = create_engine(url)
            with engine.connect() as connection:
                found.append(tuple(connection.execute(digest).one()))
            engine.dispose()
    assert found[0] == found[1]
