"""Refusals: who, why, and who is responsible now; when each side names the other."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city

NOISE = {"class": city.NOISE}
CLAUSE = {body: f"{body} answers for {city.BUILDING} in {body}" for body in (city.LEAD, city.OTHER)}


def refuse(
    now: str, why: str = "It stands across the border.", clause: str = "not_listed"
) -> dict[str, object]:
    return {"step": "refuse", "note": why, "evidence": {"responsible_now": now, "clause": clause}}


@pytest.fixture
def hotline(as_):
    """The city's own hotline: what it files is not checked on the spot first."""
    return as_(Role.CITY, subject="12345")


@pytest.fixture
def filed(hotline):
    """Noise, of which no list speaks, within the accuracy of the border."""
    return hotline.report(-12, **NOISE)


@pytest.fixture
def steps(filed):
    return f"/v1/cases/{filed['case_id']}/steps"


def test_a_refusal_names_who_refused_why_and_who_answers_now(filed, steps, lead, other):
    case = lead.post(steps, refuse(city.OTHER))
    assert (case["lead_body"], case["step"]) == (city.OTHER, "handle")
    assert case["refused_by"] == [city.LEAD]
    assert case["participant_district"] == city.EAST
    refused, sent = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-2:]
    assert (refused["action"], refused["body_code"]) == ("refuse", city.LEAD)
    assert refused["content"]["note"] == "It stands across the border."
    assert refused["content"]["responsible_now"] == city.OTHER
    assert (sent["action"], sent["content"]["from"], sent["content"]["to"]) == (
        "send_on",
        city.LEAD,
        city.OTHER,
    )
    told = other.get(f"/v1/bodies/{city.OTHER}/inbox")["messages"]
    assert told[-1]["content"]["reason"] == "It stands across the border."


def test_when_each_side_names_the_other_both_are_called_and_the_receiver_leads(
    filed, steps, lead, other
):
    lead.post(steps, refuse(city.OTHER))
    case = other.post(steps, refuse(city.LEAD))
    assert (case["procedure"]["name"], case["step"]) == ("joint", "receiving_meeting")
    assert case["lead_body"] == city.LEAD
    assert case["refused_by"] == [city.LEAD, city.OTHER]
    whistle = lead.get(f"/v1/whistles/{case['whistles'][0]['id']}")
    assert (whistle["ground"], whistle["areas"]) == ("refusal", [city.LEAD, city.OTHER])
    assert whistle["facts"]["refused_by"] == [city.LEAD, city.OTHER]
    assert "each say" in whistle["facts"]["explanation"]
    assert whistle["participant_district"] == city.EAST


def test_a_case_kept_by_the_district_of_the_second_side_names_the_first_as_its_partner(
    citizen, hotline, lead, other, as_
):
    # Reported east of the border, confirmed as west: the east keeps the case, the west received it.
    filed = hotline.report(8, **NOISE)
    hotline.post(f"/v1/reports/{filed['id']}/confirm", {"street": city.LEAD})
    steps = f"/v1/cases/{filed['case_id']}/steps"
    lead.post(steps, refuse(city.OTHER))
    case = other.post(steps, refuse(city.LEAD))
    assert (case["district_code"], case["lead_body"]) == (city.EAST, city.LEAD)
    assert case["participant_district"] == city.WEST
    found = lead.get("/v1/whistles", district=city.WEST)["whistles"]
    assert [w["participant_district"] for w in found] == [city.WEST]
    assert as_(Role.DISTRICT, city.WEST).get("/v1/cases")["cases"]


def test_a_third_body_may_still_be_named(citizen, lead, other, as_):
    case_id = citizen.report(-12, **{"class": city.BUILDING})["case_id"]
    steps, planners = f"/v1/cases/{case_id}/steps", f"{city.EAST}-GZ"
    lead.post(steps, refuse(city.OTHER, clause=CLAUSE[city.OTHER]))
    clause = f"{planners} answers for {city.BUILDING} in {city.EAST}"
    case = other.post(steps, refuse(planners, clause=clause))
    assert (case["lead_body"], case["procedure"]["name"]) == (planners, "ordinary")
    department = as_(Role.DEPARTMENT, city.EAST, planners)
    department.post(steps, {"step": "handle", "note": "gone"})


@pytest.fixture
def building(citizen):
    """A building 210 m inside the west, for which the list names its street and the planners."""
    case_id = citizen.report(-210, **{"class": city.BUILDING})["case_id"]
    return f"/v1/cases/{case_id}/steps"


@pytest.mark.parametrize("named", [city.OTHER, f"{city.EAST}-GZ", f"{city.WEST}-CGJ"])
def test_a_body_that_nothing_makes_possible_here_takes_the_case_to_command(building, lead, named):
    case = lead.post(building, refuse(named, clause=CLAUSE[city.OTHER]))
    assert (case["step"], case["procedure"]["name"], case["whistles"]) == ("rule", "ordinary", [])
    entry = lead.get(building.replace("steps", "trace"))["entries"][-1]
    assert (entry["action"], entry["actor"]) == ("to_command", "gridsvc")
    assert entry["content"] == {"named": named, "why": "not_possible_here"}


def test_command_decides_once_and_its_ruling_stands(building, lead, as_):
    planners, command = f"{city.WEST}-GZ", as_(Role.DISTRICT, city.WEST)
    case = lead.post(building, refuse(planners, clause="not_listed"))
    assert [(due["step"], due["by"], due["needs"]) for due in case["next"]] == [
        ("rule", ["command"], ["to", "note"])
    ]
    assert case["limit_at"] is not None
    lead.refused(building, {"step": "handle", "note": "x"}, status=409)
    lead.refused(building, {"step": "rule", "note": "x", "evidence": {"to": planners}}, status=403)
    ruled = {"step": "rule", "note": "By clause 6.", "evidence": {"to": city.LEAD}}
    case = command.post(building, ruled)
    assert (case["step"], case["lead_body"]) == ("handle", city.LEAD)
    problem = lead.refused(building, refuse(planners, clause="not_listed"), status=409)
    assert f"it was decided that {city.LEAD} answers" in problem["detail"]
    assert lead.post(building, {"step": "handle", "note": "Pulled down."})["step"] == "feed_back"


def test_a_refusal_by_a_clause_goes_on_and_the_second_inside_a_district_to_command(
    building, lead, as_
):
    planners = as_(Role.DEPARTMENT, city.WEST, f"{city.WEST}-GZ")
    clause = f"{city.WEST}-GZ answers for {city.BUILDING} in {city.WEST}"
    case = lead.post(building, refuse(f"{city.WEST}-GZ", clause=clause))
    assert (case["step"], case["lead_body"]) == ("handle", f"{city.WEST}-GZ")
    case = planners.post(building, refuse(city.LEAD, clause=CLAUSE[city.LEAD]))
    assert (case["step"], case["procedure"]["name"], case["whistles"]) == ("rule", "ordinary", [])
    assert case["refused_by"] == [city.LEAD, f"{city.WEST}-GZ"]
    ruled = {"step": "rule", "note": "So.", "evidence": {"to": f"{city.WEST}-GZ"}}
    assert as_(Role.DISTRICT, city.WEST).post(building, ruled)["lead_body"] == f"{city.WEST}-GZ"
    planners.refused(building, refuse(city.LEAD, clause=CLAUSE[city.LEAD]), status=409)


def test_two_streets_of_one_district_that_name_each_other_go_to_command(hotline, lead, as_):
    # 12 m south of the border of two western streets, 300 m from the district's.
    place = {**city.beside_border(-300, -12), "accuracy_m": 10.0}
    filed = hotline.report(location=place, **NOISE)
    steps = f"/v1/cases/{filed['case_id']}/steps"
    lead.post(steps, refuse(city.LEAD_NORTH))
    case = as_(Role.STREET, city.LEAD_NORTH).post(steps, refuse(city.LEAD))
    assert (case["step"], case["procedure"]["name"], case["whistles"]) == ("rule", "ordinary", [])
    why = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-1]["content"]["why"]
    assert why == "not_across_a_border_near_enough"


@pytest.mark.parametrize(
    ("clause", "why"),
    [("not_listed", "on_the_list"), ("6.2 of another list", "no_such_clause")],
)
def test_a_clause_that_does_not_hold_takes_the_case_to_command(building, lead, clause, why):
    case = lead.post(building, refuse(f"{city.WEST}-GZ", clause=clause))
    assert (case["step"], case["lead_body"]) == ("rule", city.LEAD)
    entry = lead.get(building.replace("steps", "trace"))["entries"][-1]
    assert entry["content"]["why"] == why


def test_a_refusal_without_a_clause_is_refused(building, lead):
    given = {"step": "refuse", "note": "x", "evidence": {"responsible_now": f"{city.WEST}-GZ"}}
    assert lead.refused(building, given, status=409)["missing"] == ["clause"]


def test_whom_a_refusal_may_name_is_told_with_the_clause_of_each(building, filed, lead):
    def told(case: str) -> list[tuple[str, str, str, str]]:
        answer = lead.get(case)
        keys = ("body_code", "ground", "role", "clause")
        return [tuple(one[key] for key in keys) for one in answer["bodies"]]

    planners = f"{city.WEST}-GZ"
    assert told(building.replace("steps", "answerable")) == [
        (city.LEAD, "duty", "lead", CLAUSE[city.LEAD]),
        (planners, "duty", "assist", f"{planners} answers for {city.BUILDING} in {city.WEST}"),
        (city.LEAD, "territory", "lead", ""),
    ]
    assert told(f"/v1/cases/{filed['case_id']}/answerable") == [
        (city.LEAD, "territory", "lead", ""),
        (city.OTHER, "territory", "lead", ""),
    ]


def test_where_an_agreement_names_who_leads_two_refusals_go_to_command(
    hotline, lead, as_, city_session
):
    city.agree(city_session, f"{city.EAST}-CGJ", city.NOISE, assist=city.LEAD)
    city_session.commit()
    filed = hotline.report(-12, **NOISE)
    steps = f"/v1/cases/{filed['case_id']}/steps"
    bureau = as_(Role.DEPARTMENT, city.EAST, f"{city.EAST}-CGJ")
    bureau.post(steps, refuse(city.LEAD, clause="共治协议"))
    case = lead.post(steps, refuse(f"{city.EAST}-CGJ", clause="共治协议"))
    assert (case["step"], case["whistles"]) == ("rule", [])
    why = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-1]["content"]["why"]
    assert why == "an_agreement_settles_it"


@pytest.mark.parametrize(
    ("now", "status", "says"),
    [("nobody", 404, "nobody"), (city.LEAD, 409, "itself"), ("", 409, "responsible_now")],
)
def test_a_refusal_must_name_another_body_that_exists(
    filed, steps, lead, city_session, now, status, says
):
    before = city.counts(city_session)
    assert says in lead.refused(steps, refuse(now), status=status)["detail"]
    assert city.counts(city_session) == before


def test_a_refusal_without_a_reason_is_refused(steps, lead):
    problem = lead.refused(steps, refuse(city.OTHER, why=""), status=409)
    assert problem["missing"] == ["note"]


def test_only_the_body_that_leads_refuses(steps, other, as_):
    problem = other.refused(steps, refuse(city.LEAD), status=403, type="not-allowed")
    assert "its body was not called" in problem["detail"]
    bureau = as_(Role.DEPARTMENT, city.WEST, f"{city.WEST}-CGJ")
    problem = bureau.refused(steps, refuse(city.LEAD), status=409, type="step-refused")
    assert f"taken by {city.LEAD}" in problem["detail"]


def test_a_body_that_refused_cannot_be_sent_the_case_without_a_whistle(filed, steps, lead, other):
    lead.post(steps, refuse(city.OTHER))
    other.post(steps, {"step": "handle", "note": "we did it after all"})
    problem = other.refused(steps, refuse(city.LEAD), status=409)
    assert "'handle'" in problem["detail"]


def test_the_full_time_begins_again_for_the_body_to_which_a_case_is_sent(
    filed, steps, lead, city_engine
):
    with city_engine.begin() as connection:
        connection.execute(text("update case_file set limit_at = limit_at - interval '100 hours'"))
    before = lead.get(f"/v1/cases/{filed['case_id']}")["limit_at"]
    assert lead.post(steps, refuse(city.OTHER))["limit_at"] > before


def test_the_ordinary_case_is_verified_by_supervision_and_not_by_who_handles(
    filed, steps, lead, as_
):
    for step in ("handle", "feed_back"):
        lead.post(steps, {"step": step, "note": "done"})
    verify = {"step": "verify", "note": "seen on the spot"}
    problem = lead.refused(steps, verify, status=403, type="not-allowed")
    assert "Whoever handles a case does not close it" in problem["detail"]
    as_(Role.DISTRICT, city.EAST).refused(steps, verify, status=403)
    district = as_(Role.DISTRICT, city.WEST)
    reworked = district.post(steps, {"step": "rework", "note": "still there"})
    assert reworked["step"] == "handle"
    for step in ("handle", "feed_back"):
        lead.post(steps, {"step": step, "note": "done again"})
    district.post(steps, verify)
    assert district.post(steps, {"step": "assess", "evidence": {"score": 0}})["state"] == "closed"


def test_command_sends_a_case_beyond_the_lists_only_with_a_reason_that_is_traced(
    building, lead, as_
):
    planners, outside = f"{city.WEST}-GZ", f"{city.EAST}-GZ"
    command = as_(Role.DISTRICT, city.WEST)
    lead.post(building, refuse(planners, clause="not_listed"))
    ruled = {"step": "rule", "note": "Theirs.", "evidence": {"to": outside}}
    problem = command.refused(building, ruled, status=409)
    assert (problem["field"], problem["missing"]) == ("evidence.reason", ["reason"])
    ruled["evidence"] = {"to": outside, "reason": "The mayor's office agreed with the east."}
    assert command.post(building, ruled)["lead_body"] == outside
    entries = command.get(building.replace("steps", "trace"))["entries"]
    (kept,) = [entry for entry in entries if entry["action"] == "rule"]
    assert kept["content"]["reason"] == "The mayor's office agreed with the east."
