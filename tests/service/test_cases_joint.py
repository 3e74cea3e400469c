"""The joint whistle over HTTP, to its end: every step by its own side, in its order."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import httpx
import pytest
from sqlalchemy import text

from gridsvc.registry.access.model import Role
from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

CGJ, GZ = f"{city.EAST}-CGJ", f"{city.EAST}-GZ"
DEPARTMENTS = [CGJ, GZ]


class JointCase:
    """A joint case of a building astride the border, and those who take its steps."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.lead = self.person(Role.STREET, city.LEAD)
        self.other = self.person(Role.STREET, city.OTHER)
        self.departments = {
            code: self.person(Role.DEPARTMENT, city.EAST, code) for code in DEPARTMENTS
        }
        filed = self.person(Role.CITIZEN).report(-6, footprint=city.astride())
        self.id = filed["case_id"]
        self.steps = f"/v1/cases/{self.id}/steps"
        self.whistle = f"/v1/whistles/{filed['joint_whistle_id']}"
        self.time = dt.datetime.now(dt.UTC)

    def person(self, role: Role, area: str = "", body: str | None = None) -> Person:
        return Person(self.client, token_of(role, area, body))

    def everybody(self) -> dict[str, Person]:
        return {city.LEAD: self.lead, city.OTHER: self.other, **self.departments}

    def body(self, code: str, act: str) -> str:
        return f"{self.whistle}/bodies/{code}/{act}"

    def plan(self, **more: object) -> dict[str, object]:
        time = self.time.isoformat()
        plan = {"time": time, "place": "at the building", "division": "west and east"}
        return {"step": "agree_plan", "evidence": {"plan": plan | more}}

    def called(self) -> dict[str, dict[str, object]]:
        return {body["body_code"]: body for body in self.lead.get(self.whistle)["called"]}

    def meet(self) -> JointCase:
        self.lead.post(self.steps, {"step": "receiving_meeting", "evidence": {"minutes": "We."}})
        demand = {"demand": {"task": "Pull it down."}}
        self.lead.post(self.steps, {"step": "whistle_other_side", "evidence": demand})
        departments = {"departments": DEPARTMENTS}
        self.other.post(self.steps, {"step": "bring_departments", "evidence": departments})
        return self

    def agree(self) -> JointCase:
        self.meet()
        for side in (self.lead, self.other):
            side.post(self.steps, self.plan())
        return self

    def come(self) -> JointCase:
        self.agree()
        for code, who in self.everybody().items():
            who.post(self.body(code, "accept"))
            who.post(self.body(code, "report-in"), city.beside_border(0))
        return self

    def act(self) -> JointCase:
        self.come()
        self.lead.post(self.steps, {"step": "joint_action", "note": "We pulled it down."})
        return self

    def finish(self) -> JointCase:
        self.act()
        for code, who in self.everybody().items():
            who.post(self.body(code, "done"), {"note": "Done."})
        return self

    def score(self) -> JointCase:
        self.finish()
        for code, by in {city.LEAD: self.other, city.OTHER: self.lead}.items():
            by.post(self.body(code, "score"), {"score": 95})
        for code in DEPARTMENTS:
            self.other.post(self.body(code, "score"), {"score": 0})
        return self


@pytest.fixture
def case(client: httpx.Client) -> JointCase:
    return JointCase(client)


def test_a_joint_whistle_is_played_to_its_end(case):
    case.score()
    half = case.lead.post(case.steps, {"step": "close", "note": "Down and cleared."})
    assert half["state"] == "open"
    assert half["next"][0]["taken_by"] == [city.LEAD]
    closed = case.other.post(case.steps, {"step": "close", "note": "Down and cleared."})
    assert (closed["state"], closed["next"], closed["limit_at"]) == ("closed", [], None)
    whistle = case.lead.get(case.whistle)
    assert (whistle["state"], whistle["actions"]) == ("closed", 1)
    assert {code: body["score"] for code, body in case.called().items()} == {
        city.LEAD: 95,
        city.OTHER: 95,
        CGJ: 0,
        GZ: 0,
    }
    entries = case.lead.get(f"/v1/cases/{case.id}/trace")["entries"]
    assert Counter(entry["action"] for entry in entries) == {
        "dispatch": 1,
        "report_filed": 1,
        "whistle_blown": 1,
        "receiving_meeting": 1,
        "whistle_other_side": 1,
        "bring_departments": 1,
        "agree_plan": 2,
        "accept": 4,
        "report_in": 4,
        "joint_action": 1,
        "done": 4,
        "score": 4,
        "close": 2,
    }
    assert case.other.get(f"/v1/cases/{case.id}/trace/verify")["intact"] is True
    case.lead.refused(case.steps, {"step": "joint_action", "note": "x"}, status=409)
    case.lead.refused(case.body(city.LEAD, "accept"), status=409)


def test_every_step_tells_the_other_side_once(case):
    case.score()
    for who in (case.lead, case.other):
        who.post(case.steps, {"step": "close", "note": "Down."})
    told = {
        code: [m["topic"] for m in who.get(f"/v1/bodies/{code}/inbox")["messages"]]
        for code, who in case.everybody().items()
    }
    assert told[city.OTHER] == [
        "joint_whistle",
        "joint_receiving_meeting",
        "joint_whistle_other_side",
        "joint_agree_plan",
        "joint_joint_action",
        "joint_close",
    ]
    assert told[CGJ] == ["called"]
    assert "joint_bring_departments" in told[city.LEAD]


@pytest.mark.parametrize("step", ["whistle_other_side", "agree_plan", "joint_action", "close"])
def test_a_step_out_of_order_is_refused_with_the_step_that_is_due(case, step):
    problem = case.lead.refused(
        case.steps, {"step": step, "note": "x"}, status=409, type="step-refused"
    )
    assert problem["due"] == [
        {"step": "receiving_meeting", "by": [city.LEAD], "needs": ["minutes"]}
    ]
    assert "receiving_meeting" in problem["detail"]


def test_a_refused_step_leaves_nothing(case, city_session):
    before = city.counts(city_session)
    case.lead.refused(case.steps, {"step": "close", "note": "x"}, status=409)
    case.other.refused(
        case.steps, {"step": "receiving_meeting", "evidence": {"minutes": "x"}}, status=409
    )
    assert city.counts(city_session) == before


def test_a_step_is_refused_to_the_side_whose_step_it_is_not(case):
    problem = case.other.refused(
        case.steps,
        {"step": "receiving_meeting", "evidence": {"minutes": "x"}},
        status=409,
        type="step-refused",
    )
    assert f"taken by {city.LEAD}, not by {city.OTHER}" in problem["detail"]


def test_nobody_takes_a_step_in_the_name_of_another_body(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}, "body": city.LEAD}
    strangers = [
        case.other,
        case.person(Role.STREET, city.LEAD_NORTH),
        case.person(Role.DISTRICT, city.EAST),
        case.person(Role.GRID_WORKER, f"{city.LEAD}001"),
        case.person(Role.CITIZEN),
        case.person(Role.ANALYST, city.WEST),
    ]
    for stranger in strangers:
        stranger.refused(case.steps, meeting, status=403, type="not-allowed")
    # The district's own supervision may.
    case.person(Role.DISTRICT, city.WEST).post(case.steps, meeting)


def test_a_supervisor_must_say_for_which_side_he_takes_a_step_of_both(case):
    case.meet()
    city_hall = case.person(Role.CITY)
    problem = city_hall.refused(case.steps, case.plan(), status=422)
    assert problem["field"] == "body"
    assert city.LEAD in problem["detail"]
    assert city.OTHER in problem["detail"]
    city_hall.post(case.steps, {**case.plan(), "body": city.OTHER})


@pytest.mark.parametrize(
    ("step", "evidence", "says"),
    [
        ("receiving_meeting", {}, "minutes"),
        ("receiving_meeting", {"minutes": ""}, "minutes"),
        ("receiving_meeting", {"minutes": "x", "footprint": {"type": "Point"}}, "footprint"),
    ],
)
def test_missing_evidence_is_named(case, step, evidence, says):
    answer = case.lead.send("POST", case.steps, json={"step": step, "evidence": evidence})
    assert answer.status_code in (409, 422)
    assert says in refusal(answer, answer.status_code)["detail"]
    assert case.lead.get(f"/v1/cases/{case.id}")["step"] == step


def test_departments_that_do_not_exist_or_are_called_already_are_refused(case):
    case.lead.post(case.steps, {"step": "receiving_meeting", "evidence": {"minutes": "x"}})
    letter = {"step": "whistle_other_side", "evidence": {"demand": {"task": "x"}}}
    case.lead.refused(case.steps, {**letter, "evidence": {"demand": "come!"}}, status=422)
    case.lead.post(case.steps, letter)
    for departments, status in (
        (["nobody"], 404),
        ([city.LEAD], 422),
        ("110106-CGJ", 422),
        ([1], 422),
    ):
        bring = {"step": "bring_departments", "evidence": {"departments": departments}}
        case.other.refused(case.steps, bring, status=status)
    assert set(case.called()) == {city.LEAD, city.OTHER}


def test_the_footprint_that_the_meeting_measured_becomes_the_whistles(case):
    measured = {"minutes": "measured", "footprint": city.astride(20, 20)}
    case.lead.post(case.steps, {"step": "receiving_meeting", "evidence": measured})
    assert case.lead.get(case.whistle)["footprint"]["type"] == "MultiPolygon"


def test_both_sides_must_fix_the_same_time_and_place(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    assert case.called()[city.LEAD]["report_in_by"] is None
    later = (case.time + dt.timedelta(hours=1)).isoformat()
    for item, value in (("place", "elsewhere"), ("time", later)):
        problem = case.other.refused(case.steps, case.plan(**{item: value}), status=422)
        assert problem["field"] == f"evidence.plan.{item}"
    case.other.post(case.steps, case.plan(division="as we said on the phone"))
    limits = {body["report_in_by"] for body in case.called().values()}
    assert [dt.datetime.fromisoformat(limit) for limit in limits] == [
        case.time + dt.timedelta(minutes=30)
    ]


def test_the_same_moment_written_with_another_offset_is_the_same_time(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    beijing = case.time.astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat()
    after = case.other.post(case.steps, case.plan(time=beijing))
    assert after["step"] == "joint_action"


@pytest.mark.parametrize(
    "time",
    [
        "tomorrow",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        17,
    ],
)
def test_a_plan_at_an_impossible_time_is_refused(case, time):
    case.meet()
    problem = case.lead.refused(case.steps, case.plan(time=time), status=422)
    assert problem["field"] == "evidence.plan.time"


def test_report_in_waits_until_time_and_place_are_fixed(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    problem = case.lead.refused(
        case.body(city.LEAD, "report-in"), city.beside_border(0), status=409
    )
    assert "agree_plan" in problem["detail"]


def test_29_59_is_in_time_and_31_00_is_late(case):
    plan = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30, seconds=30)
    case.time = plan
    case.agree()
    for who, code, after, late in (
        (case.lead, city.LEAD, dt.timedelta(minutes=29, seconds=59), False),
        (case.other, city.OTHER, dt.timedelta(minutes=30), False),
        (case.departments[CGJ], CGJ, dt.timedelta(minutes=31), True),
    ):
        here = {**city.beside_border(0), "at": (plan + after).isoformat()}
        assert who.post(case.body(code, "report-in"), here)["late"] is late


def test_the_time_to_report_in_is_a_setting(serve):
    case = JointCase(serve(report_in_minutes=31))
    case.time = plan = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30, seconds=30)
    case.agree()
    here = {**city.beside_border(0), "at": (plan + dt.timedelta(minutes=31)).isoformat()}
    assert case.lead.post(case.body(city.LEAD, "report-in"), here)["late"] is False


def test_200_m_off_is_flagged_and_measured_on_the_ellipsoid(case):
    case.agree()
    # The case lies 6 m west of the border.
    for who, code, metres, far in (
        (case.lead, city.LEAD, 199.0, False),
        (case.other, city.OTHER, 201.0, True),
    ):
        arrived = who.post(case.body(code, "report-in"), city.beside_border(metres - 6))
        assert arrived["metres_off"] == pytest.approx(metres, rel=1e-3)
        assert arrived["far"] is far


def test_a_report_in_may_come_in_the_datum_of_the_phone(case):
    case.agree()
    lon, lat = from_wgs84(*city.beside_border(-6).values(), "gcj02")
    arrived = case.lead.post(
        case.body(city.LEAD, "report-in"), {"lon": lon, "lat": lat, "crs": "gcj02"}
    )
    assert arrived["metres_off"] < 0.1


@pytest.mark.parametrize("act", ["accept", "report-in", "done"])
def test_what_a_called_body_records_is_recorded_once_and_by_itself(case, act):
    case.act() if act == "done" else case.agree()
    given = {
        "accept": None,
        "report-in": city.beside_border(0),
        "done": {"note": "Done."},
    }[act]
    address = case.body(CGJ, act)
    case.other.refused(address, given, status=403, type="not-allowed")
    case.departments[GZ].refused(address, given, status=403, type="not-allowed")
    case.departments[CGJ].post(address, given)
    case.departments[CGJ].refused(address, given, status=409, type="step-refused")


def test_a_body_that_was_not_called_records_nothing(case):
    case.agree()
    stranger = case.person(Role.DEPARTMENT, city.WEST, f"{city.WEST}-GZ")
    stranger.refused(case.body(f"{city.WEST}-GZ", "accept"), status=404, type="not-found")
    case.lead.refused(case.body("nobody", "accept"), status=404, type="not-found")


def test_no_joint_action_before_both_sides_have_reported_in(case):
    case.agree()
    action = {"step": "joint_action", "note": "Alone."}
    case.lead.post(case.body(city.LEAD, "report-in"), city.beside_border(0))
    problem = case.lead.refused(case.steps, action, status=409)
    assert problem["requirement"] == "sides_reported_in"
    case.other.post(case.body(city.OTHER, "report-in"), city.beside_border(0))
    assert case.lead.post(case.steps, action)["actions"] == 1


def test_done_comes_after_reporting_in_and_after_an_action(case):
    case.agree()
    done = {"note": "Done."}
    case.lead.refused(case.body(city.LEAD, "done"), done, status=409)
    for who, code in ((case.lead, city.LEAD), (case.other, city.OTHER)):
        who.post(case.body(code, "report-in"), city.beside_border(0))
    problem = case.lead.refused(case.body(city.LEAD, "done"), done, status=409)
    assert "joint action" in problem["detail"]


def test_nobody_is_done_before_he_came(case):
    case.agree()
    now = dt.datetime.now(dt.UTC)
    # A phone's clock may be a minute ahead, but not a minute and a half.
    for who, code, seconds in ((case.lead, city.LEAD, 50), (case.other, city.OTHER, 0)):
        at = (now + dt.timedelta(seconds=seconds)).isoformat()
        who.post(case.body(code, "report-in"), {**city.beside_border(0), "at": at})
    case.lead.post(case.steps, {"step": "joint_action", "note": "Pulled down."})
    done = {"note": "Done.", "at": (now - dt.timedelta(seconds=40)).isoformat()}
    problem = case.lead.refused(case.body(city.LEAD, "done"), done, status=422)
    assert problem["field"] == "at"
    assert "reported in" in problem["detail"]


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (dt.timedelta(minutes=5), "future"),
        (dt.timedelta(days=3650), "future"),
        (-dt.timedelta(hours=1), "before the case"),
    ],
)
def test_a_time_in_the_future_or_before_the_case_is_refused(case, at, says):
    case.meet()
    at = (dt.datetime.now(dt.UTC) + at).isoformat()
    problem = case.lead.refused(case.steps, {**case.plan(), "at": at}, status=422)
    assert problem["field"] == "at"
    assert says in problem["detail"]
    case.lead.refused(case.body(city.LEAD, "accept"), {"at": at}, status=422)


def test_a_time_without_an_offset_is_refused(case):
    problem = case.lead.refused(
        case.body(city.LEAD, "accept"), {"at": "2026-11-22T10:00:00"}, status=422
    )
    assert "time zone" in problem["detail"]


def test_a_score_comes_once_after_done_and_from_the_right_side(case):
    case.act()
    score = {"score": 90}
    lead_scored = case.body(city.LEAD, "score")
    problem = case.other.refused(lead_scored, score, status=409, type="step-refused")
    assert "not done yet" in problem["detail"]
    for code, who in case.everybody().items():
        who.post(case.body(code, "done"), {"note": "Done."})
    for who, address, says in (
        (case.lead, lead_scored, "cannot score itself"),
        (case.lead, case.body(CGJ, "score"), f"called by {city.OTHER}"),
        (case.departments[CGJ], lead_scored, "Only the sides"),
    ):
        problem = who.refused(address, score, status=409, type="step-refused")
        assert says in problem["detail"]
    case.person(Role.STREET, city.LEAD_NORTH).refused(lead_scored, score, status=409)
    case.lead.refused(lead_scored, {**score, "by": city.OTHER}, status=403)
    case.other.post(lead_scored, score)
    problem = case.other.refused(lead_scored, score, status=409, type="step-refused")
    assert "its score already" in problem["detail"]


@pytest.mark.parametrize("value", [-1, 101, 90.5, "good", None, True])
def test_a_score_is_a_whole_number_of_0_to_100(case, value):
    case.finish()
    problem = case.other.refused(case.body(city.LEAD, "score"), {"score": value}, status=422)
    assert problem["field"] == "score"


def test_nobody_closes_before_all_are_done_and_scored(case):
    case.act()
    closing = {"step": "close", "note": "Down."}
    assert case.lead.refused(case.steps, closing, status=409)["requirement"] == "all_done"
    for code, who in case.everybody().items():
        who.post(case.body(code, "done"), {"note": "Done."})
    assert case.lead.refused(case.steps, closing, status=409)["requirement"] == "all_scored"
    for code, by in ((city.LEAD, case.other), (city.OTHER, case.lead), (CGJ, case.other)):
        by.post(case.body(code, "score"), {"score": 80})
    assert case.lead.refused(case.steps, closing, status=409)["requirement"] == "all_scored"
    case.other.post(case.body(GZ, "score"), {"score": 80})
    case.lead.post(case.steps, closing)
    case.lead.refused(case.steps, closing, status=409)
    case.departments[CGJ].refused(case.steps, closing, status=409, type="step-refused")
    assert case.other.post(case.steps, closing)["state"] == "closed"


def at_once(*acts):
    """What several acts give that begin at the same moment."""
    answers: list[httpx.Response | None] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(n: int) -> None:
        start.wait()
        answers[n] = acts[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


def test_of_two_who_take_one_step_at_the_same_moment_one_wins_and_the_other_is_told(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}}
    answers = at_once(*[lambda: case.lead.send("POST", case.steps, json=meeting)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    told = next(answer for answer in answers if answer.status_code == 409)
    assert "has been taken already" in refusal(told, 409)["detail"]
    entries = case.lead.get(f"/v1/cases/{case.id}/trace")["entries"]
    assert [e["action"] for e in entries].count("receiving_meeting") == 1
    assert case.lead.get(f"/v1/cases/{case.id}/trace/verify")["intact"] is True


def test_both_sides_may_agree_at_the_same_moment(case):
    case.meet()
    answers = at_once(
        *(
            lambda w=who: w.send("POST", case.steps, json=case.plan())
            for who in (case.lead, case.other)
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert case.lead.get(f"/v1/cases/{case.id}")["step"] == "joint_action"


def test_a_step_under_a_key_is_taken_once_by_two_at_the_same_moment(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}}
    answers = at_once(
        *[
            lambda: case.lead.send(
                "POST", case.steps, json=meeting, headers={"Idempotency-Key": "m"}
            )
        ]
        * 3
    )
    assert [answer.status_code for answer in answers] == [200] * 3
    first, *others = (answer.json() for answer in answers)
    assert others == [first] * 2
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count("true") == 2


def test_a_called_body_sees_the_joint_case_whatever_its_prefix(case):
    case.meet()
    far = case.person(Role.DEPARTMENT, "110108", CGJ)
    assert far.get(f"/v1/cases/{case.id}")["id"] == case.id
    assert far.get(f"/v1/cases/{case.id}/trace")["entries"]
    uncalled = case.person(Role.DEPARTMENT, "110108", f"{city.WEST}-GZ")
    refusal(uncalled.send("GET", f"/v1/cases/{case.id}"), 403)
    refusal(case.person(Role.DISTRICT, "110108").send("GET", f"/v1/cases/{case.id}"), 403)


def test_both_districts_list_the_joint_case_and_its_whistle(case):
    for district in (city.WEST, city.EAST):
        cases = case.person(Role.DISTRICT, district).get("/v1/cases")["cases"]
        assert [found["id"] for found in cases] == [case.id]
        found = case.lead.get("/v1/whistles", district=district, joint=True, state="open")
        assert len(found["whistles"]) == 1
    assert case.person(Role.DISTRICT, "110108").get("/v1/cases")["cases"] == []


def test_lists_page_by_key(client):
    citizen = Person(client, token_of(Role.CITIZEN))
    filed = [citizen.report(-1500 + 300 * n)["case_id"] for n in range(3)]
    district = Person(client, token_of(Role.DISTRICT, city.WEST))
    first = district.get("/v1/cases", limit=2)
    assert [found["id"] for found in first["cases"]] == filed[:2]
    second = district.get("/v1/cases", limit=2, cursor=first["next"])
    assert [found["id"] for found in second["cases"]] == filed[2:]
    assert second["next"] is None


def test_the_case_lock_is_no_table_lock(case, city_engine):
    # A step in another case goes on while this one is held.
    second = case.person(Role.CITIZEN).report(-900)["case_id"]
    with city_engine.begin() as holding:
        holding.execute(text("select 1 from case_file where id = :id for update"), {"id": case.id})
        case.lead.post(f"/v1/cases/{second}/steps", {"step": "handle", "note": "gone"})
