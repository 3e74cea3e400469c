"""The right thing near the pin: the parts that a report may mean are offered, and one is chosen."""

from __future__ import annotations

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import report

COVERS = {"class": city.COVER}
ALL = [city.OWNED, city.UNOWNED, city.SHARED]


def codes(parts):
    return [part["code"] for part in parts]


@pytest.mark.system(3)
def test_beside_a_cover_a_report_offers_the_parts_of_its_class_and_their_owner_leads(
    citizen, lead, as_
):
    filed = citizen.report(-115, **COVERS)
    assert filed["responsibility"]["lead"]["code"] == city.LEAD
    assert codes(filed["parts"]) == ALL
    assert {part["district_code"] for part in filed["parts"]} == {city.WEST}
    assert filed["parts"][0]["distance_m"] == pytest.approx(15, rel=1e-2)
    chosen = citizen.post(f"/v1/reports/{filed['receipt']}/part", {"code": city.OWNED})
    assert (chosen["part_code"], chosen["placements"]) == (city.OWNED, 2)
    assert chosen["responsibility"]["ground"] == "asset_owner"
    assert chosen["case"]["lead_body"] == city.WATER
    case = as_(Role.DISTRICT, city.WEST).get(f"/v1/cases/{filed['case_id']}")
    assert (case["part_code"], case["lead_body"]) == (city.OWNED, city.WATER)
    trace = as_(Role.DISTRICT, city.WEST).get(f"/v1/cases/{filed['case_id']}/trace")["entries"]
    (entry,) = [one for one in trace if one["action"] == "choose_part"]
    assert entry["content"]["part_code"] == city.OWNED


def test_similar_offers_them_before_anything_is_filed(citizen):
    given = report(-115, **COVERS)
    assert codes(citizen.post("/v1/reports/similar", given)["parts"]) == ALL
    named = given | {"part": {"district": city.WEST, "code": city.OWNED}}
    assert citizen.post("/v1/reports/similar", named)["parts"] == []


@pytest.mark.parametrize(
    ("metres_east", "more"),
    [(-125, COVERS), (-115, {"class": city.LAMP}), (-115, {"class": city.RUBBISH})],
    ids=["too far for its accuracy", "another class of part", "no part at all"],
)
def test_what_cannot_be_meant_is_not_offered(citizen, metres_east, more):
    assert citizen.report(metres_east, **more)["parts"] == []


def test_a_report_that_chooses_another_part_leaves_the_case_of_the_first(citizen, as_):
    first = citizen.report(-115, **COVERS)
    other = as_(Role.CITIZEN)
    second = other.report(-114, **COVERS)
    assert second["case_id"] == first["case_id"]
    citizen.post(f"/v1/reports/{first['receipt']}/part", {"code": city.OWNED})
    chosen = other.post(f"/v1/reports/{second['receipt']}/part", {"code": city.UNOWNED})
    assert chosen["case_id"] != first["case_id"]
    assert chosen["case"]["lead_body"] == city.LEAD
    kept = citizen.get(f"/v1/reports/{first['receipt']}")
    assert (kept["part_code"], kept["case"]["lead_body"]) == (city.OWNED, city.WATER)


def test_only_who_reported_or_the_staff_chooses_and_only_what_can_be_meant(citizen, as_, lead):
    filed = citizen.report(-115, **COVERS)
    path = f"/v1/reports/{filed['receipt']}/part"
    as_(Role.CITIZEN).refused(path, {"code": city.OWNED}, status=403)
    far = citizen.report(-900, **COVERS)
    beyond = citizen.refused(
        f"/v1/reports/{far['receipt']}/part", {"code": city.OWNED}, status=422, type="bad-input"
    )
    assert "lies 801 m from part 02010001" in beyond["detail"]
    lamp = citizen.report(-115, **{"class": city.LAMP})
    wrong = citizen.refused(f"/v1/reports/{lamp['receipt']}/part", {"code": city.OWNED}, status=422)
    assert wrong["field"] == "code"
    by_secret = {"code": city.OWNED, "secret": filed["secret"]}
    assert as_(Role.CITIZEN).post(path, by_secret)["part_code"] == city.OWNED


def test_a_code_with_a_wrong_digit_offers_the_parts_whose_codes_are_like_it_the_nearest_first(
    citizen, client
):
    said = {"part": {"code": "02010009"}, "location": city.beside_border(90), "class": city.COVER}
    problem = citizen.refused("/v1/reports", report(**said), status=404, type="not-found")
    assert [(one["district_code"], one["code"]) for one in problem["similar"]] == [
        (city.EAST, city.SHARED),
        *((city.WEST, code) for code in ALL),
    ]
    assert problem["similar"][0]["distance_m"] == pytest.approx(10, rel=1e-2)
    swapped = client.get(f"/v1/districts/{city.WEST}/codes/02100001").json()
    assert [(one["code"], one["distance_m"]) for one in swapped["similar"]] == [(city.OWNED, None)]
    strange = client.get(f"/v1/districts/{city.WEST}/codes/99999999").json()
    assert strange["similar"] == []
