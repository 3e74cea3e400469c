from __future__ import annotations

from fractions import Fraction
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.repository.years import years_of_trace
from gridsvc.assessment.service import frame_of
from gridsvc.assessment.yearly import YearlyLine, recompute
from gridsvc.callers import Role
from tests import cities
from tests.service import joint_city as city
from tests.service.joint_case import JointCase
from tests.service.procedures_world import BUILDER, CGJ, GZ, Case, Clock, World, register
from tests.service.whistles_world import published

pytestmark = pytest.mark.system(30)

YEAR = parse_period("2026", cities.calendar())
SAID = {"contacted": True, "unit_contacted": True, "solved": True, "satisfied": "fairly"}


@pytest.fixture
def world(city_engine: Engine, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> World:
    register(city_engine)
    clock = Clock.held(monkeypatch)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
    made = World(client, clock)
    made.people["hotline"] = made.person(Role.CITY, subject="12345")
    return made


def _ordinary(world: World) -> Case:
    """A case of the street, handled in time, scored 90, its citizen fairly satisfied."""
    filed = world["citizen"].report(-300)
    case = Case(world, filed["case_id"])
    case.take(city.LEAD, "handle", note="taken down")
    case.take(city.LEAD, "feed_back", note="done")
    case.take("supervision", "verify", note="seen")
    case.take("supervision", "assess", score=90)
    world["hotline"].post(f"/v1/reports/{filed['id']}/callbacks", SAID)
    return case


def _dual(world: World) -> Case:
    """A case of the street, overdue and scored 60, and of a builder, in time and scored 95."""
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    world.clock.forward(hours=49)
    case.take(city.LEAD, "handle", note="Swept.")
    case.take(BUILDER, "handle", note="Mended.")
    scores = {city.LEAD: 60, BUILDER: 95}
    case.take("supervision", "assess", note="Seen.", scores=scores)
    return case


def _recomputed(session: Session, world: World) -> tuple[dict[str, YearlyLine], list[Any]]:
    found, differing = recompute(session, cities.city(), YEAR, now=world.clock.now)
    return {line.body: line for line in found.lines}, list(differing)


def test_a_year_is_recomputed_from_the_trace_and_is_that_of_the_tables(
    world: World, city_session: Session
) -> None:
    _ordinary(world)
    _dual(world)
    lines, differing = _recomputed(city_session, world)
    assert differing == []
    street, builder = lines[city.LEAD], lines[BUILDER]
    # 0.1 + 0.5 + 0.4 * 0.9; one case of two in time; never called; (90 + 60) / 2.
    assert street.parts == {
        "citizens": Fraction(96, 100),
        "on_time": Fraction(1, 2),
        "reported_in": None,
        "scored": Fraction(3, 4),
        "judged": None,
        "opinion": None,
    }
    # (0.4 * 0.96 + 0.2 * 0.5 + 0.3 * 0.75) / 0.9, and (0.2 + 0.3 * 0.95) / 0.5
    assert street.score == Fraction(709, 900)
    assert builder.score == Fraction(97, 100)
    assert (builder.rank, street.rank) == (1, 2)


def test_an_accepted_appeal_counts_in_both_and_the_raw_fact_stays(
    world: World, city_session: Session, city_engine: Engine
) -> None:
    case = _dual(world)
    path = f"/v1/cases/{case.id}/appeals"
    world[city.LEAD].post(path, {"body": city.LEAD, "reason": "The road was closed."})
    decision = {"accepted": True, "note": "It was."}
    world["supervision"].post(f"{path}/{city.LEAD}/decision", decision)
    lines, differing = _recomputed(city_session, world)
    assert differing == []
    assert lines[city.LEAD].parts["on_time"] == 1
    with city_engine.connect() as connection:
        overdue = connection.scalar(text("select count(*) from hand_in where overdue"))
    assert overdue == 1


@pytest.mark.parametrize(
    ("tampering", "count"),
    [
        ("update hand_in set overdue = false", "in_time"),
        ("update hand_in set score = 100 where score = 60", "points"),
        ("delete from hand_in where score = 95", "handled"),
        ("update callback set satisfied = 'satisfied'", "satisfied"),
        ("delete from callback", "valid"),
        ("update case_file set due_at = due_at - interval '1 year'", "valid"),
        ("update case_file set lead_body = 'BJ-POWER'", "solved"),
        ("update case_file set state = 'open', closed_at = null", "handled"),
    ],
)
def test_a_table_that_was_tampered_with_is_found_by_the_trace(
    world: World, city_session: Session, city_engine: Engine, tampering: str, count: str
) -> None:
    _ordinary(world)
    _dual(world)
    with city_engine.begin() as connection:
        connection.execute(text(tampering))
    lines, differing = _recomputed(city_session, world)
    assert count in {one.count for one in differing}
    assert lines[city.LEAD].score == Fraction(709, 900)


def test_the_trace_and_the_audit_log_alone_are_read(world: World, city_engine: Engine) -> None:
    _ordinary(world)
    with Session(city_engine) as session:
        frame = frame_of(session, cities.city(), YEAR, "", now=world.clock.now)
        session.execute(text("create role trace_reader"))
        session.execute(text("grant usage on schema public to trace_reader"))
        session.execute(text("grant select on trace, audit_entry to trace_reader"))
        session.execute(text("set local role trace_reader"))
        assert years_of_trace(session, frame, "")[city.LEAD].solved == 1
        session.rollback()


def test_a_joint_case_counts_arrivals_and_the_scores_of_both_sides(
    client: httpx.Client, city_session: Session
) -> None:
    case = JointCase(client).score()
    for side in (case.lead, case.other):
        side.post(case.steps, {"step": "close", "note": "Nothing is left of it."})
    due = city_session.scalar(text("select due_at from case_file"))
    day = parse_period(cities.calendar().day(due).isoformat(), cities.calendar())
    found, differing = recompute(city_session, cities.city(), day, now=due)
    assert differing == ()
    counts = {line.body: line.counts for line in found.lines}
    assert {body: (one.scored, one.points) for body, one in counts.items()} == {
        **{city.LEAD: (1, 95), city.OTHER: (1, 95)},
        **dict.fromkeys(case.departments, (1, 0)),
    }
    assert all((one.arrived, one.punctual) == (1, 1) for one in counts.values())


def test_a_whistle_of_a_street_counts_the_departments_that_it_called(
    world: World, city_session: Session
) -> None:
    whistle = published(world).come(CGJ)
    world.clock.forward(minutes=31)
    whistle.come(GZ).finish(CGJ)
    world.clock.forward(days=8)
    whistle.finish(GZ)
    whistle.case.take(city.LEAD, "verify", note="Seen.")
    for body, points in ((CGJ, 90), (GZ, 40)):
        whistle.act(body, "score", by=city.LEAD, score=points)
    whistle.case.take(city.LEAD, "assess")
    lines, differing = _recomputed(city_session, world)
    assert differing == []
    one, other = lines[CGJ].counts, lines[GZ].counts
    assert (one.handled, one.in_time, one.arrived, one.punctual, one.points) == (1, 1, 1, 1, 90)
    assert (other.handled, other.in_time, other.arrived, other.punctual) == (1, 0, 1, 0)


def test_evidence_cannot_pretend_to_be_the_services_own_judgement(world: World) -> None:
    case = Case(world, world["citizen"].report(-300)["case_id"])
    forged = {"overdue": False, "scores": {city.LEAD: 100}}
    problem = case.refused(city.LEAD, "handle", 422, note="Done.", judged=forged)
    assert problem["field"] == "evidence.judged"


def test_who_never_came_to_a_dual_order_has_its_0_in_the_year_of_both(
    world: World, city_session: Session
) -> None:
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    case.take(city.LEAD, "handle", note="Swept.")
    world.clock.forward(days=7)
    case.take("command", "absent", note="Nobody came.", absent=BUILDER)
    scores = {city.LEAD: 90, BUILDER: 0}
    case.take("supervision", "assess", note="Seen.", scores=scores)
    lines, differing = _recomputed(city_session, world)
    assert differing == []
    builder = lines[BUILDER]
    assert (builder.counts.scored, builder.counts.points, builder.score) == (1, 0, 0)
    assert (lines[city.LEAD].counts.scored, lines[city.LEAD].counts.points) == (1, 90)
