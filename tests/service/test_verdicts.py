"""Checks are verdicts: each is followed by what its procedure says, and by nothing else."""

from __future__ import annotations

import pytest

from tests.service import joint_city as city
from tests.service.procedures_world import COMMUNITY, Case, Clock, World, register

DRAIN = "01001"


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


def checked(world: World) -> Case:
    return world.open("command", "checked")


def at_the_closing(world: World) -> Case:
    case = checked(world)
    case.take("supervision", "file", pre_filing_check="属实")
    case.take("command", "dispatch")
    lead = case.seen()["lead_body"]
    case.take(lead, "handle", note="Swept.")
    case.take(lead, "feed_back", note="It is clean.")
    return case


def tasks(world: World, body: str) -> list[dict]:
    messages = world[body].get(f"/v1/bodies/{body}/inbox")["messages"]
    return [one["content"] for one in messages if one["topic"] == "task"]


def test_a_check_that_finds_it_untrue_files_nothing(world):
    case = checked(world)
    assert case.refused("supervision", "file", pre_filing_check="不属实")["missing"] == ["reason"]
    ended = case.take("supervision", "file", pre_filing_check="不属实", reason="Nothing there.")
    assert (ended["state"], ended["outcome"], ended["step"]) == ("closed", "not_filed", "file")
    assert (ended["next"], ended["overall_overdue"]) == ([], False)
    entry = case.trace()[-1]["content"]
    assert (entry["pre_filing_check"], entry["follows"]) == ("untrue", "do_not_file")
    case.refused("command", "dispatch")
    assert case.intact()


def test_a_closing_check_that_differs_from_the_feedback_is_rework(world):
    case = at_the_closing(world)
    needs = case.refused("supervision", "verify", closing_check="与反馈不符")
    assert needs["missing"] == ["note"]
    back = case.take("supervision", "verify", closing_check="与反馈不符", note="Still there.")
    assert (back["step"], back["state"]) == ("handle", "open")
    assert case.trace()[-1]["action"] == "rework"
    assert case.trace()[-1]["content"]["closing_check"] == "differs"


def test_free_text_is_no_verdict(world):
    case = checked(world)
    problem = case.refused("supervision", "file", 422, pre_filing_check="Seen on the spot.")
    assert problem["field"] == "evidence.pre_filing_check"
    assert "untrue (不属实)" in problem["detail"]
    assert case.seen()["step"] == "file"


def test_a_report_by_mistake_is_void_and_counts_in_no_rate(world, clock):
    case = checked(world)
    ended = case.take("supervision", "file", pre_filing_check="mistaken", reason="A test.")
    assert (ended["state"], ended["outcome"]) == ("closed", "void")
    clock.forward(days=60)
    (line,) = world["city"].get("/v1/assessments", period="2026-11", by="city")["lines"]
    assert [line["counts"].get(name, 0) for name in ("due", "reported", "filed")] == [0, 1, 0]


def test_a_duplicate_goes_into_the_case_that_is_named(world):
    first, second = checked(world), checked(world)
    given = {"pre_filing_check": "duplicate", "reason": "The same heap."}
    wrong = {**given, "into": "that one"}
    assert second.refused("supervision", "file", 422, **wrong)["field"] == "evidence.into"
    joined = second.take("supervision", "file", **given, into=first.id)
    assert (joined["state"], joined["joined_into"]) == ("closed", first.id)
    assert len(first.seen()["reports"]) == 2


def test_what_cannot_be_told_yet_waits_with_its_limit_and_is_checked_again(world):
    case = checked(world)
    before = case.seen()
    held = case.take("supervision", "file", pre_filing_check="unclear", note="Nobody was in.")
    assert (held["step"], held["state"]) == ("file", "open")
    assert case.seen()["limit_at"] == before["limit_at"]
    assert len(tasks(world, COMMUNITY)) == 2
    assert case.take("supervision", "file", pre_filing_check="true")["step"] == "dispatch"


def test_only_supervision_gives_the_verdict_and_never_who_handles(world):
    case = at_the_closing(world)
    given = {"closing_check": "与反馈不符", "note": "Still there."}
    case.refused(case.seen()["lead_body"], "verify", 403, **given)
    case.refused("command", "verify", 403, **given)


def test_a_citizens_report_is_checked_on_the_spot_first_by_a_task_to_its_cell(world):
    filed = world["citizen"].report(-300, **{"class": city.RUBBISH})
    case = Case(world, filed["case_id"])
    seen = case.seen()
    assert (seen["procedure"]["name"], seen["step"]) == ("checked", "file")
    (task,) = tasks(world, COMMUNITY)
    assert (task["task"], task["step"]) == ("check_on_the_spot", "file")
    assert "untrue" in task["verdicts"]


def test_an_inspectors_report_and_one_of_a_class_without_a_check_begin_at_once(world):
    by_worker = world["worker"].report(-300, **{"class": city.RUBBISH})
    urgent = world["citizen"].report(-300, **{"class": DRAIN})
    for filed in (by_worker, urgent):
        seen = Case(world, filed["case_id"]).seen()
        assert (seen["procedure"]["name"], seen["step"]) == ("ordinary", "handle")


def test_the_verdicts_of_a_procedure_are_listed_with_what_follows(world):
    every = {one["name"]: one for one in world["city"].get("/v1/procedures")["procedures"]}
    file = next(step for step in every["checked"]["steps"] if step["step"] == "file")
    assert file["verdict_in"] == "pre_filing_check"
    follows = {one["verdict"]: (one["follows"], one["needs"]) for one in file["verdicts"]}
    assert follows == {
        "true": ("go_on", []),
        "untrue": ("do_not_file", ["reason"]),
        "not_managed": ("do_not_file", ["reason"]),
        "duplicate": ("merge", ["into", "reason"]),
        "mistaken": ("void", ["reason"]),
        "unclear": ("hold", ["note"]),
    }
