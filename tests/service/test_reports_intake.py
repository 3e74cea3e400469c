"""Reports over HTTP: by point, by part, by footprint; near the border; what is kept."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.errors import Unavailable
from gridsvc.registry.access.keys import unseal
from tests.service import joint_city as city
from tests.service.conftest import (
    REPORTER_KEY,
    TOKEN_KEY,
    Person,
    refusal,
    report,
    token_of,
)


def test_a_report_by_point_is_placed_routed_and_opens_a_case(citizen, city_session):
    filed = citizen.report(-300)
    assert filed["placement"]["district"]["code"] == city.WEST
    assert filed["placement"]["street"]["code"] == city.LEAD
    assert filed["placement"]["community"]["code"] == f"{city.LEAD}001"
    assert filed["placement"]["unit_grid"]["code"] == "02000002"
    assert filed["placement"]["border"]["distance_m"] == pytest.approx(300, rel=2e-3)
    assert filed["responsibility"]["lead"]["code"] == city.LEAD
    assert (filed["joined"], filed["joint_whistle_id"]) == (False, None)
    assert filed["needs_confirmation"] is False
    kept = city.counts(city_session)
    # The duty list names the street, and the planning office as its assistant: both are told.
    assert {table: n for table, n in kept.items() if n} == {
        "report": 1,
        "report_placement": 1,
        "receipt": 1,
        "case_file": 1,
        "trace": 2,
        "message": 2,
    }


def test_a_report_by_a_parts_code_goes_to_the_owner_of_the_part(citizen):
    filed = citizen.post("/v1/reports", {"part": {"district": city.WEST, "code": city.OWNED}})
    assert filed["responsibility"]["ground"] == "asset_owner"
    assert filed["responsibility"]["lead"]["code"] == city.WATER
    assert filed["placement"]["accuracy_m"] == 0.5
    again = citizen.get(f"/v1/reports/{filed['receipt']}")
    assert (again["part_code"], again["class"]["kind"]) == (city.OWNED, "part")
    assert again["class"]["code"] == city.COVER


def test_a_part_with_an_owner_is_not_asked_about_even_where_the_border_is_near(citizen):
    filed = citizen.report(-4, part={"district": city.WEST, "code": city.OWNED})
    assert filed["placement"]["border"]["near"] is True
    assert filed["needs_confirmation"] is False


def test_a_code_that_two_districts_bear_must_come_with_its_district(citizen):
    problem = citizen.refused(
        "/v1/reports", report(part={"code": city.SHARED}), status=409, type="ambiguous-code"
    )
    assert problem["field"] == "part.district"
    assert problem["districts"] == [city.WEST, city.EAST]
    citizen.report(part={"code": city.SHARED, "district": city.EAST})


@pytest.mark.parametrize(
    ("part", "status", "type", "said"),
    [
        ({"code": "02099999"}, 404, "not-found", "02099999"),
        ({"code": "02000001"}, 404, "not-found", "unit grid"),
        ({"code": city.OWNED, "district": city.EAST}, 404, "not-found", city.OWNED),
        ({"code": "12"}, 422, "bad-code", "12"),
        ({"code": city.OWNED, "district": "11"}, 422, "bad-code", "11"),
    ],
)
def test_a_part_that_cannot_be_found_is_said_and_leaves_nothing(
    citizen, city_session, part, status, type, said
):
    problem = citizen.refused("/v1/reports", report(part=part), status=status, type=type)
    assert said in problem["detail"]
    assert not any(city.counts(city_session).values())


def test_a_footprint_over_the_border_blows_a_joint_whistle_at_once(citizen):
    filed = citizen.report(-6, footprint=city.astride(15, 11))
    whistle = citizen.get(f"/v1/whistles/{filed['joint_whistle_id']}")
    assert (whistle["ground"], whistle["state"]) == ("footprint", "open")
    assert whistle["areas"] == [city.LEAD, city.OTHER]
    assert whistle["participant_district"] == city.EAST
    assert filed["needs_confirmation"] is False
    shares = whistle["facts"]["straddle"]["shares"]
    assert [share["code"] for share in shares] == [city.LEAD, city.OTHER]
    assert sum(share["share"] for share in shares) == pytest.approx(1, abs=1e-9)
    assert shares[0]["share"] == pytest.approx(15 / 26, abs=1e-3)
    assert {called["body_code"] for called in whistle["called"]} == {city.LEAD, city.OTHER}


def test_the_street_that_receives_the_report_leads_even_with_the_smaller_share(citizen):
    filed = citizen.report(6, footprint=city.astride(15, 11))
    whistle = citizen.get(f"/v1/whistles/{filed['joint_whistle_id']}")
    assert whistle["areas"] == [city.OTHER, city.LEAD]
    assert (whistle["district_code"], whistle["participant_district"]) == (city.EAST, city.WEST)


def test_a_footprint_within_the_accuracy_of_the_border_blows_nothing(citizen):
    # The border is known to 5 m: 3 m by 14 m on the other side may be none at all.
    filed = citizen.report(-12, footprint=city.astride(20, 3))
    assert filed["joint_whistle_id"] is None


def test_a_case_that_becomes_joint_has_the_limit_of_its_new_step(citizen, lead):
    filed = citizen.report(-6, footprint=city.astride())
    case = lead.get(f"/v1/cases/{filed['case_id']}")
    assert (case["procedure"]["name"], case["step"]) == ("joint", "receiving_meeting")
    assert hours(case) == 24


def test_a_report_without_a_point_is_placed_inside_its_footprint(citizen):
    filed = citizen.post("/v1/reports", report(footprint=city.astride(-40, 60)))
    assert filed["placement"]["street"]["code"] == city.OTHER
    assert filed["placement"]["border"]["distance_m"] == pytest.approx(50, abs=0.5)


def test_a_self_crossing_footprint_is_mended_and_the_answer_says_so(citizen):
    ring = astride_ring()
    ring[1], ring[2] = ring[2], ring[1]
    filed = citizen.report(-6, footprint={"type": "Polygon", "coordinates": [ring]})
    assert "repaired" in filed["mended"]
    assert filed["joint_whistle_id"] is not None


@pytest.mark.system(3)
def test_near_the_border_the_reporter_is_asked_and_the_other_side_told_later(
    citizen, lead, other, city_session
):
    filed = citizen.report(-8)
    assert filed["needs_confirmation"] is True
    assert filed["joint_whistle_id"] is None
    assert lead.get(f"/v1/bodies/{city.LEAD}/inbox")["messages"]
    assert other.get(f"/v1/bodies/{city.OTHER}/inbox")["messages"] == []
    due = city_session.execute(
        text("select body_code, due_at - written_at from message where topic = 'near_border'")
    ).all()
    assert due == [(city.OTHER, dt.timedelta(minutes=60))]


def test_without_an_answer_the_other_side_is_told(serve):
    client = serve(confirm_within_minutes=0)
    Person(client, token_of(Role.CITIZEN)).report(-8)
    other = Person(client, token_of(Role.STREET, city.OTHER))
    messages = other.get(f"/v1/bodies/{city.OTHER}/inbox")["messages"]
    assert [message["topic"] for message in messages] == ["near_border"]


def test_farther_than_both_accuracies_together_nobody_is_asked(citizen):
    # 10 m of the report and 5 m of the districts' edition.
    assert citizen.report(-14.5)["needs_confirmation"] is True
    assert citizen.report(-15.5, **{"class": city.NOISE})["needs_confirmation"] is False


def test_confirming_the_own_side_withdraws_the_message_to_the_other(citizen, lead, city_session):
    filed = citizen.report(-8)
    confirmed = citizen.post(f"/v1/reports/{filed['id']}/confirm", {"street": city.LEAD})
    assert confirmed["needs_confirmation"] is False
    assert confirmed["case"]["lead_body"] == city.LEAD
    states = city_session.scalars(text("select state from message where topic = 'near_border'"))
    assert states.all() == ["withdrawn"]
    said = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-1]
    assert (said["action"], said["content"]["street"]) == ("confirm_side", city.LEAD)


def test_confirming_the_other_side_sends_the_case_there(citizen, other):
    filed = citizen.report(-8)
    confirmed = citizen.post(f"/v1/reports/{filed['receipt']}/confirm", {"street": city.OTHER})
    assert confirmed["case"]["lead_body"] == city.OTHER
    topics = [m["topic"] for m in other.get(f"/v1/bodies/{city.OTHER}/inbox")["messages"]]
    assert topics == ["case_sent_on"]
    assert other.get(f"/v1/cases/{filed['case_id']}")["participant_district"] == city.EAST


def test_one_reporters_answer_does_not_speak_for_another(citizen, city_session):
    first, second = citizen.report(-8), citizen.report(-7)
    assert second["case_id"] == first["case_id"]
    citizen.post(f"/v1/reports/{first['id']}/confirm", {"street": city.LEAD})
    states_of_near = text("select state from message where topic = 'near_border' order by id")
    states = city_session.scalars(states_of_near)
    assert states.all() == ["waiting", "waiting"]
    citizen.post(f"/v1/reports/{second['id']}/confirm", {"street": city.LEAD})
    city_session.rollback()
    assert city_session.scalars(states_of_near).all() == ["withdrawn", "withdrawn"]


def test_a_side_is_confirmed_once_and_only_between_the_streets_at_the_place(citizen):
    filed = citizen.report(-8)
    confirm = f"/v1/reports/{filed['id']}/confirm"
    problem = citizen.refused(confirm, {"street": city.OTHER_NORTH + "1"}, status=422)
    assert city.OTHER in problem["detail"]
    citizen.post(confirm, {"street": city.LEAD})
    citizen.refused(confirm, {"street": city.OTHER}, status=409, type="step-refused")
    certain = citizen.report(-300)
    citizen.refused(f"/v1/reports/{certain['id']}/confirm", {"street": city.LEAD}, status=409)


def test_a_point_on_the_border_itself_belongs_to_both_and_both_are_called(citizen):
    filed = citizen.report(0)
    assert [c["code"] for c in filed["placement"]["claims"]["street"]] == [city.LEAD, city.OTHER]
    whistle = citizen.get(f"/v1/whistles/{filed['joint_whistle_id']}")
    assert (whistle["ground"], whistle["areas"]) == ("conflict", [city.LEAD, city.OTHER])


def test_a_setting_asks_a_person_before_a_joint_whistle_is_blown(serve):
    client = serve(joint_whistle_asks=True)
    citizen = Person(client, token_of(Role.CITIZEN))
    filed = citizen.report(-6, footprint=city.astride())
    whistle = f"/v1/whistles/{filed['joint_whistle_id']}"
    assert citizen.get(whistle)["state"] == "proposed"
    assert citizen.get(whistle)["called"] == []
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    assert lead.post(f"{whistle}/approve")["state"] == "open"
    lead.refused(f"{whistle}/approve", status=409, type="step-refused")


def crowd(citizen):
    """Three reports of one class within 50 m, on both sides of the border."""
    return [citizen.report(-8), citizen.report(9), citizen.report(-7)]


def test_three_reports_on_both_sides_propose_a_joint_whistle_that_a_side_approves(
    citizen, lead, other
):
    first, second, third = crowd(citizen)
    assert (first["joint_whistle_id"], second["joint_whistle_id"]) == (None, None)
    whistle = f"/v1/whistles/{third['joint_whistle_id']}"
    proposed = citizen.get(whistle)
    assert (proposed["ground"], proposed["state"]) == ("crowd", "proposed")
    assert proposed["facts"]["reports"] == {city.WEST: 2, city.EAST: 1}
    assert lead.get(f"/v1/cases/{third['case_id']}")["procedure"]["name"] == "ordinary"
    other.refused(f"{whistle}/approve", status=403, type="not-allowed")
    assert lead.post(f"{whistle}/approve")["state"] == "open"
    assert lead.get(f"/v1/cases/{third['case_id']}")["step"] == "receiving_meeting"


def test_a_crowd_need_not_stand_as_near_as_a_single_report_that_is_asked_about(citizen):
    for metres in (-20, 21):
        assert citizen.report(metres)["needs_confirmation"] is False
    assert citizen.report(-22)["joint_whistle_id"] is not None


def test_a_crowd_on_one_side_proposes_nothing(citizen):
    assert [citizen.report(-8 - n)["joint_whistle_id"] for n in range(4)] == [None] * 4


def test_a_certain_ground_blows_though_a_crowd_was_only_proposed(citizen):
    *_, third = crowd(citizen)
    filed = citizen.report(-6, footprint=city.astride())
    assert filed["case_id"] == third["case_id"]
    blown = citizen.get(f"/v1/whistles/{filed['joint_whistle_id']}")
    assert (blown["ground"], blown["state"]) == ("footprint", "open")
    assert citizen.get(f"/v1/whistles/{third['joint_whistle_id']}")["state"] == "closed"


def test_a_proposal_ends_with_its_case_and_can_no_longer_be_approved(citizen, lead, as_):
    *_, third = crowd(citizen)
    steps = f"/v1/cases/{third['case_id']}/steps"
    lead.post(steps, {"step": "handle", "note": "gone"})
    lead.post(steps, {"step": "feed_back", "note": "gone"})
    district = as_(Role.DISTRICT, city.WEST)
    district.post(steps, {"step": "verify", "note": "seen"})
    district.post(steps, {"step": "assess", "evidence": {"score": 90}})
    lead.refused(f"/v1/whistles/{third['joint_whistle_id']}/approve", status=409)
    case = lead.get(f"/v1/cases/{third['case_id']}")
    assert (case["state"], case["procedure"]["name"]) == ("closed", "ordinary")


def test_reports_of_one_class_within_55_m_join_one_case(citizen):
    first = citizen.report(-600)
    near, far = citizen.report(-550), citizen.report(-540)
    assert (near["case_id"], near["joined"]) == (first["case_id"], True)
    assert near["similar"][0]["distance_m"] == pytest.approx(50, rel=5e-3)
    assert far["case_id"] != first["case_id"]
    other_class = citizen.report(-600, **{"class": city.RUBBISH})
    assert other_class["joined"] is False


def test_reports_never_join_across_a_border_that_is_not_near(citizen):
    west, east = citizen.report(-40), citizen.report(40)
    assert east["case_id"] != west["case_id"]
    assert east["similar"] == []


def test_a_report_that_joins_across_a_near_border_says_so(citizen, lead):
    west, east = citizen.report(-8), citizen.report(8)
    assert east["case_id"] == west["case_id"]
    assert (east["joined"], east["joined_across_border"]) == (True, True)
    entries = lead.get(f"/v1/cases/{west['case_id']}/trace")["entries"]
    assert entries[-1]["content"]["across_border"] is True


def test_reports_of_two_parts_are_two_cases_though_they_stand_together(citizen):
    owned = citizen.report(part={"district": city.WEST, "code": city.OWNED})
    unowned = citizen.report(part={"district": city.WEST, "code": city.UNOWNED})
    again = citizen.report(part={"district": city.WEST, "code": city.OWNED})
    assert unowned["case_id"] != owned["case_id"]
    assert again["case_id"] == owned["case_id"]


def test_a_closed_case_is_joined_by_nothing(citizen, lead, as_):
    first = citizen.report(-300)
    steps = f"/v1/cases/{first['case_id']}/steps"
    district = as_(Role.DISTRICT, city.WEST)
    for who, step in ((lead, "handle"), (lead, "feed_back"), (district, "verify")):
        who.post(steps, {"step": step, "note": "done"})
    district.post(steps, {"step": "assess", "evidence": {"score": 90}})
    assert citizen.report(-300)["case_id"] != first["case_id"]


def test_a_grid_worker_reports_inside_his_own_cells_only(as_, city_session):
    worker = as_(Role.GRID_WORKER, f"{city.LEAD}001")
    worker.report(-300)
    before = city.counts(city_session)
    problem = worker.refused("/v1/reports", report(300), status=403, type="not-allowed")
    assert f"{city.LEAD}001" in problem["detail"]
    assert city.counts(city_session) == before


def test_an_analyst_may_not_report(as_):
    as_(Role.ANALYST).refused("/v1/reports", report(-300), status=403, type="not-allowed")


def test_the_contact_rests_encrypted_and_no_answer_tells_it(citizen, lead, city_session):
    contact = {"name": "王小明-Wang", "phone": "010-5550199"}
    filed = citizen.report(-8, reporter=contact)
    citizen.post(f"/v1/reports/{filed['id']}/confirm", {"street": city.LEAD})
    answers = [
        filed,
        citizen.get(f"/v1/reports/{filed['id']}"),
        lead.get(f"/v1/cases/{filed['case_id']}"),
        lead.get(f"/v1/cases/{filed['case_id']}/trace"),
        lead.get(f"/v1/bodies/{city.LEAD}/inbox"),
    ]
    said = json.dumps(answers, ensure_ascii=False)
    dumped = str(
        [
            row
            for table in city.WRITTEN
            for row in city_session.execute(text(f"select * from {table}"))  # noqa: S608
        ]
    )
    for secret in contact.values():
        assert secret not in said
        assert secret not in dumped
    sealed = city_session.execute(text("select sealed from reporter")).scalar_one()
    assert bytes(sealed).find(b"5550199") < 0
    assert unseal(bytes.fromhex(REPORTER_KEY), bytes(sealed)) == contact
    with pytest.raises(Unavailable, match="another key"):
        unseal(bytes.fromhex(TOKEN_KEY), bytes(sealed))


def test_a_reports_words_are_not_public(citizen, client):
    filed = citizen.report(-300, description="my neighbour, Mrs Li, second floor")
    public = client.get(f"/v1/reports/{filed['receipt']}")
    assert public.status_code == 200
    assert "Mrs Li" not in public.text
    citizen_sees = citizen.send("GET", f"/v1/cases/{filed['case_id']}")
    assert citizen_sees.status_code == 403
    assert citizen.send("GET", f"/v1/cases/{filed['case_id']}/trace").status_code == 403
    assert citizen.send("GET", "/v1/cases").status_code == 403


def test_moving_a_pin_routes_again_and_keeps_the_old_placement(citizen, lead, city_session):
    filed = citizen.report(-8)
    there = {"location": {**city.beside_border(300), "accuracy_m": 5}, "reason": "wrong side"}
    moved = lead.post(f"/v1/reports/{filed['id']}/move", there)
    assert moved["placement"]["street"]["code"] == city.OTHER
    assert moved["case"]["lead_body"] == city.OTHER
    assert moved["placements"] == 2
    first = city_session.scalars(
        text("select placement->'street'->>'code' from report_placement where n = 1")
    ).all()
    assert first == [city.LEAD]


def test_only_staff_of_the_district_moves_a_pin(citizen, other, as_):
    filed = citizen.report(-300)
    there = {"location": city.beside_border(-200), "reason": "seen on the spot"}
    for nobody in (citizen, other, as_(Role.DISTRICT, city.EAST)):
        nobody.refused(f"/v1/reports/{filed['id']}/move", there, status=403, type="not-allowed")
    as_(Role.GRID_WORKER, f"{city.LEAD}001").post(f"/v1/reports/{filed['id']}/move", there)
    as_(Role.DISTRICT, city.WEST).post(f"/v1/reports/{filed['id']}/move", there)


def test_a_side_without_an_office_is_not_called_and_the_report_is_kept(
    citizen, city_session, city_engine
):
    with city_engine.begin() as connection:
        connection.execute(text("delete from duty where body_code = :b"), {"b": city.OTHER})
        connection.execute(text("delete from body where code = :b"), {"b": city.OTHER})
    filed = citizen.report(-6, footprint=city.astride())
    assert filed["joint_whistle_id"] is None
    noted = city_session.scalar(
        text("select content from trace where action = 'whistle_not_blown'")
    )
    assert noted["unregistered"] == [city.OTHER]
    assert noted["ground"] == "footprint"


def test_a_fault_of_the_database_leaves_nothing_and_shows_no_trace(
    citizen, city_session, city_engine
):
    with city_engine.begin() as connection:
        connection.execute(text("alter table message rename to message_away"))
    answer = citizen.send("POST", "/v1/reports", json=report(-300))
    problem = refusal(answer, 500)
    assert problem["type"] == "urn:gridsvc:problem:internal"
    assert "message" not in problem["detail"]
    with city_engine.begin() as connection:
        connection.execute(text("alter table message_away rename to message"))
    assert not any(city.counts(city_session).values())


def hours(case):
    """The hours from now to the case's limit, rounded."""
    limit = dt.datetime.fromisoformat(case["limit_at"])
    return round((limit - dt.datetime.now(dt.UTC)).total_seconds() / 3600)


def astride_ring():
    """The ring of a building astride the border, as lists that may be changed."""
    return [list(place) for place in city.astride()["coordinates"][0]]
