"""Both readings of response (响应率), and a year in which it changes, counted by hand."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Dimension, Line
from gridsvc.assessment.service import assess, frame_of, list_behind
from gridsvc.assessment.yearly import assess_year, recompute
from gridsvc.callers import Role
from gridsvc.city import City
from gridsvc.city.weights import Reading
from tests import cities
from tests.service import joint_city as city
from tests.service.assessment_world import NOW, History
from tests.service.procedures_world import Case, Clock, World, register

pytestmark = pytest.mark.system(14)

COUNTS = ("valid", "unreached", "contacted", "solved", "satisfied", "fairly")
OCTOBER, NOVEMBER = "2026-10-10 10:00", "2026-11-10 10:00"


@pytest.fixture
def changing(tmp_path: Path) -> City:
    """A city that read response by the hotline until the end of October 2026."""
    (tmp_path / "weights.csv").write_text(
        "scheme,valid_from,reading,response,solved,satisfied,fairly,source\n"
        "10-50-40,2019-01-01,hotline,0.1,0.5,0.4,0.9,until October\n"
        "10-50-40,2026-11-01,unit,0.1,0.5,0.4,0.9,from November\n",
        encoding="utf-8",
    )
    return cities.city(weights_dir=tmp_path)


def _called_back(history: History, due: str) -> None:
    """Six closed cases of a street, the callbacks of five asked for the unit, that of one not."""
    said: list[tuple[tuple[bool, str] | None, bool | None, str]] = [
        ((True, "satisfied"), True, "unit"),
        ((True, "fairly"), False, "unit"),
        ((False, "not"), True, "unit"),
        ((False, "not"), False, "unit"),
        (None, None, "unit"),
        ((True, "satisfied"), None, "hotline"),
    ]
    for words, unit, reading in said:
        case = history.case(due, due)
        report = history.report(case)
        history.callback(case, report, words, unit=unit, reading=reading)


def _line(session: Session, of: City, period: str, scheme: str | None = None) -> Line:
    span = parse_period(period, cities.calendar())
    found = assess(session, of, span, [Dimension.CITY], scheme=scheme, now=NOW)
    return found.lines[Dimension.CITY][0]


def _counts(line: Line) -> tuple[int, ...]:
    return tuple(line.tally[name] for name in COUNTS)


def test_by_default_response_is_the_units_and_whom_nobody_reached_counts_in_none(
    city_session: Session,
) -> None:
    _called_back(History(city_session), NOVEMBER)
    line = _line(city_session, cities.city(), "2026-11")
    # One was not reached. Of the five others the unit contacted two; the sixth was not asked, and
    # is read as it was: the hotline reached the citizen.
    assert _counts(line) == (5, 1, 3, 3, 2, 1)
    # 0.1 * 3/5 + 0.5 * 3/5 + 0.4 * 2.9/5
    assert line.score == Fraction(592, 1000)


def test_by_the_other_reading_response_is_whether_the_callback_reached_the_citizen(
    city_session: Session,
) -> None:
    _called_back(History(city_session), NOVEMBER)
    line = _line(city_session, cities.city(), "2026-11", "10-50-40-hotline")
    assert _counts(line) == (6, 0, 5, 3, 2, 1)
    # 0.1 * 5/6 + 0.5 * 3/6 + 0.4 * 2.9/6
    assert line.score == Fraction(316, 600)


def test_a_year_in_which_the_reading_changes_is_the_sum_of_its_months(
    city_session: Session, changing: City
) -> None:
    history = History(city_session)
    _called_back(history, OCTOBER)
    _called_back(history, NOVEMBER)
    assert _counts(_line(city_session, changing, "2026-10")) == (6, 0, 5, 3, 2, 1)
    assert _counts(_line(city_session, changing, "2026-11")) == (5, 1, 3, 3, 2, 1)
    assert _counts(_line(city_session, changing, "2026")) == (11, 1, 8, 6, 4, 2)
    year = assess_year(city_session, changing, parse_period("2026", cities.calendar()), now=NOW)
    assert year.readings == (
        (dt.date(2026, 1, 1), Reading.HOTLINE),
        (dt.date(2026, 11, 1), Reading.UNIT),
    )
    (street,) = [line.counts for line in year.lines if line.body == city.LEAD]
    assert (street.valid, street.contacted, street.solved) == (11, 8, 6)
    assert (street.satisfied, street.fairly) == (4, 2)


def test_the_cases_behind_a_count_are_those_of_the_scheme_that_counted_them(
    city_session: Session,
) -> None:
    _called_back(History(city_session), NOVEMBER)
    span = parse_period("2026-11", cities.calendar())
    for scheme, valid, unreached in (("10-50-40", 5, 1), ("10-50-40-hotline", 6, 0)):
        frame = frame_of(city_session, cities.city(), span, "", scheme=scheme, now=NOW)
        for count, number in (("valid", valid), ("unreached", unreached)):
            behind = list_behind(
                city_session, frame, count, Dimension.CITY, "city", after=None, limit=100
            )
            assert len(behind) == number


def _closed(world: World) -> str:
    filed = world["citizen"].report(-300)
    case = Case(world, filed["case_id"])
    case.take(city.LEAD, "handle", note="taken down")
    case.take(city.LEAD, "feed_back", note="done")
    case.take("supervision", "verify", note="seen")
    case.take("supervision", "assess", score=90)
    return f"/v1/reports/{filed['id']}/callbacks"


def test_the_trace_of_both_readings_gives_the_same_year_as_the_tables(
    city_engine: Engine,
    client: httpx.Client,
    city_session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(city_engine)
    clock = Clock.held(monkeypatch)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
    world = World(client, clock)
    hotline = world.person(Role.CITY, subject="12345")
    said = {"contacted": True, "solved": True, "satisfied": "fairly"}
    hotline.post(_closed(world), {**said, "unit_contacted": False})
    hotline.post(_closed(world), {"contacted": False})
    year = parse_period("2026", cities.calendar())
    by_hotline = cities.city(weights_scheme="10-50-40-hotline")
    for of, expected in ((cities.city(), (1, 0, 1)), (by_hotline, (2, 1, 1))):
        found, differing = recompute(city_session, of, year, now=clock.now)
        assert differing == ()
        (street,) = [line.counts for line in found.lines if line.body == city.LEAD]
        assert (street.valid, street.contacted, street.solved) == expected
