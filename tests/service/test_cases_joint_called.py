"""What the called bodies of a joint whistle do: come, act, are scored, and only then it closes."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.callers import Role
from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.service.joint_case import CGJ, GZ, JointCase
from tests.service.procedures_world import Clock


@pytest.fixture
def case(client):
    return JointCase(client)


def test_report_in_waits_until_time_and_place_are_fixed(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    problem = case.lead.refused(
        case.body(city.LEAD, "report-in"), city.beside_border(0), status=409
    )
    assert "agree_plan" in problem["detail"]


def test_30_00_is_in_time_and_a_second_more_is_late_by_the_services_clock(case, monkeypatch):
    clock = Clock.held(monkeypatch)
    clock.now = plan = dt.datetime.now(dt.UTC)
    case.time = plan
    case.agree()
    for who, code, after, late in (
        (case.lead, city.LEAD, dt.timedelta(minutes=29, seconds=59), False),
        (case.other, city.OTHER, dt.timedelta(minutes=30), False),
        (case.departments[CGJ], CGJ, dt.timedelta(minutes=30, seconds=1), True),
    ):
        clock.now = plan + after
        assert who.post(case.body(code, "report-in"), city.beside_border(0))["late"] is late


def test_the_time_to_report_in_is_a_setting(serve, monkeypatch):
    case = JointCase(serve(report_in_minutes=31))
    clock = Clock.held(monkeypatch)
    clock.now = plan = dt.datetime.now(dt.UTC)
    case.time = plan
    case.agree()
    clock.now = plan + dt.timedelta(minutes=31)
    arrived = case.lead.post(case.body(city.LEAD, "report-in"), city.beside_border(0))
    assert arrived["late"] is False


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
        (case.departments[CGJ], lead_scored, "are scored by"),
    ):
        problem = who.refused(address, score, status=409, type="step-refused")
        assert says in problem["detail"]
    case.person(Role.STREET, city.LEAD_NORTH).refused(lead_scored, score, status=403)
    case.lead.refused(lead_scored, {**score, "by": city.OTHER}, status=403)
    case.other.post(lead_scored, score)
    problem = case.other.refused(lead_scored, score, status=409, type="step-refused")
    assert "was already scored" in problem["detail"]


@pytest.mark.parametrize("value", [-1, 101, 90.5, "good", None, True])
def test_a_score_is_a_whole_number_of_0_to_100(case, value):
    case.finish()
    problem = case.other.refused(case.body(city.LEAD, "score"), {"score": value}, status=422)
    assert problem["field"] == "score"


@pytest.mark.system(4)
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
