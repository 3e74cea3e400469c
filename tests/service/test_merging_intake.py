"""Reports about one thing join one case: by part, by place text, by distance; nothing else does."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, report, token_of
from tests.service.joint_case import at_once

COVERS = {"class": city.COVER}
OWNED = {"district": city.WEST, "code": city.OWNED}
ESTATE = "长安里8号楼"


def at(metres_east, metres_north=-555.0, **more):
    place = {**city.beside_border(metres_east, metres_north), "accuracy_m": 10.0}
    return report(location=place, **more)


def topics(person, body):
    return [m["topic"] for m in person.get(f"/v1/bodies/{body}/inbox")["messages"]]


@pytest.mark.system(13)
def test_the_same_complaint_by_phone_and_by_app_joins_one_case_and_the_first_receiver_leads(
    citizen, lead, as_
):
    by_phone = citizen.report(-120, channel="12345", **COVERS)
    by_app = citizen.report(channel="app", part=OWNED, **{"class": None})
    assert by_phone["responsibility"]["lead"]["code"] == city.LEAD
    assert by_app["responsibility"]["lead"]["code"] == city.WATER
    assert (by_app["case_id"], by_app["joined"]) == (by_phone["case_id"], True)
    case = lead.get(f"/v1/cases/{by_phone['case_id']}")
    assert case["lead_body"] == city.LEAD
    assert [one["channel"] for one in case["reports"]] == ["12345", "app"]
    assert case["part_code"] == city.OWNED
    water = as_(Role.DEPARTMENT, "1101", city.WATER)
    (told,) = water.get(f"/v1/bodies/{city.WATER}/inbox")["messages"]
    assert (told["topic"], told["content"]["lead"]) == ("report_joined_elsewhere", city.LEAD)


@pytest.mark.system(13)
def test_one_part_is_one_case_though_somebody_stands_farther_off_than_its_class_joins(citizen):
    first = citizen.report(part=OWNED, **COVERS)
    again = citizen.report(-190, part=OWNED, **COVERS)
    without = citizen.report(-190, **COVERS)
    assert again["case_id"] == first["case_id"]
    assert again["similar"][0]["why"] == ["part"]
    assert without["case_id"] != first["case_id"]


def test_a_case_that_has_learnt_its_part_takes_no_report_of_another_one(citizen):
    unnamed = citizen.report(-110, **COVERS)
    assert citizen.report(part=OWNED, **COVERS)["case_id"] == unnamed["case_id"]
    other = citizen.report(part={"district": city.WEST, "code": city.UNOWNED}, **COVERS)
    assert other["case_id"] != unnamed["case_id"]


@pytest.mark.system(13)
def test_one_place_text_joins_over_a_distance_in_one_street_and_one_class_only(citizen):
    first = citizen.report(-100, place_text=ESTATE)
    far = citizen.report(-900, place_text="北京市西城区 長安里八號樓 附近")
    assert (far["case_id"], far["similar"][0]["why"]) == (first["case_id"], ["place_text"])
    others = [
        citizen.report(-900, place_text="长安里9号楼"),
        citizen.report(-900, place_text=ESTATE, **{"class": city.RUBBISH}),
        citizen.post("/v1/reports", at(-900, 500, place_text=ESTATE)),
        citizen.report(900, place_text=ESTATE),
    ]
    assert first["case_id"] not in {filed["case_id"] for filed in others}


def test_one_place_text_does_not_join_beyond_its_own_distance(serve):
    citizen = Person(serve(merge_text_within_m=500), token_of(Role.CITIZEN))
    first = citizen.report(-100, place_text=ESTATE)
    assert citizen.report(-620, place_text=ESTATE)["case_id"] != first["case_id"]
    assert citizen.report(-580, place_text=ESTATE)["joined"] is True


@pytest.mark.parametrize(
    ("class_code", "near", "far"), [("06028", 68, 72), ("07001", 28, 32), ("06001", 53, 57)]
)
def test_each_class_has_a_distance_of_its_own(citizen, class_code, near, far):
    first = citizen.report(-400, **{"class": class_code})
    assert citizen.report(-400 - far, **{"class": class_code})["case_id"] != first["case_id"]
    assert citizen.report(-400 + near, **{"class": class_code})["case_id"] == first["case_id"]


def test_what_two_grid_workers_pinned_joins_only_where_both_stood(as_, citizen):
    worker, other = (as_(Role.GRID_WORKER, f"{city.LEAD}001", subject=n) for n in ("a", "b"))
    first = worker.report(-400)
    assert other.report(-425)["case_id"] != first["case_id"]
    assert other.report(-395)["case_id"] == first["case_id"]
    pinned = citizen.report(-600)
    assert worker.report(-640)["case_id"] == pinned["case_id"]


def test_a_sofa_and_a_mattress_of_two_compounds_are_two_cases(citizen):
    sofa = citizen.report(-400, place_text="红莲北里3号楼", **{"class": "06035"})
    asked = report(-420, place_text="望园小区3号楼", **{"class": "06035"})
    (near,) = citizen.post("/v1/reports/similar", asked)["candidates"]
    assert (near["case_id"], near["joins"]) == (sofa["case_id"], False)
    assert near["reason"] == "it names another address"
    assert citizen.post("/v1/reports", asked)["case_id"] != sofa["case_id"]


@pytest.mark.system(13)
def test_one_address_under_two_classes_that_people_take_for_each_other_is_one_case(citizen):
    heap = citizen.report(-400, place_text="红莲北里3号楼", **{"class": "06010"})
    piled = citizen.report(-700, place_text="红莲北里三栋2单元", **{"class": "06011"})
    assert (piled["case_id"], piled["similar"][0]["why"]) == (heap["case_id"], ["place_text"])
    stalls = citizen.report(-400, place_text="红莲北里3号楼", **{"class": "09001"})
    assert stalls["case_id"] != heap["case_id"]


def test_a_case_learns_its_address_and_does_not_creep_on_from_it(citizen):
    first = citizen.report(-400)
    named = citizen.report(-440, place_text="红莲北里3号楼")
    assert named["case_id"] == first["case_id"]
    beside = citizen.report(-405, place_text="红莲北里5号楼")
    assert beside["case_id"] != first["case_id"]
    far = citizen.report(-470, place_text="红莲北里3号楼")
    assert far["case_id"] != first["case_id"]


def test_a_case_keeps_the_address_of_the_reports_that_stay(citizen, as_):
    case = citizen.report(-400)["case_id"]
    named = citizen.report(-440, place_text="红莲北里3号楼")
    district = as_(Role.DISTRICT, city.WEST)
    split = {"reports": [named["receipt"]], "reason": "another building"}
    district.post(f"/v1/cases/{case}/split", split)
    beside = citizen.report(-405, place_text="红莲北里5号楼")
    assert beside["case_id"] == case
    again = citizen.report(-800, place_text="红莲北里3号楼")
    assert again["case_id"] not in (case, beside["case_id"])
    assert again["joined"] is True


def test_a_report_that_joins_across_a_streets_border_says_so_and_both_offices_hear_of_it(
    citizen, as_
):
    south = citizen.post("/v1/reports", at(-300, -20))
    north = citizen.post("/v1/reports", at(-300, 20))
    assert north["case_id"] == south["case_id"]
    crossed = {"level": "street", "from": city.LEAD_NORTH, "to": city.LEAD}
    assert (north["joined_across_border"], north["border_crossed"]) == (True, crossed)
    office = as_(Role.STREET, city.LEAD_NORTH)
    assert topics(office, city.LEAD_NORTH) == ["report_joined_elsewhere"]
    entry = office_trace(as_, south)[-1]
    assert entry["content"]["border_crossed"] == crossed


def test_a_report_that_joins_across_a_districts_border_names_both(citizen):
    citizen.report(-8)
    east = citizen.report(8)
    assert east["border_crossed"] == {"level": "district", "from": city.EAST, "to": city.WEST}


def test_reports_of_one_place_text_at_the_same_moment_open_one_case(serve):
    client = serve()
    people = [Person(client, token_of(Role.CITIZEN)) for _ in range(6)]
    filed = at_once(
        *(
            lambda n=n, one=one: one.report(-100 - 150 * n, place_text=ESTATE)
            for n, one in enumerate(people)
        )
    )
    assert len({one["case_id"] for one in filed}) == 1


@pytest.mark.system(13)
def test_similar_says_before_filing_what_filing_then_does_and_keeps_nothing(citizen, city_session):
    by_text = citizen.report(-100, place_text=ESTATE)
    nearest = citizen.report(-700)
    asked = report(-690, place_text=ESTATE)
    before = city.counts(city_session)
    similar = citizen.post("/v1/reports/similar", asked)
    assert city.counts(city_session) == before
    assert similar["would_join"] == by_text["case_id"]
    assert [
        (one["case_id"], one["why"], one["joins"], one["reports"]) for one in similar["candidates"]
    ] == [
        (by_text["case_id"], ["place_text"], True, 1),
        (nearest["case_id"], ["distance"], True, 1),
    ]
    assert similar["candidates"][1]["distance_m"] == pytest.approx(10, rel=1e-2)
    filed = citizen.post("/v1/reports", asked)
    assert (filed["joined"], filed["case_id"]) == (True, similar["would_join"])


def test_similar_gives_the_reason_why_a_case_is_not_joined(citizen):
    owned = citizen.report(part=OWNED, **COVERS)
    other = {"class": city.COVER, "part": {"district": city.WEST, "code": city.UNOWNED}}
    (candidate,) = citizen.post("/v1/reports/similar", other)["candidates"]
    assert (candidate["case_id"], candidate["joins"]) == (owned["case_id"], False)
    assert city.OWNED in candidate["reason"]
    citizen.refused("/v1/reports/similar", report(), status=422)
    nowhere = report(location={"lon": 10.0, "lat": 50.0})
    citizen.refused("/v1/reports/similar", nowhere, status=422, type="outside-city")


def test_a_report_after_the_closing_shows_the_earlier_case_about_the_place(citizen, lead, as_):
    first = citizen.report(-100, place_text=ESTATE)
    close(first, lead, as_(Role.DISTRICT, city.WEST))
    asked = report(-800, place_text=ESTATE)
    similar = citizen.post("/v1/reports/similar", asked)
    assert (similar["would_join"], similar["candidates"]) == (None, [])
    again = citizen.post("/v1/reports", asked)
    assert (again["joined"], again["case_id"] == first["case_id"]) == (False, False)
    (earlier,) = again["earlier"]
    assert (earlier["case_id"], earlier["why"]) == (first["case_id"], ["place_text"])
    assert similar["earlier"] == [{**earlier, "reports": 1}]
    assert citizen.report(-800)["earlier"] == []


def test_a_place_text_is_for_the_staff_and_in_no_public_answer(citizen, lead, client):
    filed = citizen.report(-100, place_text="长安里8号楼3单元502")
    public = client.get(f"/v1/reports/{filed['receipt']}").text
    assert "长安里" not in public
    row = lead.get(f"/v1/cases/{filed['case_id']}/reports")["reports"][0]
    assert row["place_text"] == "长安里8号楼3单元502"
    citizen.refused("/v1/reports", report(-100, place_text=""), status=422)
    citizen.refused("/v1/reports", report(-100, place_text="里" * 201), status=422)


def test_earlier_reports_are_recorded_later_by_staff_and_the_trace_says_so(citizen, as_):
    now = citizen.report(-300)
    office = as_(Role.STREET, city.LEAD)
    came = "2008-03-05T09:30:00+08:00"
    filed = office.report(-300, channel="12345", received_at=came)
    assert filed["case_id"] == now["case_id"]
    assert moment(filed["created_at"]) == moment(came) < moment(filed["recorded_at"])
    case = office.get(f"/v1/cases/{now['case_id']}")
    assert [one["receipt"] for one in case["reports"]] == [filed["receipt"], now["receipt"]]
    assert moment(case["first_reported_at"]) == moment(came)
    assert moment(case["opened_at"]) > moment(came) + dt.timedelta(days=5000)
    entry = office_trace(as_, now)[-1]
    assert moment(entry["at"]) == moment(came) < moment(entry["written_at"])
    assert entry["content"]["recorded_later"] is True
    assert office.get(f"/v1/cases/{now['case_id']}/trace/verify")["intact"] is True


@pytest.mark.parametrize(
    ("who", "received_at", "status", "said"),
    [
        ((Role.CITIZEN, ""), "2008-03-05T09:30:00+08:00", 403, "citizen"),
        ((Role.GRID_WORKER, city.LEAD), "2008-03-05T09:30:00+08:00", 403, "grid_worker"),
        ((Role.STREET, city.OTHER), "2008-03-05T09:30:00+08:00", 403, city.OTHER),
        ((Role.STREET, city.LEAD), "2999-03-05T09:30:00+08:00", 422, "future"),
        ((Role.STREET, city.LEAD), "2008-03-05T09:30:00", 422, "time zone"),
        ((Role.STREET, city.LEAD), "1808-03-05T09:30:00Z", 422, "100 years"),
        ((Role.STREET, city.LEAD), "yesterday", 422, "received_at"),
    ],
)
def test_no_report_is_recorded_for_another_time_by_the_wrong_people_or_for_no_time(
    as_, city_session, who, received_at, status, said
):
    given = report(-300, received_at=received_at)
    problem = as_(*who).refused("/v1/reports", given, status=status)
    assert said in str(problem)
    assert not any(city.counts(city_session).values())


def close(filed, lead, district):
    """Take an ordinary case to its end."""
    steps = f"/v1/cases/{filed['case_id']}/steps"
    for who, step in ((lead, "handle"), (lead, "feed_back"), (district, "verify")):
        who.post(steps, {"step": step, "note": "done"})
    district.post(steps, {"step": "assess", "evidence": {"score": 90}})


def office_trace(as_, filed):
    """The trace of the case of a report."""
    office = as_(Role.STREET, city.LEAD)
    return office.get(f"/v1/cases/{filed['case_id']}/trace")["entries"]


def moment(value):
    return dt.datetime.fromisoformat(value)
