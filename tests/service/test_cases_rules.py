"""The rules beside the steps: supervision, suspension, extension, overdue, appeals, versions."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gridsvc.callers import Role
from gridsvc.db import create_engine
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.service.joint_case import at_once
from tests.service.procedures_world import CGJ, GZ, Case, Clock, World, register

DAY = dt.timedelta(days=1)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def case(world):
    """An ordinary case of the enforcement department, due in 7 days."""
    return Case(world, world["city"].report(-300, **{"class": city.RUBBISH})["case_id"])


def moment(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


def test_a_token_that_handled_or_dispatched_a_case_may_not_close_it(world, case):
    case.take("command", "extend", note="Rain.")
    for step in ("handle", "feed_back"):
        case.take(CGJ, step, note="Swept.")
    problem = case.refused("command", "verify", 403, note="Clean.")
    assert "command of the west has dispatched or handled this case" in problem["detail"]
    case.take("supervision", "verify", note="Clean.")
    case.refused("command", "assess", 403, score=100)
    assert case.take("supervision", "assess", score=100)["state"] == "closed"


def test_a_token_that_checked_a_case_may_not_handle_it(world, case):
    for step in ("handle", "feed_back"):
        case.take(CGJ, step, note="Swept.")
    case.take("supervision", "rework", note="Not clean.")
    problem = case.refused("supervision", "handle", 403, note="Swept.", body=CGJ)
    assert "does not handle it" in problem["detail"]
    case.refused("supervision", "extend", 403, note="Time.")


@pytest.mark.system(13)
@pytest.mark.parametrize(
    ("class_code", "hours"), [("10002", 2), ("01011", 24), (city.RUBBISH, 168), ("08016", 360)]
)
def test_the_limits_of_12345_follow_the_class_by_data(world, clock, class_code, hours):
    for channel in ("12345", "app"):
        filed = world["city"].report(-300, channel=channel, **{"class": class_code})
        seen = Case(world, filed["case_id"]).seen()
        assert moment(seen["limit_at"]) == clock.now + dt.timedelta(hours=hours)
    assert filed["joined"] is True
    assert [r["channel"] for r in seen["reports"]] == ["12345", "app"]


def test_a_case_is_suspended_once_and_resumes_by_itself_with_the_time_that_was_left(
    world, clock, case
):
    due = moment(case.seen()["limit_at"])
    clock.forward(days=5)
    until = "2026-12-10"
    suspended = case.take("command", "suspend", note="The ground is frozen.", until=until)
    resumes = dt.datetime(2026, 12, 10, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert moment(suspended["suspended_until"]) == resumes
    assert moment(suspended["limit_at"]) == resumes + (due - clock.now)
    case.refused("command", "extend", note="More.")
    case.refused("command", "suspend", note="More.", until="2027-01-01")
    # Nothing runs on the day: the service was down for a month.
    clock.now = resumes + 2 * DAY - dt.timedelta(minutes=1)
    handled = case.take(CGJ, "handle", note="Swept.")
    assert handled["suspended_until"] is None
    assert handled["hand_ins"][0]["overdue"] is False
    entry = next(e for e in case.trace() if e["action"] == "resume")
    assert moment(entry["at"]) == resumes
    assert moment(entry["written_at"]) == clock.now
    assert case.intact()


def test_the_body_is_told_of_the_resumption_though_nobody_was_there_on_the_day(
    world, clock, case, city_engine
):
    case.take("command", "suspend", note="Frozen.", until="2026-12-10")
    with city_engine.connect() as connection:
        due = connection.execute(
            text("select due_at, state from message where topic = 'case_resumed'")
        ).one()
    assert due.due_at == dt.datetime(2026, 12, 9, 16, tzinfo=dt.UTC)
    assert due.state == "waiting"


def test_a_suspended_case_that_is_handed_in_all_the_same_goes_on(world, clock, case):
    case.take("command", "suspend", note="Frozen.", until="2026-12-10")
    clock.forward(days=3)
    after = case.take(CGJ, "handle", note="It thawed.")
    assert (after["step"], after["suspended_until"]) == ("feed_back", None)
    resumed = next(e for e in case.trace() if e["action"] == "resume")
    assert resumed["content"]["early"] is True
    # A second suspension is refused, though the step can be reached again.
    case.take(CGJ, "feed_back", note="Done.")
    case.take("supervision", "rework", note="Again.")
    case.refused("command", "suspend", note="Frozen.", until="2026-12-20")


def test_a_suspended_case_that_is_raised_or_moved_says_that_it_resumed(world, case, city_engine):
    case.take("command", "suspend", note="Frozen.", until="2026-12-10")
    raised = case.take("command", "raise", note="It cannot wait.")
    assert (raised["procedure"]["name"], raised["suspended_until"]) == ("city", None)
    assert [e["action"] for e in case.trace()][-2:] == ["resume", "raise"]
    with city_engine.connect() as connection:
        query = text("select state from message where topic = 'case_resumed'")
        assert connection.execute(query).scalars().all() == ["withdrawn"]


@pytest.mark.parametrize(
    ("until", "status"),
    [
        ("2026-11-23", 422),
        ("2027-11-23", 200),
        ("2027-11-24", 422),
        ("2020-01-01", 422),
        ("soon", 422),
        ("2026-12-01T10:00:00", 422),
        ("2026-12-01T10:00:00+08:00", 200),
        (None, 422),
    ],
)
def test_a_suspension_ends_after_today_and_within_a_year(world, case, until, status):
    given = case.given("suspend", {"note": "Frozen.", "until": until})
    answer = world["command"].send("POST", case.steps, json=given)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["field"] == "evidence.until"
        assert case.seen()["suspensions"] == 0


def test_a_case_is_extended_twice_by_its_own_limit(world, clock, case):
    due = moment(case.seen()["limit_at"])
    for n in (1, 2):
        extended = case.take("command", "extend", note="Rain.")
        assert moment(extended["limit_at"]) == due + n * 7 * DAY
    assert "2 times" in case.refused("command", "extend", note="Rain.")["detail"]
    case.refused(CGJ, "extend", 403, note="Rain.")


def test_nothing_is_suspended_or_extended_once_the_limit_has_passed(world, clock, case):
    clock.forward(days=7)
    for act in ("extend", "suspend"):
        problem = case.refused("command", act, note="Rain.", until="2026-12-10")
        assert "before the limit has passed" in problem["detail"]
    assert case.refused("command", "extend")["missing"] == ["note"]


def test_overdue_is_judged_at_the_hand_in_and_the_raw_fact_stays_after_an_appeal(
    world, clock, case
):
    clock.forward(days=8)
    earlier = (clock.now - 5 * DAY).isoformat()
    handled = case.take(CGJ, "handle", note="We did it days ago.", at=earlier)
    assert handled["hand_ins"][0]["overdue"] is True
    appeal = {"body": CGJ, "reason": "The road was closed."}
    world[CGJ].refused(f"/v1/cases/{case.id}/appeals", appeal, status=409)
    case.take(CGJ, "feed_back", note="Done.")
    for step, evidence in (("verify", {"note": "Clean."}), ("assess", {"score": 50})):
        closed = case.take("supervision", step, **evidence)
    assert closed["hand_ins"][0]["overdue"] is True
    address = f"/v1/cases/{case.id}/appeals"
    world[GZ].refused(address, appeal, status=403)
    world[GZ].refused(address, {**appeal, "body": GZ}, status=409)
    assert world[CGJ].post(address, appeal)["appeals"][0]["accepted"] is None
    world[CGJ].refused(address, appeal, status=409)
    decision = {"accepted": True, "note": "So it was."}
    world[CGJ].refused(f"{address}/{CGJ}/decision", decision, status=403)
    decided = world["supervision"].post(f"{address}/{CGJ}/decision", decision)
    assert decided["appeals"][0]["accepted"] is True
    assert decided["hand_ins"][0]["overdue"] is True
    world["supervision"].refused(f"{address}/{CGJ}/decision", decision, status=409)
    world["supervision"].refused(f"{address}/{GZ}/decision", decision, status=404)
    assert case.intact()


@pytest.mark.parametrize(
    "statement",
    [
        "update hand_in set overdue = false",
        "update hand_in set limit_at = limit_at + interval '1 day'",
        "delete from hand_in",
        "update appeal set reason = 'x'",
        "delete from appeal",
    ],
)
def test_the_service_may_not_change_the_raw_fact(world, case, city_database, statement):
    case.take(CGJ, "handle", note="Swept.")
    engine = create_engine(city_database, role=SERVICE_ROLE)
    with (
        engine.connect() as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement))
    engine.dispose()


def test_a_step_before_the_one_before_it_is_refused(world, clock, case):
    clock.forward(hours=5)
    case.take(CGJ, "handle", note="Swept.")
    between = (clock.now - dt.timedelta(hours=3)).isoformat()
    problem = case.refused(CGJ, "feed_back", 422, note="Done.", at=between)
    assert problem["field"] == "at"
    assert "the step before 'feed_back'" in problem["detail"]
    case.refused(CGJ, "feed_back", 422, note="Done.", at=(clock.now + DAY).isoformat())
    case.refused(CGJ, "feed_back", 422, note="x", at=(clock.now - 9 * DAY).isoformat())


def test_a_step_that_was_taken_names_who_took_it_and_when(world, clock, case):
    case.take(CGJ, "handle", note="Swept.")
    problem = case.refused(CGJ, "handle", note="Swept again.")
    assert problem["taken"] == {
        "by": CGJ,
        "actor": f"department:{CGJ}",
        "at": clock.now.isoformat(),
    }
    assert f"was last taken by {CGJ}" in problem["detail"]


def test_of_two_at_the_same_moment_one_wins_and_the_other_is_told_who(world, case):
    given = case.given("handle", {"note": "Swept."})
    second = world.person(Role.DEPARTMENT, city.WEST, CGJ, subject="the other shift")
    answers = at_once(
        *(lambda who=who: who.send("POST", case.steps, json=given) for who in (world[CGJ], second))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    told = next(answer.json() for answer in answers if answer.status_code == 409)
    winner = [e["actor"] for e in case.trace() if e["action"] == "handle"]
    assert winner == [told["taken"]["actor"]]
    assert case.intact()


def test_the_trace_says_from_where_a_step_was_taken(world, case):
    there = city.beside_border(-300)
    x, y = from_wgs84(there["lon"], there["lat"] + 0.001, "gcj02")
    standing = {"lon": x, "lat": y, "crs": "gcj02"}
    given = {"step": "handle", "note": "Swept.", "place": standing}
    world[CGJ].post(case.steps, given)
    told = case.trace()[-1]["content"]["taken_from"]
    assert told["point"] == pytest.approx([there["lon"], there["lat"] + 0.001], abs=1e-8)
    assert told["metres_off"] == pytest.approx(111.0, abs=0.2)  # a thousandth of a degree, at 40°
    for wrong in ({"lon": 39.9, "lat": 116.3}, {"lon": x}, {"lon": x, "lat": y, "crs": "mars"}):
        world[CGJ].refused(case.steps, given | {"place": wrong}, status=422)
    forged = {"step": "feed_back", "note": "Swept.", "evidence": {"taken_from": "the place"}}
    problem = world[CGJ].refused(case.steps, forged, status=422)
    assert problem["field"] == "evidence.taken_from"
    assert case.intact()


def test_a_closed_case_takes_nothing_and_says_so(world, case):
    for step in ("handle", "feed_back"):
        case.take(CGJ, step, note="Swept.")
    case.take("supervision", "verify", note="Clean.")
    case.refused("supervision", "assess", 422, score=101)
    case.refused("supervision", "assess", 422, score=True)
    case.take("supervision", "assess", score=77)
    entries = len(case.trace())
    for by, step in ((CGJ, "handle"), ("supervision", "assess"), ("command", "extend")):
        assert "closed" in case.refused(by, step, note="x", score=1)["detail"]
    case.refused(CGJ, "refuse", note="x", responsible_now=GZ)
    assert len(case.trace()) == entries


def test_a_token_of_another_district_takes_no_step(world, case):
    stranger = world.person(Role.DISTRICT, city.EAST)
    for step in ("handle", "verify", "extend"):
        given = case.given(step, {"note": "x", "body": CGJ})
        stranger.refused(case.steps, given, status=403, type="not-allowed")


def test_a_case_is_opened_by_the_roles_of_its_procedure_in_their_own_area(world):
    given = {"procedure": "hazard", "class": city.RUBBISH, "location": city.beside_border(-300)}
    world["citizen"].refused("/v1/cases", given, status=403)
    world[city.OTHER].refused("/v1/cases", given, status=403)
    world["command"].refused("/v1/cases", {**given, "procedure": "joint"}, status=403)
    world["command"].refused("/v1/cases", {**given, "procedure": "nothing"}, status=422)
    problem = world["command"].refused("/v1/cases", {**given, "seats": {"king": CGJ}}, status=422)
    assert problem["field"] == "seats.king"
    world["citizen"].refused(
        "/v1/reports",
        {**{k: given[k] for k in ("class", "location")}, "channel": "hazard"},
        status=403,
    )
    assert world[city.LEAD].post("/v1/cases", given)["case"]["state"] == "open"


def test_where_nobody_is_listed_the_street_coordinates_and_the_gap_is_kept_once(world, city_engine):
    first = world["citizen"].report(-300, **{"class": city.NOISE})
    world["citizen"].report(-1200, **{"class": city.NOISE})
    assert first["responsibility"]["gap"] is True
    with city_engine.connect() as connection:
        rows = connection.execute(
            text("select street_code, class_code, case_id from duty_gap")
        ).all()
    assert [(r[0], r[1], str(r[2])) for r in rows] == [(city.LEAD, city.NOISE, first["case_id"])]


def test_the_day_of_a_duty_is_the_citys(world, clock, city_engine):
    with city_engine.begin() as connection:
        connection.execute(
            text("update duty set valid_to = '2026-11-24' where area_code = '110102'")
        )
    clock.now = dt.datetime(2026, 11, 23, 15, 59, tzinfo=dt.UTC)
    assert (
        world["citizen"].report(-300, **{"class": city.RUBBISH})["responsibility"]["gap"] is False
    )
    clock.now = dt.datetime(2026, 11, 23, 16, 1, tzinfo=dt.UTC)
    assert world["citizen"].report(-900, **{"class": city.RUBBISH})["responsibility"]["gap"] is True
