"""People join cases and take reports out of them: both traces keep it, nothing is lost."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.joint_case import at_once
from tests.service.procedures_world import Clock
from tests.service.test_merging_intake import COVERS, close, topics

pytestmark = pytest.mark.system(12)


@pytest.fixture
def command(as_):
    return as_(Role.DISTRICT, city.WEST, subject="command of the west")


@pytest.fixture
def two(citizen):
    """Two cases of one class, 300 m apart, the first with two reports."""
    first, again, second = citizen.report(-300), citizen.report(-310), citizen.report(-600)
    assert again["case_id"] == first["case_id"] != second["case_id"]
    return [first, again], second


def join(filed, into, **more):
    return (
        f"/v1/cases/{filed['case_id']}/join",
        {"into": into["case_id"], "reason": "one building", **more},
    )


def split(filed, *reports, **more):
    return (
        f"/v1/cases/{filed['case_id']}/split",
        {"reports": [one["receipt"] for one in reports], "reason": "two buildings", **more},
    )


def actions(person, case_id):
    return [e["action"] for e in person.get(f"/v1/cases/{case_id}/trace")["entries"]]


def test_a_joined_case_gives_all_its_reports_and_closes_with_a_link(
    two, command, lead, citizen, city_session
):
    (first, again), second = two
    before = city.counts(city_session)
    joined = command.post(*join(first, second))
    assert [one["receipt"] for one in joined["reports"]] == [
        one["receipt"] for one in (first, again, second)
    ]
    assert [one["case_id"] for one in joined["joined_cases"]] == [first["case_id"]]
    source = lead.get(f"/v1/cases/{first['case_id']}")
    assert (source["state"], source["joined_into"]) == ("closed", second["case_id"])
    assert (source["next"], source["limit_at"], source["report_count"]) == ([], None, 0)
    # What is told of a report leads to the case that it is in now, and its placements stay.
    for filed in (first, again):
        seen = citizen.get(f"/v1/reports/{filed['receipt']}")
        assert (seen["case_id"], seen["case"]["state"]) == (second["case_id"], "open")
        assert seen["placement"] == filed["placement"]
    after = city.counts(city_session)
    unchanged = ("report", "report_placement", "receipt", "case_file")
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert citizen.report(-305)["case_id"] != first["case_id"]


def test_both_traces_keep_a_join_with_who_and_why_and_the_bodies_are_told(two, command, lead):
    (first, again), second = two
    command.post(*join(first, second))
    entries = {
        case: lead.get(f"/v1/cases/{case}/trace")["entries"][-1]
        for case in (first["case_id"], second["case_id"])
    }
    assert [entry["action"] for entry in entries.values()] == ["joined_into", "case_joined"]
    for entry, other in zip(entries.values(), (second, first), strict=True):
        assert entry["actor"] == "command of the west"
        assert entry["content"]["case_id"] == other["case_id"]
        assert entry["content"]["reason"] == "one building"
        assert entry["content"]["reports"] == [first["receipt"], again["receipt"]]
    for case in entries:
        assert lead.get(f"/v1/cases/{case}/trace/verify")["intact"] is True
    assert {"case_joined_into", "case_joined"} <= set(topics(lead, city.LEAD))


def test_no_step_is_taken_in_a_joined_case_and_the_refusal_leads_to_the_other(two, command, lead):
    (first, _), second = two
    command.post(*join(first, second))
    steps = f"/v1/cases/{first['case_id']}/steps"
    problem = lead.refused(steps, {"step": "handle", "note": "Done."}, status=409)
    assert problem["joined_into"] == second["case_id"]
    assert "command of the west" in problem["detail"]


def test_a_case_that_was_closed_before_keeps_its_own_end_when_it_is_joined(two, command, lead, as_):
    (first, _), second = two
    close(first, lead, as_(Role.DISTRICT, city.WEST, subject="supervision"))
    ended = lead.get(f"/v1/cases/{first['case_id']}")["closed_at"]
    problem = command.refused(*join(first, second), status=409)
    assert problem["differences"] == ["closed"]
    command.post(*join(first, second, accept_differences=["closed"]))
    source = lead.get(f"/v1/cases/{first['case_id']}")
    assert (source["closed_at"], source["joined_into"]) == (ended, second["case_id"])
    assert len(source["hand_ins"]) == 2


@pytest.mark.parametrize(
    ("metres", "more", "differences"),
    [
        (-300, {"class": city.RUBBISH}, ["other_class"]),
        (400, {}, ["across_border"]),
        (880, {}, ["across_border", "far"]),
    ],
)
def test_a_difference_is_joined_over_only_by_somebody_who_says_so(
    as_, citizen, metres, more, differences
):
    whole = as_(Role.CITY, subject="the city")
    first, second = citizen.report(-300), citizen.report(metres, **more)
    assert first["case_id"] != second["case_id"]
    problem = whole.refused(*join(first, second), status=409, type="step-refused")
    assert problem["differences"] == differences
    said = whole.post(*join(first, second, accept_differences=differences))
    assert said["report_count"] == 2
    entry = whole.get(f"/v1/cases/{second['case_id']}/trace")["entries"][-1]
    assert entry["content"]["accept_differences"] == differences


def test_two_parts_and_procedures_of_their_own_are_differences_too(citizen, command):
    parts = [
        citizen.report(part={"district": city.WEST, "code": code})
        for code in (city.OWNED, city.UNOWNED)
    ]
    assert command.refused(*join(*parts), status=409)["differences"] == ["other_part"]
    posts = [citizen.report(-300, channel="post") for _ in range(2)]
    assert set(command.refused(*join(*posts), status=409)["differences"]) == {"own_procedure"}


def test_a_case_is_not_joined_into_itself_nor_into_a_closed_one_nor_in_a_circle(
    two, command, lead, as_, city_session
):
    (first, _), second = two
    command.refused(*join(first, first), status=422)
    command.refused(*join(first, {"case_id": str(uuid.uuid4())}), status=404)
    command.refused(*join({"case_id": str(uuid.uuid4())}, second), status=404)
    command.post(*join(first, second))
    before = city.counts(city_session)
    circle = command.refused(*join(second, first), status=409)
    assert "joined into" in circle["detail"]
    again = command.refused(*join(first, second), status=409)
    assert "command of the west" in again["detail"]
    close(second, lead, as_(Role.DISTRICT, city.WEST, subject="supervision"))
    command.refused(*join(first, second), status=409)
    assert city.counts(city_session)["report"] == before["report"]


def test_a_case_with_an_open_whistle_is_joined_by_others_and_joins_nothing(citizen, as_):
    whole = as_(Role.CITY)
    joint = citizen.report(-6, footprint=city.astride())
    plain = citizen.report(-600)
    problem = whole.refused(*join(joint, plain), status=409)
    assert joint["joint_whistle_id"] in problem["detail"]
    assert whole.post(*join(plain, joint))["report_count"] == 2


def test_cases_are_joined_and_split_by_those_who_lead_or_direct_them(
    two, as_, citizen, lead, other
):
    (first, again), second = two
    strangers = (
        citizen,
        other,
        as_(Role.ANALYST, city.WEST),
        as_(Role.GRID_WORKER, f"{city.LEAD}001"),
        as_(Role.DEPARTMENT, city.WEST, f"{city.WEST}-CGJ"),
        as_(Role.DISTRICT, city.EAST),
    )
    for nobody in strangers:
        nobody.refused(*join(first, second), status=403, type="not-allowed")
        nobody.refused(*split(first, again), status=403, type="not-allowed")
    lead.post(*split(first, again))
    assert lead.post(*join(first, second))["report_count"] == 2
    lead.refused(*join(second, first, reason=""), status=422)


def test_reports_are_taken_out_into_a_new_case_with_whoever_answers_there(
    two, command, lead, citizen
):
    (first, again), _ = two
    both = command.post(*split(first, again))
    assert [one["receipt"] for one in both["case"]["reports"]] == [first["receipt"]]
    new = both["into"]
    assert [one["receipt"] for one in new["reports"]] == [again["receipt"]]
    assert (new["state"], new["step"], new["lead_body"]) == ("open", "handle", city.LEAD)
    assert new["limit_at"] is not None
    assert citizen.get(f"/v1/reports/{again['id']}")["case_id"] == new["id"]
    assert actions(lead, first["case_id"])[-1] == "reports_split_off"
    assert actions(lead, new["id"])[-1] == "reports_split_in"
    for case in (first["case_id"], new["id"]):
        entry = lead.get(f"/v1/cases/{case}/trace")["entries"][-1]
        assert entry["content"]["reason"] == "two buildings"
        assert entry["content"]["reports"] == [again["receipt"]]
        assert lead.get(f"/v1/cases/{case}/trace/verify")["intact"] is True
    assert {"reports_split_off", "reports_split_in"} <= set(topics(lead, city.LEAD))


def test_reports_are_taken_out_into_a_case_that_is_there(two, command):
    (first, again), second = two
    both = command.post(*split(first, again, into=second["case_id"]))
    assert both["into"]["id"] == second["case_id"]
    assert both["into"]["report_count"] == 2
    gone = command.refused(*split(first, again), status=409)
    assert gone["case_id"] == second["case_id"]
    assert "command of the west" in gone["detail"]


def test_a_split_refuses_all_the_reports_and_none_and_those_of_others(two, command):
    (first, again), second = two
    problem = command.refused(*split(first, first, again), status=409)
    assert "/join" in problem["detail"]
    command.refused(*split(first), status=422)
    command.refused(*split(first, second), status=409)
    command.refused(*split(first, {"receipt": "0000-0000"}), status=404)
    command.refused(*split(first, again, into=first["case_id"]), status=422)
    command.refused(*split(first, again, into=str(uuid.uuid4())), status=404)


def test_a_case_forgets_the_part_of_a_report_that_is_taken_out(citizen, command):
    part = {"district": city.WEST, "code": city.OWNED}
    place = citizen.report(-110, **COVERS)
    named = citizen.report(part=part, **COVERS)
    assert named["case_id"] == place["case_id"]
    both = command.post(*split(place, named))
    assert (both["case"]["part_code"], both["into"]["part_code"]) == (None, city.OWNED)
    assert citizen.report(part=part, **COVERS)["case_id"] == both["into"]["id"]


def test_of_two_who_join_a_case_at_once_one_wins_and_the_other_is_told_who(
    citizen, as_, city_session
):
    cases = [citizen.report(metres) for metres in (-300, -600, -900)]
    people = [as_(Role.DISTRICT, city.WEST, subject=f"person {n}") for n in (1, 2)]
    answers = at_once(
        *(
            lambda one=one, into=into: one.send(
                "POST", join(cases[0], into)[0], json=join(cases[0], into)[1]
            )
            for one, into in zip(people, cases[1:], strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409).json()
    winner = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    assert lost["by"] == f"person {winner + 1}"
    assert lost["joined_into"] == cases[1 + winner]["case_id"]
    entries = text("select count(*) from trace where action = 'joined_into'")
    assert city_session.scalar(entries) == 1


def test_two_cases_that_are_joined_into_each_other_at_once_become_one(two, as_):
    (first, _), second = two
    people = [as_(Role.DISTRICT, city.WEST, subject=f"person {n}") for n in (1, 2)]
    pairs = ((first, second), (second, first))
    answers = at_once(
        *(
            lambda one=one, pair=pair: one.send("POST", join(*pair)[0], json=join(*pair)[1])
            for one, pair in zip(people, pairs, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert winner["report_count"] == 3


def test_reports_that_come_while_a_case_is_joined_are_in_an_open_case(two, citizen, command):
    (first, _), second = two
    method, body = join(first, second)
    answers = at_once(
        lambda: command.send("POST", method, json=body),
        *(lambda n=n: citizen.report(-300 - n) for n in range(6)),
    )
    assert answers[0].status_code == 200
    for filed in answers[1:]:
        seen = citizen.get(f"/v1/reports/{filed['receipt']}")
        assert seen["case"]["state"] == "open"


def test_the_reports_of_a_case_come_page_by_page_in_the_order_of_time(citizen, lead):
    came = [
        lead.report(-300, received_at=f"20{year:02}-05-01T10:00:00+08:00", channel="12345")
        for year in (20, 8, 14, 8, 11)
    ]
    latest = citizen.report(-300, channel="app")
    path = f"/v1/cases/{latest['case_id']}/reports"
    rows, cursor = [], {}
    while True:
        page = lead.get(path, limit=2, count="true", **cursor)
        assert page["count"] == 6
        rows += page["reports"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(rows) == len({row["receipt"] for row in rows}) == 6
    times = [dt.datetime.fromisoformat(row["created_at"]) for row in rows]
    assert times == sorted(times)
    assert {row["receipt"] for row in rows} == {one["receipt"] for one in (*came, latest)}
    assert [row["channel"] for row in rows] == ["12345"] * 5 + ["app"]
    assert [row["recorded_at"] is None for row in rows] == [False] * 5 + [True]
    citizen_sees = citizen.send("GET", path)
    assert citizen_sees.status_code == 403
    far = f"0001-01-01T00:00:00+23:00_{rows[0]['id']}"
    assert lead.send("GET", path, params={"cursor": far}).status_code == 422
    wrong = lead.send("GET", path, params={"cursor": "yesterday"})
    assert wrong.status_code == 422


def test_nobody_joins_a_late_case_away(citizen, as_, monkeypatch, city_session):
    clock = Clock.held(monkeypatch)
    monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
    command = as_(Role.DISTRICT, city.WEST)
    late, next_door, timely = citizen.report(-300), citizen.report(-600), citizen.report(-900)
    command.post(*join(timely, next_door))
    clock.forward(days=16)
    command.post(*join(late, next_door))
    due = text("select due_at, closed_at from case_file where id = :id")
    kept = city_session.execute(due, {"id": late["case_id"]}).one()
    gone = city_session.execute(due, {"id": timely["case_id"]}).one()
    assert kept.due_at < kept.closed_at
    assert gone.due_at is None
    entry = command.get(f"/v1/cases/{late['case_id']}/trace")["entries"][-1]
    closes = entry["content"]["judged"]["closes"]
    assert closes["lead"] == city.LEAD
    assert dt.datetime.fromisoformat(closes["due_at"]) == kept.due_at
