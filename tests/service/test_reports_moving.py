"""A moved pin takes its report along, and its case only where the case is about the new place."""

from __future__ import annotations

import pytest

from gridsvc.callers import Role
from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.service.conftest import report


def move(who, filed, metres_east, metres_north=-555.0, **more):
    place = {**city.beside_border(metres_east, metres_north), "accuracy_m": 10.0}
    body = {"location": place, "reason": "Seen on the spot.", **more}
    return who.post(f"/v1/reports/{filed['id']}/move", body)


def point_of(who, case_id):
    return who.get(f"/v1/cases/{case_id}")["point"]["coordinates"]


def at(metres_east, metres_north=-555.0):
    return pytest.approx(list(city.beside_border(metres_east, metres_north).values()), abs=1e-9)


def actions(who, case_id):
    return [entry["action"] for entry in who.get(f"/v1/cases/{case_id}/trace")["entries"]]


def topics(who, body):
    return [message["topic"] for message in who.get(f"/v1/bodies/{body}/inbox")["messages"]]


@pytest.fixture
def west(as_):
    """Supervision of the western district."""
    return as_(Role.DISTRICT, city.WEST)


@pytest.fixture
def neighbour(as_):
    """Somebody else who reports."""
    return as_(Role.CITIZEN, subject="a neighbour")


def test_the_case_of_one_report_moves_with_it(citizen, lead, west):
    filed = citizen.report(-300)
    move(lead, filed, -1_200)
    assert point_of(west, filed["case_id"]) == at(-1_200)
    assert citizen.report(-1_205)["case_id"] == filed["case_id"]
    assert citizen.report(-300)["case_id"] != filed["case_id"]


def test_a_joined_report_leaves_the_case_of_others_where_it_was(citizen, neighbour, lead, west):
    first = citizen.report(-300)
    second = neighbour.report(-310)
    assert second["case_id"] == first["case_id"]
    moved = move(lead, second, -1_200)
    assert moved["case_id"] != first["case_id"]
    assert point_of(west, first["case_id"]) == at(-300)
    assert point_of(west, moved["case_id"]) == at(-1_200)
    assert actions(west, first["case_id"])[-2:] == ["move_pin", "reports_split_off"]
    assert actions(west, moved["case_id"])[-1] == "reports_split_in"
    for case_id in (first["case_id"], moved["case_id"]):
        assert west.get(f"/v1/cases/{case_id}/trace/verify")["intact"] is True
        assert west.get(f"/v1/cases/{case_id}")["report_count"] == 1


def test_a_joined_report_takes_no_case_into_another_district(citizen, neighbour, lead, west):
    first = citizen.report(-300)
    second = neighbour.report(-310)
    moved = move(lead, second, 400)
    assert moved["case"]["lead_body"] == city.OTHER
    stayed = west.get(f"/v1/cases/{first['case_id']}")
    assert (stayed["lead_body"], stayed["participant_district"]) == (city.LEAD, None)
    assert "case_sent_on" not in topics(west, city.LEAD)


def test_a_pin_that_is_still_at_the_place_leaves_the_case_alone(citizen, neighbour, lead, west):
    first = citizen.report(-300)
    second = neighbour.report(-310)
    assert move(lead, second, -330)["case_id"] == first["case_id"]
    assert point_of(west, first["case_id"]) == at(-300)
    assert "reports_split_off" not in actions(west, first["case_id"])


def test_the_case_moves_when_the_last_of_its_reports_does(citizen, neighbour, lead, west):
    first = citizen.report(-300)
    second = neighbour.report(-310)
    left = move(lead, second, -1_200)
    move(lead, first, -700)
    assert point_of(west, first["case_id"]) == at(-700)
    assert point_of(west, left["case_id"]) == at(-1_200)


def test_supervision_of_its_district_moves_a_whole_case(citizen, neighbour, lead, west):
    first = citizen.report(-300)
    second = neighbour.report(-310)
    body = {
        "location": city.beside_border(-1_200),
        "reason": "The hotline took the wrong street.",
        "whole_case": True,
    }
    lead.refused(f"/v1/reports/{second['id']}/move", body, status=403, type="not-allowed")
    assert west.post(f"/v1/reports/{second['id']}/move", body)["case_id"] == first["case_id"]
    assert point_of(west, first["case_id"]) == at(-1_200)
    assert west.get(f"/v1/cases/{first['case_id']}")["report_count"] == 2


def test_the_clock_goes_on_and_the_old_lead_is_told(citizen, lead, other, west):
    filed = citizen.report(-300)
    before = west.get(f"/v1/cases/{filed['case_id']}")["limit_at"]
    move(lead, filed, 300)
    moved = west.get(f"/v1/cases/{filed['case_id']}")
    assert (moved["lead_body"], moved["limit_at"]) == (city.OTHER, before)
    assert "case_sent_away" in topics(lead, city.LEAD)
    assert "case_sent_on" in topics(other, city.OTHER)


def test_a_pin_moved_beside_the_border_asks_as_a_report_there_would(citizen, lead, west):
    filed = citizen.report(-300)
    assert move(lead, filed, -8)["needs_confirmation"] is True
    again = move(lead, filed, -400)
    assert again["needs_confirmation"] is False
    assert point_of(west, filed["case_id"]) == at(-400)


def test_the_bodies_that_are_coming_are_told_the_new_place(citizen, lead, west, city_session):
    filed = citizen.report(-300)
    given = {
        "bodies": [f"{city.WEST}-CGJ"],
        "demand": "Come.",
        "found": "More than we can do.",
        "ground": "emergency",
        "kind": "emergency",
    }
    blown = lead.post(f"/v1/cases/{filed['case_id']}/whistles", given)
    move(lead, filed, -1_200)
    there = lead.get(f"/v1/whistles/{blown['id']}")["point"]["coordinates"]
    assert there == at(-1_200)
    assert "place_moved" in topics(west, f"{city.WEST}-CGJ")


# --- Confirming the side ------------------------------------------------------------------------


def confirm(who, filed, street, **more):
    return who.post(f"/v1/reports/{filed['receipt']}/confirm", {"street": street, **more})


def test_a_stranger_confirms_nobodys_side(citizen, neighbour, west):
    filed = citizen.report(-8)
    before = west.get(f"/v1/cases/{filed['case_id']}")
    for said in ({"street": city.OTHER}, {"street": city.OTHER, "secret": "guessed"}):
        path = f"/v1/reports/{filed['receipt']}/confirm"
        neighbour.refused(path, said, status=403, type="not-allowed")
    assert west.get(f"/v1/cases/{filed['case_id']}") == before


def test_two_citizens_without_a_name_are_two(as_):
    one, other = as_(Role.CITIZEN), as_(Role.CITIZEN)
    filed = one.report(-8)
    path = f"/v1/reports/{filed['receipt']}/confirm"
    other.refused(path, {"street": city.OTHER}, status=403, type="not-allowed")


def test_the_secret_of_the_receipt_confirms_without_a_token(client, citizen):
    filed = citizen.report(-8)
    path = f"/v1/reports/{filed['receipt']}/confirm"
    assert client.post(path, json={"street": city.OTHER}).status_code == 403
    answer = client.post(path, json={"street": city.OTHER, "secret": filed["secret"]})
    assert answer.status_code == 200
    assert answer.json()["case"]["lead_body"] == city.OTHER
    assert filed["secret"] not in client.get(f"/v1/reports/{filed['receipt']}").text


def test_the_staff_of_the_place_confirms_and_no_other(citizen, lead, as_):
    filed = citizen.report(-8)
    path = f"/v1/reports/{filed['receipt']}/confirm"
    far = as_(Role.STREET, city.LEAD_NORTH)
    far.refused(path, {"street": city.LEAD}, status=403, type="not-allowed")
    assert confirm(lead, filed, city.LEAD)["needs_confirmation"] is False


def test_the_confirmed_side_answers_by_its_duty_list(citizen, west):
    filed = citizen.report(-8, **{"class": city.RUBBISH})
    assert filed["responsibility"]["lead"]["code"] == f"{city.WEST}-CGJ"
    limit = west.get(f"/v1/cases/{filed['case_id']}")["limit_at"]
    said = confirm(citizen, filed, city.OTHER)
    assert said["responsibility"]["lead"]["code"] == f"{city.EAST}-CGJ"
    moved = west.get(f"/v1/cases/{filed['case_id']}")
    assert (moved["lead_body"], moved["limit_at"]) == (f"{city.EAST}-CGJ", limit)
    assert "case_sent_away" in topics(west, f"{city.WEST}-CGJ")


def test_one_reporters_word_settles_one_report(citizen, neighbour, lead):
    first = citizen.report(-8)
    second = neighbour.report(-9)
    assert second["case_id"] == first["case_id"]
    said = confirm(neighbour, second, city.OTHER)
    assert said["case_id"] != first["case_id"]
    assert said["case"]["lead_body"] == city.OTHER
    stays = lead.get(f"/v1/reports/{first['id']}")
    assert stays["needs_confirmation"] is True
    assert stays["case"]["lead_body"] == city.LEAD


# --- One CRS for location and footprint ---------------------------------------------------------


def in_gcj02(geojson):
    ring = [from_wgs84(lon, lat, "gcj02") for lon, lat in geojson["coordinates"][0]]
    return {"type": "Polygon", "coordinates": [[list(place) for place in ring]]}


def location(metres_east, crs="wgs84"):
    here = city.beside_border(metres_east, -548.0)
    lon, lat = here["lon"], here["lat"]
    if crs != "wgs84":
        lon, lat = from_wgs84(lon, lat, crs)
    return {"lon": lon, "lat": lat, "crs": crs, "accuracy_m": 10.0}


def test_the_crs_of_the_location_is_that_of_the_footprint(citizen):
    filed = citizen.report(location=location(-3, "gcj02"), footprint=in_gcj02(city.astride()))
    assert filed["joint_whistle_id"] is not None
    other = citizen.report(
        location=location(-3, "gcj02"), footprint=city.astride(), footprint_crs="wgs84"
    )
    assert other["case_id"] == filed["case_id"]


def test_a_footprint_elsewhere_than_its_location_is_refused_with_the_metres(citizen):
    body = report(location=location(-3), footprint=in_gcj02(city.astride()))
    problem = citizen.refused("/v1/reports", body, status=422, type="bad-input")
    assert problem["field"] == "footprint"
    metres = int(problem["detail"].split(" m from the location")[0].split()[-1].replace(",", ""))
    assert 450 < metres < 650


@pytest.mark.parametrize(("metres_east", "status"), [(-50, 201), (-54, 201), (-58, 422)])
def test_footprint_and_location_may_be_apart_by_both_accuracies(citizen, metres_east, status):
    # The building's western wall is 15 m west of the border; 10 m and 30 m are the accuracies.
    body = report(location=location(metres_east), footprint=city.astride())
    assert citizen.send("POST", "/v1/reports", json=body).status_code == status
