from __future__ import annotations

import uuid
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Assessment, Dimension, Line, percent
from gridsvc.assessment.service import assess, frame_of, list_behind
from tests import cities
from tests.service import joint_city as city
from tests.service.assessment_world import NOW, History, at, november

pytestmark = pytest.mark.system(14)


@pytest.fixture
def history(city_session: Session) -> History:
    return History(city_session)


def _assessed(session: Session, *by: Dimension, period: str = "2026-11", **more: Any) -> Assessment:
    return assess(
        session, cities.city(), parse_period(period, cities.calendar()), by, **({"now": NOW} | more)
    )


def _city(session: Session, **more: Any) -> Line:
    return _assessed(session, Dimension.CITY, **more).lines[Dimension.CITY][0]


def _by(session: Session, dimension: Dimension, **more: Any) -> dict[str | None, Line]:
    return {line.key: line for line in _assessed(session, dimension, **more).lines[dimension]}


def _printed(line: Line) -> dict[str, str]:
    return {rate.name: percent(rate.value) for rate in line.rates}


def test_november_is_counted_as_by_hand(city_session: Session, history: History) -> None:
    november(history)
    line = _city(city_session)
    assert dict(line.tally.counts) == {
        # Nine cases but that of December; one is suspended; "late" and "open" are not in time.
        **{"due": 8, "suspended": 1, "counted": 7, "closed": 6, "closed_in_time": 5, "waived": 1},
        # Cases of before there were overall limits.
        **{"overall_due": 0, "overall_kept": 0},
        # The lead of each of the eight, and the street that sent "returned" back.
        **{"received": 9, "returned": 1, "handled": 6, "handled_in_time": 5, "reworked": 1},
        # "in time", "late", "waived", "returned"; the newest of "reworked" is not valid.
        **{"valid": 4, "unreached": 0, "contacted": 3, "solved": 2, "satisfied": 1, "fairly": 1},
        # XC-1 to XC-4: XC-2 a minute late, XC-3 never came; XC-1 and XC-2 are done, one overdue.
        **{"called": 4, "reported_in": 3, "late": 2, "far": 1, "done": 2, "done_in_time": 1},
        # One report a case, and that of the last minute of November, which waits for filing.
        **{"reported": 10, "filed": 9},
    }
    assert _printed(line) == {
        "overall": "–",
        "response": "75.0",
        "solved": "50.0",
        "satisfied": "47.5",
        "closed": "85.7",
        "closed_in_time": "71.4",
        "filed": "90.0",
        "handled_in_time": "83.3",
        "rework": "16.7",
        "returned": "11.1",
        "late": "50.0",
        "far": "33.3",
        "done_in_time": "50.0",
    }
    # 0.1 * 3/4 + 0.5 * 2/4 + 0.4 * 1.9/4
    assert line.score == Fraction(515, 1000)
    # 30, 31 and 0 minutes after the appointed time of 9:00.
    assert line.tally.minutes == 30.0


def test_the_time_to_report_in_counts_from_the_call_or_the_meeting_whatever_limit_a_kind_has(
    city_session: Session, history: History
) -> None:
    # A city whose whistles of this kind give an hour.
    called = history.whistle(history.case(), level=3)
    history.called(called, "XC-1", by="2026-11-01 10:00", came="2026-11-01 09:45")
    assert _city(city_session).tally.minutes == 45.0
    met = history.whistle(history.case(), level=3, meeting="2026-11-01 14:00")
    history.called(met, "XC-1", by="2026-11-01 15:00", came="2026-11-01 14:20")
    assert _city(city_session).tally.minutes == 32.5


def test_another_citys_weights_give_another_score(city_session: Session, history: History) -> None:
    november(history)
    # 0.3 * 0.75 + 0.35 * 0.5 + 0.35 * 0.475
    assert _city(city_session, scheme="30-35-35").score == Fraction(56625, 100000)


def test_streets_are_ranked_and_one_without_callbacks_has_no_data(
    city_session: Session, history: History
) -> None:
    november(history)
    lines = _assessed(city_session, Dimension.STREET).lines[Dimension.STREET]
    assert [(line.rank, line.key) for line in lines] == [
        (1, city.LEAD),
        (2, city.LEAD_NORTH),
        (None, city.OTHER_NORTH),
        (None, city.OTHER),
    ]
    # 0.1 * 3/3 + 0.5 * 2/3 + 0.4 * 1.9/3, and one citizen who was not reached.
    assert [line.score for line in lines] == [Fraction(206, 300), 0, None, None]
    assert lines[0].name == "广安门外街道"
    assert set(_printed(lines[2]).values()) == {"–"}
    assert lines[2].rate("closed").to_json()["reason"].startswith("no data")


def test_a_body_answers_for_what_it_handed_in_wherever_the_case_went(
    city_session: Session, history: History
) -> None:
    november(history)
    bodies = _by(city_session, Dimension.BODY)
    west, north = bodies[city.LEAD].tally, bodies[city.LEAD_NORTH].tally
    assert (west["received"], west["returned"], west["handled"]) == (6, 1, 3)
    assert (north["received"], north["returned"], north["handled"]) == (3, 0, 3)
    assert (north["due"], north["reworked"]) == (3, 1)
    assert bodies["XC-2"].tally["late"] == 1
    assert bodies["XC-2"].rate("closed").value is None


def test_inspectors_classes_districts_and_communities_each_have_their_own(
    city_session: Session, history: History
) -> None:
    november(history)
    inspectors = _by(city_session, Dimension.INSPECTOR)
    assert inspectors["worker Li"].tally["closed"] == 2
    assert inspectors[None].tally["closed"] == 4
    classes = _by(city_session, Dimension.CLASS)
    assert classes["event:06010"].tally["waived"] == 1
    assert classes["event:06001"].tally["due"] == 7
    assert classes["event:06010"].name == "暴露垃圾"
    assert _by(city_session, Dimension.DISTRICT)[city.WEST].tally["due"] == 8
    assert _by(city_session, Dimension.DISTRICT)[city.EAST].score is None
    assert _by(city_session, Dimension.COMMUNITY)[f"{city.LEAD_NORTH}001"].tally["due"] == 3


def test_a_year_is_split_into_its_months_and_they_sum_to_it(
    city_session: Session, history: History
) -> None:
    november(history)
    found = _assessed(city_session, Dimension.CITY, Dimension.MONTH, period="2026")
    months = {line.key: line for line in found.lines[Dimension.MONTH]}
    assert list(months) == [f"2026-{month:02}" for month in range(1, 13)]
    assert months["2026-11"].tally == _city(city_session).tally
    assert months["2026-12"].tally["closed_in_time"] == 1
    whole = found.lines[Dimension.CITY][0].tally
    for name, total in whole.counts.items():
        assert sum(month.tally[name] for month in months.values()) == total, name


def test_a_case_that_is_not_due_yet_does_not_count_against_a_running_month(
    city_session: Session, history: History
) -> None:
    november(history)
    found = _assessed(city_session, Dimension.CITY, now=at("2026-11-19 10:00"))
    assert found.running
    # "open" is due tomorrow, and XC-5 is called for December; closings are known as of today.
    assert found.lines[Dimension.CITY][0].tally["due"] == 7


def test_only_one_street_is_counted_when_one_is_asked_for(
    city_session: Session, history: History
) -> None:
    november(history)
    line = _city(city_session, area=city.LEAD_NORTH)
    assert (line.tally["due"], line.tally["reported"], line.tally["called"]) == (3, 3, 0)
    assert _city(city_session, area=city.EAST).tally["due"] == 0


def test_every_number_is_taken_apart_into_its_cases(
    city_session: Session, history: History
) -> None:
    cases = november(history)
    frame = frame_of(
        city_session, cities.city(), parse_period("2026-11", cities.calendar()), "", now=NOW
    )
    by, key = Dimension.STREET, city.LEAD
    line = _by(city_session, by)[key]

    def listed(count: str, limit: int = 100) -> list[uuid.UUID]:
        rows, after = [], None
        while page := list_behind(city_session, frame, count, by, key, after=after, limit=limit):
            rows += page
            last = page[-1]
            after = last.case_district, last.case_id, last.thing
        return [uuid.UUID(row.case_id) for row in rows]

    for count, number in line.tally.counts.items():
        assert len(listed(count)) == number, count
        assert listed(count, limit=1) == listed(count), count
    assert set(listed("closed_in_time")) == {cases["in time"], cases["waived"]}
    assert listed("waived") == [cases["waived"]]
    assert listed("suspended") == [cases["suspended"]]


def test_the_month_ends_at_midnight_of_the_city(city_session: Session, history: History) -> None:
    history.case("2026-11-30 23:59:59")
    history.case("2026-12-01 00:00:00")
    assert _city(city_session).tally["due"] == 1
    assert _city(city_session, period="2026-12").tally["due"] == 1


def test_a_case_closed_at_its_very_deadline_is_late(
    city_session: Session, history: History
) -> None:
    history.case("2026-11-10 10:00", "2026-11-10 10:00")
    history.case("2026-11-10 10:00", "2026-11-10 09:59")
    counts = _city(city_session).tally
    assert (counts["closed"], counts["closed_in_time"]) == (2, 1)
