"""Whistles over HTTP: listed for everybody, written to by those whom they concern."""

from __future__ import annotations

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal


@pytest.fixture
def whistle(citizen):
    return citizen.report(-6, footprint=city.astride())["joint_whistle_id"]


def test_a_whistle_is_read_without_a_token_and_tells_no_reporters_words(client, citizen):
    filed = citizen.report(
        -6, footprint=city.astride(), description="Mrs Li told me", reporter={"phone": "5550199"}
    )
    answer = client.get(f"/v1/whistles/{filed['joint_whistle_id']}")
    assert answer.status_code == 200
    assert "Mrs Li" not in answer.text
    assert "5550199" not in answer.text


def test_whistles_are_found_by_district_state_and_kind(client, whistle):
    def found(**query):
        listed = client.get("/v1/whistles", params=query).json()["whistles"]
        return [one["id"] for one in listed]

    assert found() == [whistle]
    for hit in ({"district": city.WEST}, {"district": city.EAST}, {"state": "open"}):
        assert found(**hit) == [whistle]
    for miss in ({"district": "110108"}, {"state": "closed"}, {"joint": "false"}):
        assert found(**miss) == []


def test_whistles_page_by_key(client, citizen):
    made = [
        citizen.report(footprint=city.astride(north_m=north))["joint_whistle_id"]
        for north in (-900.0, -555.0, -200.0)
    ]
    assert len(set(made)) == 3
    first = client.get("/v1/whistles", params={"limit": 1}).json()
    assert [one["id"] for one in first["whistles"]] == made[:1]
    rest = client.get("/v1/whistles", params={"cursor": first["next"]}).json()
    assert [one["id"] for one in rest["whistles"]] == made[1:]


def test_both_sides_are_told_and_the_lead_is_named(lead, other, whistle):
    for who, code in ((lead, city.LEAD), (other, city.OTHER)):
        told = who.get(f"/v1/bodies/{code}/inbox")["messages"][-1]
        assert (told["topic"], told["content"]["leads"]) == ("joint_whistle", city.LEAD)


def test_an_open_whistle_cannot_be_approved_again(lead, whistle):
    lead.refused(f"/v1/whistles/{whistle}/approve", status=409, type="step-refused")


def test_a_stranger_records_nothing_in_a_whistle(as_, whistle):
    stranger = as_(Role.STREET, city.LEAD_NORTH)
    for act in ("accept", "report-in", "done"):
        given = {
            "accept": {},
            "report-in": city.beside_border(0),
            "done": {"note": "Done."},
        }[act]
        address = f"/v1/whistles/{whistle}/bodies/{city.LEAD}/{act}"
        stranger.refused(address, given, status=403, type="not-allowed")


def test_a_report_in_at_no_place_is_refused(lead, whistle):
    address = f"/v1/whistles/{whistle}/bodies/{city.LEAD}/report-in"
    for place in ({"lon": 39.885, "lat": 116.32}, {"lon": 1e9, "lat": 0}, {"lon": "x", "lat": 1}):
        lead.refused(address, place, status=422)
    refusal(lead.send("POST", address, json={"lon": 116.32}), 422)


def test_accepting_under_a_key_is_answered_the_same_way_twice(lead, whistle):
    address = f"/v1/whistles/{whistle}/bodies/{city.LEAD}/accept"
    first = lead.post(address, key="accept-1")
    assert lead.post(address, key="accept-1") == first
    lead.refused(address, status=409, type="step-refused")
