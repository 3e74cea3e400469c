"""Limits by the service's own clock: the citizen's from intake, stated times, nights, new years."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.yearly import recompute as recompute_year
from gridsvc.cases.systems.limits import recompute
from tests import cities
from tests.service import joint_city as city
from tests.service.procedures_world import BUILDER, CGJ, GZ, MONDAY, Clock, World
from tests.service.whistles_world import HERE, newest, published, register_departments

ZONE = dt.timezone(dt.timedelta(hours=8))
#: New Year's Day 2027 is a Friday; the table gives the Monday behind it too, and works a Saturday.
TABLE = (
    "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-04,holiday,元旦\n2027-01-09,workday,元旦\n"
)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register_departments(city_engine)
    return World(client, clock)


def here(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=ZONE)


def moment(given: str) -> dt.datetime:
    return dt.datetime.fromisoformat(given)


def after(clock: Clock, **span: float) -> str:
    return (clock.now + dt.timedelta(**span)).isoformat()


def limits(body) -> list[dt.datetime]:
    return [moment(body[name]) for name in ("accept_by", "report_in_by", "done_by")]


# The citizen's limit.


def test_refusal_and_rework_restart_the_step_and_never_the_citizens_limit(world, clock):
    case, week = world.open("worker", "ordinary"), dt.timedelta(days=7)
    opened = case.seen()
    assert [moment(opened[n]) for n in ("limit_at", "overall_limit_at")] == [MONDAY + week] * 2
    clock.forward(days=3)
    given = {"note": "Not ours.", "responsible_now": GZ, "clause": "not_listed"}
    case.take(opened["lead_body"], "refuse", **given)
    refused = case.take("command", "rule", to=GZ, note="It is theirs.", reason="Agreed.")
    assert moment(refused["limit_at"]) == clock.now + week
    assert moment(refused["overall_limit_at"]) == MONDAY + week
    clock.forward(days=1)
    case.take(GZ, "handle", note="Swept.")
    answered = case.take(GZ, "feed_back", note="It is clean.")
    assert (moment(answered["answered_at"]), answered["overall_overdue"]) == (clock.now, False)
    back = case.take("supervision", "rework", note="It is not.")
    assert (back["answered_at"], moment(back["overall_limit_at"])) == (None, MONDAY + week)
    clock.forward(days=4)
    case.take(GZ, "handle", note="Swept again.")
    again = case.take(GZ, "feed_back", note="Now it is.")
    # In time for each step, and too late for the citizen all the same.
    assert [one["overdue"] for one in again["hand_ins"]] == [False] * 5
    assert again["overall_overdue"] is True
    entry = case.trace()[-1]
    assert entry["content"]["judged"]["overall"] == {
        "limit_at": (MONDAY + week).isoformat(),
        "overdue": True,
    }


@pytest.mark.parametrize(("hours", "overdue"), [(167.99, False), (168, True)])
def test_the_overall_limit_has_passed_at_its_own_moment(world, clock, hours, overdue):
    case = world.open("worker", "ordinary")
    lead = case.seen()["lead_body"]
    case.take(lead, "handle", note="Swept.")
    clock.forward(hours=hours)
    assert case.take(lead, "feed_back", note="Clean.")["overall_overdue"] is overdue
    clock.forward(days=60)
    (assessed,) = world["city"].get("/v1/assessments", period="2026-11", by="city")["lines"]
    counts = assessed["counts"]
    assert (counts["overall_due"], counts["overall_kept"]) == (1, 0 if overdue else 1)
    assert assessed["rates"]["overall"]["percent"] == (0.0 if overdue else 100.0)


def test_an_extension_and_a_suspension_move_the_overall_limit_too(world, clock):
    case = world.open("worker", "ordinary")
    extended = case.take("command", "extend", note="It rains.")
    assert moment(extended["overall_limit_at"]) == MONDAY + dt.timedelta(days=14)
    until = here(2027, 3, 1)
    suspended = case.take("command", "suspend", note="In spring.", until="2027-03-01")
    waits = until - clock.now
    assert moment(suspended["overall_limit_at"]) == MONDAY + dt.timedelta(days=14) + waits
    clock.forward(days=2)
    taken = case.take(case.seen()["lead_body"], "handle", note="Swept.")
    # Taken early, it was suspended for two days.
    assert moment(taken["overall_limit_at"]) == MONDAY + dt.timedelta(days=16)


def test_a_procedure_without_a_grade_may_take_what_its_steps_take_one_after_the_other(world):
    case = world.open("command", "dual")
    # 2 h by the clock from Monday 10:00, then 24 and 24 working hours from 12:00.
    assert moment(case.seen()["overall_limit_at"]) == here(2026, 12, 1, 12)


# Stated times.


def test_a_step_that_is_told_late_takes_no_time_from_the_next(world, clock):
    case = world.open("worker", "ordinary")
    lead = case.seen()["lead_body"]
    clock.forward(days=5)
    taken = case.take(lead, "handle", note="Swept.", at=after(clock, days=-4))
    assert moment(taken["limit_at"]) == clock.now + dt.timedelta(hours=24)
    (stated,) = taken["stated_times"]
    assert (stated["act"], moment(stated["stated_at"]), moment(stated["received_at"])) == (
        "handle",
        clock.now - dt.timedelta(days=4),
        clock.now,
    )


def late_report_in(world, clock):
    """A whistle whose body came after 20 minutes, as it states, and said so after 39."""
    whistle = published(world, (CGJ,))
    whistle.act(CGJ, "accept")
    clock.forward(minutes=39)
    came = whistle.act(CGJ, "report-in", at=after(clock, minutes=-19), **HERE)
    return whistle, came


def test_a_report_in_39_minutes_after_the_call_is_late_whatever_it_states(world, clock):
    _whistle, came = late_report_in(world, clock)
    assert came["late"] is True
    assert moment(came["reported_in_at"]) == clock.now
    assert moment(came["reported_in_stated_at"]) == clock.now - dt.timedelta(minutes=19)


def test_a_stated_time_counts_once_supervision_accepts_its_evidence(world, clock, city_session):
    whistle, came = late_report_in(world, clock)
    case = whistle.case
    (stated,) = case.seen()["stated_times"]
    address = f"/v1/cases/{case.id}/stated-times/{stated['n']}/decision"
    given = {"accepted": True, "note": "The sheet says so."}
    world[CGJ].refused(address, given | {"evidence": {"sheet": "12"}}, status=403)
    assert world["supervision"].refused(address, given, status=409)["missing"] == ["evidence"]
    no_photo = given | {"evidence": {"photos": ["no photo"]}}
    assert world["supervision"].refused(address, no_photo, status=422)["field"] == "evidence.photos"
    decided = world["supervision"].post(address, given | {"evidence": {"sheet": "12"}})
    assert decided["stated_times"][0]["accepted"] is True
    body = whistle.called()[CGJ]
    assert body["late"] is False
    assert moment(body["reported_in_at"]) == moment(came["reported_in_stated_at"])
    world["supervision"].refused(address, given | {"evidence": {"sheet": "12"}}, status=409)
    whistle.finish(CGJ).act(CGJ, "score", by=city.LEAD, score=70)
    case.take(city.LEAD, "verify", note="Fine.")
    case.take(city.LEAD, "assess")
    assert case.intact()
    # The yearly score counts it so, from the tables and from the trace alone.
    period = parse_period("2026-11", cities.calendar())
    clock.forward(days=60)
    found, differing = recompute_year(city_session, cities.city(), period, now=clock.now)
    assert differing == ()
    counted = next(line.counts for line in found.lines if line.body == CGJ)
    assert (counted.arrived, counted.punctual) == (1, 1)


def test_a_rejected_time_stays_as_stated_and_counts_for_nothing(world, clock):
    whistle, came = late_report_in(world, clock)
    (stated,) = whistle.case.seen()["stated_times"]
    address = f"/v1/cases/{whistle.case.id}/stated-times/{stated['n']}/decision"
    world["supervision"].post(address, {"accepted": False, "note": "Nobody saw them."})
    body = whistle.called()[CGJ]
    assert body["late"] is True
    for name in ("reported_in_at", "reported_in_stated_at"):
        assert moment(body[name]) == moment(came[name])
    missing = f"/v1/cases/{whistle.case.id}/stated-times/1/decision"
    world["supervision"].refused(missing, {"accepted": False, "note": "?"}, status=404)


def test_a_step_that_an_accepted_time_excuses_is_overdue_and_does_not_count_as_late(world, clock):
    case = world.open("worker", "ordinary")
    lead = case.seen()["lead_body"]
    clock.forward(days=8)
    late = case.take(lead, "handle", note="Swept.", at=after(clock, days=-3))
    assert [(one["overdue"], one["excused"]) for one in late["hand_ins"]] == [(True, None)]
    address = f"/v1/cases/{case.id}/stated-times/{late['stated_times'][0]['n']}/decision"
    given = {"accepted": True, "note": "Seen.", "evidence": {"sheet": "3"}}
    decided = world["supervision"].post(address, given)
    excused = [(one["overdue"], one["excused"]) for one in decided["hand_ins"]]
    assert excused == [(True, "stated_time")]


# The telephone.


@pytest.mark.parametrize("procedure", ["whistle_1", "whistle_2"])
def test_a_whistle_by_telephone_that_is_written_down_later_costs_nothing(
    world, clock, city_engine, procedure
):
    made = after(clock, hours=-50)
    case = world.open("worker", procedure, whistle={"made_at": made, "demand": "Shut it."})
    opened = case.seen()
    assert moment(opened["opened_at"]) == moment(made)
    assert moment(opened["limit_at"]) > clock.now
    assert moment(opened["overall_limit_at"]) > clock.now
    whistle = newest(case)
    body = next(iter(whistle.called()))
    assert moment(whistle.called()[body]["told_at"]) == moment(made)
    if procedure == "whistle_2":
        case.take(city.LEAD, "register", file_number="7", at=after(clock, hours=-49.5))
        case.take(city.LEAD, "send", person="a person", at=after(clock, hours=-49))
    whistle.act(body, "accept", at=after(clock, hours=-49.9))
    whistle.act(body, "report-in", at=after(clock, hours=-49), **HERE)
    done = whistle.act(body, "done", note="Shut.", at=after(clock, hours=-48))
    assert (done["late"], done["overdue"]) == (False, False)
    assert [one["overdue"] for one in case.seen()["hand_ins"]] == [False] * len(
        case.seen()["hand_ins"]
    )
    # Nor do the hours until it was written down count as its way to the place.
    with city_engine.begin() as connection:
        minutes = connection.scalar(
            text(
                "select extract(epoch from reported_in_at - recorded_at) from called_body b"
                " join whistle w on w.id = b.whistle_id where w.id = :id"
            ),
            {"id": whistle.id},
        )
    assert minutes == 0


# The night.


def test_an_everyday_whistle_at_22_00_counts_working_time(world, clock):
    clock.now = here(2026, 11, 23, 22)
    body = published(world, (CGJ,)).called()[CGJ]
    assert limits(body) == [
        here(2026, 11, 24, 8, 30),
        here(2026, 11, 24, 8, 30),
        here(2026, 11, 30, 22),
    ]


def test_an_emergency_whistle_at_22_00_counts_the_night(world, clock):
    clock.now = here(2026, 11, 23, 22)
    body = published(world, (CGJ,), kind="emergency").called()[CGJ]
    assert limits(body)[:2] == [here(2026, 11, 23, 22, 15), here(2026, 11, 23, 22, 30)]


def test_whoever_is_asked_to_a_meeting_at_night_comes_to_the_meeting(world, clock):
    clock.now = here(2026, 11, 23, 17)
    demand = {"task": "Come.", "time": "2026-11-23T22:00:00+08:00"}
    body = published(world, (CGJ,), demand=demand).called()[CGJ]
    assert limits(body)[:2] == [here(2026, 11, 23, 17, 30), here(2026, 11, 23, 22, 30)]


# Beyond the announced holidays.


def test_a_limit_beyond_the_announced_holidays_is_provisional_and_made_again(
    world, clock, city_session: Session, tmp_path
):
    clock.now = here(2026, 12, 31, 17, 45)
    whistle = published(world, (CGJ, GZ))
    # The first of January is known to be free, the fourth not yet: 15 minutes, and 15 on Monday.
    assert limits(whistle.called()[CGJ])[0] == here(2027, 1, 4, 8, 15)
    assert whistle.called()[CGJ]["provisional"] is True
    case = world.open("worker", "checked")
    # 4 working hours from 17:45.
    assert moment(case.seen()["limit_at"]) == here(2027, 1, 4, 11, 45)
    assert case.seen()["limits_provisional"] is True
    clock.now = here(2027, 1, 4, 13)
    whistle.act(CGJ, "accept")
    assert whistle.act(CGJ, "report-in", **HERE)["late"] is True
    assert recompute(city_session, cities.city(), now=clock.now) == 0
    table = tmp_path / "days.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert recompute(city_session, cities.city(working_days=table), now=clock.now) == 2
    city_session.commit()
    called = whistle.called()
    assert limits(called[GZ])[:2] == [here(2027, 1, 5, 8, 15)] * 2
    assert (called[CGJ]["provisional"], called[CGJ]["late"]) == (False, False)
    seen = case.seen()
    assert (moment(seen["limit_at"]), seen["limits_provisional"]) == (
        here(2027, 1, 5, 11, 45),
        False,
    )
    assert case.intact()
    assert whistle.case.intact()
    assert recompute(city_session, cities.city(working_days=table), now=clock.now) == 0


def test_a_whistle_that_was_postponed_keeps_that_when_its_limits_are_made_again(
    world, clock, city_session: Session, tmp_path
):
    clock.now = here(2026, 12, 31, 17, 45)
    whistle = published(world, (CGJ, GZ))
    done_by = limits(whistle.called()[GZ])[2]
    given = {"time": here(2027, 1, 1, 17, 45).isoformat(), "reason": "Rain."}
    world[city.LEAD].post(f"{whistle.address}/postpone", given)
    # 15 minutes on Thursday, 15 on Monday, and a day more to come and to be done, not to accept.
    assert limits(whistle.called()[GZ]) == [
        here(2027, 1, 4, 8, 15),
        here(2027, 1, 5, 8, 15),
        done_by + dt.timedelta(days=1),
    ]
    table = tmp_path / "days.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert recompute(city_session, cities.city(working_days=table), now=clock.now) == 1
    city_session.commit()
    # Monday is free: 15 minutes on Tuesday, and the day that it was postponed by.
    called = whistle.called()[GZ]
    assert limits(called)[:2] == [here(2027, 1, 5, 8, 15), here(2027, 1, 6, 8, 15)]
    assert (called["provisional"], whistle.seen()["postponed"]) == (False, 1)
    clock.now = here(2027, 1, 6, 8, 15)
    whistle.act(GZ, "accept")
    assert whistle.act(GZ, "report-in", **HERE)["late"] is False
    assert whistle.case.intact()


def test_what_was_late_by_a_provisional_limit_alone_is_excused(
    world, clock, city_session: Session, tmp_path
):
    clock.now = here(2026, 12, 31, 9)
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    # The street has 16 working hours: 7 on Thursday, 8 on Monday, and 1 on Tuesday.
    clock.now = here(2027, 1, 5, 10)
    taken = case.take(city.LEAD, "handle", note="Swept.")
    assert [one["overdue"] for one in taken["hand_ins"]] == [False, True]
    table = tmp_path / "days.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert recompute(city_session, cities.city(working_days=table), now=clock.now) == 1
    city_session.commit()
    _, one = case.seen()["hand_ins"]
    assert (one["overdue"], one["excused"]) == (True, "calendar")
    limit = {called["body_code"]: called["limit_at"] for called in case.seen()["called"]}[BUILDER]
    # 24 working hours: 7, none on Monday, 8, 8, and 1 on Thursday.
    assert moment(limit) == here(2027, 1, 7, 9)
    assert case.intact()


def test_calendar_hours_are_final_beyond_the_announced_holidays_too(world, clock):
    clock.now = here(2027, 1, 4, 10)
    assert world.open("worker", "ordinary").seen()["limits_provisional"] is False
