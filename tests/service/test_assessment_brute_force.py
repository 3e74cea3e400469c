"""The counts in SQL beside a plain count in Python, over small random histories."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Dimension
from gridsvc.assessment.service import assess
from tests import cities
from tests.service import joint_city as city
from tests.service.assessment_world import History

pytestmark = pytest.mark.system(14)

BODIES = (city.LEAD, city.LEAD_NORTH, "XC-1")
#: Around the ends of November, and around the moment of asking.
MOMENTS = [
    "2026-10-31 23:59",
    "2026-11-01 00:00",
    "2026-11-10 10:00",
    "2026-11-20 12:00",
    "2026-11-20 12:01",
    "2026-11-30 23:59",
    "2026-12-01 00:00",
]
NOW = "2026-11-20 12:00"
#: Which of these are returns, refusals, and steps that may repeat, is read in the procedures.
STEPS = ["handle", "feed_back", "refuse", "again", "joint_action"]


@dataclass(frozen=True)
class Told:
    """One case, as it is written into the tables and as it is counted by hand."""

    due: str
    closed: str | None
    suspended: str | None
    street: str
    lead: str
    inspector: str | None
    acts: tuple[tuple[str, str, bool], ...]
    accepted: tuple[str, ...]
    created: str
    calls: tuple[tuple[bool, tuple[bool, str] | None], ...]


moments = st.sampled_from(MOMENTS)
acts = st.tuples(st.sampled_from(BODIES), st.sampled_from(STEPS), st.booleans())
said = st.none() | st.tuples(st.booleans(), st.sampled_from(["satisfied", "fairly", "not"]))
calls = st.lists(st.tuples(st.booleans(), said), max_size=3).map(tuple)


@st.composite
def told(draw: Any) -> Told:
    closed = draw(st.none() | moments)
    return Told(
        due=draw(moments),
        closed=closed,
        suspended=draw(st.none() | moments) if closed is None else None,
        street=draw(st.sampled_from([city.LEAD, city.LEAD_NORTH])),
        lead=draw(st.sampled_from(BODIES)),
        inspector=draw(st.sampled_from([None, "Li", "Wang"])),
        acts=tuple(draw(st.lists(acts, max_size=5))),
        accepted=tuple(draw(st.sets(st.sampled_from(BODIES)))),
        created=draw(moments),
        calls=draw(calls),
    )


def _write(history: History, one: Told) -> None:
    case_id = history.case(
        one.due,
        one.closed,
        street=one.street,
        body=one.lead,
        suspended=one.suspended,
        inspector=one.inspector,
    )
    for n, (body, step, overdue) in enumerate(one.acts, 1):
        history.hand_in(case_id, body, n=n, step=step, overdue=overdue)
    for body in one.accepted:
        history.appeal(case_id, body, accepted=True)
    report = history.report(case_id, one.created)
    for n, (valid, words) in enumerate(one.calls, 1):
        history.callback(case_id, report, words, n=n, valid=valid)


def _counted(story: list[Told], key: Any) -> Counter[str]:
    """November 2026 as of :data:`NOW`, counted case by case where ``key`` holds."""
    counts: Counter[str] = Counter()
    for one in story:
        if not key(one):
            continue
        if "2026-11-01 00:00" <= one.created < "2026-12-01 00:00":
            counts.update(["reported", "filed"])
        suspended = one.suspended is not None and one.suspended > NOW
        in_month = "2026-11-01 00:00" <= one.due < "2026-12-01 00:00"
        if not in_month or not (one.due <= NOW or one.closed or suspended):
            continue
        counts["due"] += 1
        counts["suspended" if suspended else "counted"] += 1
        overdue = {who for who, _, late in one.acts if late}
        waived, guilty = overdue & set(one.accepted), overdue - set(one.accepted)
        counts["waived"] += bool(waived)
        if one.closed:
            counts["closed"] += 1
            counts["closed_in_time"] += not guilty and bool(one.closed < one.due or waived)
        if one.calls and one.calls[-1][0]:
            counts["valid"] += 1
            words = one.calls[-1][1]
            if words is not None:
                counts["contacted"] += 1
                counts["solved"] += words[0]
                counts["satisfied"] += words[1] == "satisfied"
                counts["fairly"] += words[1] == "fairly"
        counts += _tasks(one, guilty)
    return counts


def _tasks(one: Told, guilty: set[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for body in {one.lead} | {who for who, _, _ in one.acts}:
        counts += _task(one, body, guilty)
    return counts


def _task(one: Told, body: str, guilty: set[str]) -> Counter[str]:
    steps = [step for who, step, _ in one.acts if who == body]
    handled = [step for step in steps if step not in ("refuse", "again")]
    again = any(handled.count(step) > 1 for step in handled if step != "joint_action")
    return Counter(
        received=1,
        returned="refuse" in steps,
        handled=bool(handled),
        handled_in_time=bool(handled) and body not in guilty,
        reworked=again,
    )


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(told(), max_size=6))
def test_sql_counts_what_a_person_counts(city_session: Session, story: list[Told]) -> None:
    history = History(city_session)
    for one in story:
        _write(history, one)
    found = assess(
        city_session,
        cities.city(),
        parse_period("2026-11", cities.calendar()),
        [Dimension.CITY, Dimension.STREET, Dimension.INSPECTOR, Dimension.BODY],
        now=dt.datetime.fromisoformat(NOW).replace(tzinfo=cities.calendar().zone),
    )
    lines = {by: {line.key: line.tally for line in each} for by, each in found.lines.items()}

    def same(tally: Any, expected: Counter[str]) -> None:
        assert +Counter(tally.counts) == +expected

    same(lines[Dimension.CITY]["city"], _counted(story, lambda one: True))
    for street in (city.LEAD, city.LEAD_NORTH):
        expected = _counted(story, lambda one, street=street: one.street == street)
        same(lines[Dimension.STREET][street], expected)
    for inspector, tally in lines[Dimension.INSPECTOR].items():
        expected = _counted(story, lambda one, who=inspector: one.inspector == who)
        same(tally, expected)
    for body, tally in lines[Dimension.BODY].items():
        expected = sum((_received(one, str(body)) for one in story), Counter())
        names = ("received", "returned", "handled", "handled_in_time", "reworked")
        assert +Counter({name: tally[name] for name in names}) == +expected
        led = _counted(story, lambda one, body=body: one.lead == body)
        assert (tally["due"], tally["closed_in_time"]) == (led["due"], led["closed_in_time"])
    city_session.rollback()


def _received(one: Told, body: str) -> Counter[str]:
    """A body's task in one case of November, nothing where it has none."""
    if body != one.lead and body not in {who for who, _, _ in one.acts}:
        return Counter()
    if not _counted([one], lambda _: True)["due"]:
        return Counter()
    overdue = {who for who, _, late in one.acts if late}
    return _task(one, body, overdue - set(one.accepted))
