"""Who called a body signs it in: who came, and whether an arrival too far off counts."""

from __future__ import annotations

import pytest

from tests.service import joint_city as city
from tests.service.joint_case import JointCase
from tests.service.procedures_world import CGJ, GZ, Clock, World
from tests.service.whistles_world import HERE, published, register_departments, with_departments

FAR = city.beside_border(-300 - 500)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register_departments(city_engine)
    return with_departments(World(client, clock))


@pytest.fixture
def whistle(world):
    """Published, and accepted by the first department."""
    blown = published(world).come(GZ)
    blown.act(CGJ, "accept")
    return blown


def entries(whistle, action):
    return [one for one in whistle.case.trace() if one["action"] == action]


def test_who_is_too_far_off_has_not_reported_in_until_the_street_signs_them_in(whistle, clock):
    arrived = whistle.act(CGJ, "report-in", **FAR)
    assert (arrived["far"], arrived["reported_in_at"], arrived["late"]) == (True, None, None)
    whistle.refused(CGJ, "done", note="Cleared.")
    assert whistle.case.refused(city.LEAD, "verify", note="Fine.")["requirement"] == (
        "all_reported_in"
    )
    clock.forward(minutes=31)
    signed = whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=True, who=["王芳", "李强"])
    assert signed["reported_in_at"] == signed["arrived_at"] == arrived["arrived_at"]
    assert (signed["late"], signed["far"], round(signed["metres_off"])) == (False, True, 500)
    entry = entries(whistle, "report_in")[-1]
    assert entry["content"]["who"] == ["王芳", "李强"]
    assert entry["content"]["late"] is False
    whistle.act(CGJ, "done", note="Cleared.")
    assert whistle.case.intact()


def test_an_arrival_after_the_limit_is_late_however_soon_it_is_signed_in(whistle, clock):
    clock.forward(minutes=31)
    whistle.act(CGJ, "report-in", **FAR)
    assert whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=True)["late"] is True


def test_whoever_is_refused_comes_nearer_and_is_judged_by_that(world, whistle, clock):
    whistle.act(CGJ, "report-in", **FAR)
    asked = world[city.LEAD].get(f"/v1/bodies/{city.LEAD}/inbox")["messages"][-1]
    assert (asked["topic"], asked["content"]["body"]) == ("sign_in_asked", CGJ)
    refused = whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=False, note="Nobody is here.")
    assert (refused["arrived_at"], refused["metres_off"], refused["far"]) == (None, None, None)
    assert entries(whistle, "sign_in_refused")[-1]["content"]["note"] == "Nobody is here."
    clock.forward(minutes=31)
    came = whistle.act(CGJ, "report-in", **HERE)
    assert (came["far"], came["late"]) == (False, True)


def test_whoever_was_too_far_off_may_come_nearer_without_being_asked(whistle):
    whistle.act(CGJ, "report-in", **FAR)
    came = whistle.act(CGJ, "report-in", **HERE)
    assert (came["far"], came["late"]) == (False, False)
    whistle.refused(CGJ, "report-in", **HERE)


def test_the_street_reports_in_a_visitor_who_has_sent_nothing(world):
    whistle = published(world).come(GZ)
    came = whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=True, who=["王芳"])
    assert came["accepted_at"] == came["arrived_at"] == came["reported_in_at"]
    assert (came["late"], came["far"], came["metres_off"]) == (False, False, 0.0)


def test_of_a_body_that_has_come_only_the_names_are_registered(whistle):
    whistle.refused(CGJ, "sign-in", by=city.LEAD, accepted=False)
    whistle.act(CGJ, "report-in", **HERE)
    whistle.refused(CGJ, "sign-in", by=city.LEAD, accepted=True)
    whistle.refused(CGJ, "sign-in", by=city.LEAD, accepted=False)
    whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=True, who=["王芳"])
    assert entries(whistle, "sign_in")[-1]["content"]["who"] == ["王芳"]


def test_nobody_signs_in_but_who_called(whistle):
    whistle.act(CGJ, "report-in", **FAR)
    for body in (CGJ, GZ):
        whistle.refused(CGJ, "sign-in", by=body, accepted=True)


def test_nobody_is_absent_while_their_arrival_waits_to_be_signed_in(whistle, clock):
    whistle.act(CGJ, "report-in", **FAR)
    clock.forward(minutes=31)
    problem = whistle.refused(CGJ, "score", by=city.LEAD, score=0)
    assert "500 m off" in problem["detail"]
    whistle.act(CGJ, "sign-in", by=city.LEAD, accepted=False, note="Nobody is here.")
    assert whistle.act(CGJ, "score", by=city.LEAD, score=0)["exit"] == "absent"


def test_the_sides_of_a_joint_whistle_sign_each_other_in(client):
    case = JointCase(client)
    case.agree()
    here = case.body(city.OTHER, "report-in")
    assert case.other.post(here, city.beside_border(600))["reported_in_at"] is None
    sign_in = case.body(city.OTHER, "sign-in")
    case.other.refused(sign_in, {"accepted": True, "by": city.OTHER}, status=409)
    signed = case.lead.post(sign_in, {"accepted": True, "by": city.LEAD})
    assert signed["reported_in_at"] == signed["arrived_at"]
