"""The leader's note and visit (批办, 夜访): a person, a limit, the trace, an end, and the hour."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cases.systems.leader_notes.models import LeaderNote
from gridsvc.cases.systems.leader_notes.service import remind
from gridsvc.cli.app import app
from gridsvc.keeping.retention_repository import erase_trace_words
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.joint_case import at_once
from tests.service.procedures_world import CGJ, MONDAY, Case, Clock, World, register

pytestmark = pytest.mark.system(26)


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    made = World(client, Clock.held(monkeypatch))
    for code, office, subject in (("S1", city.LEAD, "Li"), ("S2", CGJ, "Wang")):
        given = {"code": code, "name": subject, "office": office, "role": "inspector"}
        more = {"subject": subject, "district": city.WEST, "valid_from": "2026-01-01"}
        made["city"].post("/v1/staff", given | more)
    made.people["Li"] = made.person(Role.GRID_WORKER, city.LEAD, subject="Li")
    made.people["Wang"] = made.person(Role.DEPARTMENT, city.WEST, CGJ, subject="Wang")
    return made


@pytest.fixture
def case(world):
    return world.open(city.LEAD, "hazard")


def limit(world: World, **span: float) -> str:
    return (world.clock.now + dt.timedelta(**span)).isoformat()


def write(case: Case, by: str = "leader", **more: Any) -> Any:
    given = {"words": "Be there tonight.", "staff": "S1", "limit_at": limit(case.world, days=2)}
    seen = case.world[by].post(f"/v1/cases/{case.id}/leader-notes", given | more)
    return seen["leader_notes"][-1]


def act(case: Case, who: str, what: str, n: int = 1, **given: Any) -> Any:
    seen = case.world[who].post(f"/v1/cases/{case.id}/leader-notes/{n}/{what}", given)
    return seen["leader_notes"][n - 1]


def refused(case: Case, who: str, what: str, status: int = 409, n: int = 1, **given: Any) -> Any:
    path = f"/v1/cases/{case.id}/leader-notes/{n}/{what}"
    return case.world[who].refused(path, given, status=status)


def topics(world: World, who: str, path: str) -> list[str]:
    return [one["topic"] for one in world[who].get(path)["messages"]]


@pytest.fixture
def look(world, city_session):
    """Looks at the notes as the worker does; gives how much was said."""

    def remind_now() -> int:
        said = remind(city_session, cities.city(), now=world.clock.now)
        city_session.commit()
        return said

    return remind_now


def test_a_note_is_answered_done_and_ended_and_all_of_it_is_in_the_trace(world, case):
    note = write(case)
    assert (note["leader"], note["state"], note["kind"]) == ("the main leader", "written", "note")
    assert "leader_note" in topics(world, city.LEAD, f"/v1/bodies/{city.LEAD}/inbox")
    (mine,) = world["Li"].get("/v1/leader-notes", mine=True)["notes"]
    assert (mine["case_id"], mine["n"]) == (case.id, 1)
    assert world["Wang"].get("/v1/leader-notes", mine=True)["notes"] == []
    world.clock.forward(minutes=20)
    assert act(case, "Li", "answer", text="I go at 20:00.")["state"] == "answered"
    refused(case, "Li", "answer", text="Again.")
    refused(case, "leader", "end", accepted=True, note="Good.")
    done = act(case, "Li", "done", note="The lane is open.")
    assert (done["state"], done["late"]) == ("done", False)
    inbox = world["command"].get(f"/v1/leaders/{city.WEST}/inbox")
    assert [one["state"] for one in inbox["notes"]] == ["done"]
    assert {one["topic"] for one in inbox["messages"]} == {
        "leader_note_answered",
        "leader_note_done",
    }
    assert act(case, "leader", "end", accepted=True, note="Good.")["state"] == "ended"
    written = [one for one in case.trace() if one["action"].startswith("leader_note")]
    assert [one["action"] for one in written] == [
        "leader_note",
        "leader_note_answered",
        "leader_note_done",
        "leader_note_ended",
    ]
    assert written[0]["content"]["words"] == "Be there tonight."
    assert written[1]["content"]["minutes"] == 20
    assert case.intact()
    for what, given in (
        ("done", {"note": "x"}),
        ("end", {"accepted": True, "note": "x"}),
        ("withdraw", {"reason": "x"}),
    ):
        refused(case, "leader" if what != "done" else "Li", what, **given)


def test_a_visit_has_its_place_and_its_hour(world, case):
    world.clock.forward(hours=11)
    place = city.beside_border(-350)
    at = (world.clock.now - dt.timedelta(minutes=30)).isoformat()
    visit = write(case, kind="visit", **place, at=at)
    assert (visit["kind"], round(visit["metres_off"])) == ("visit", 50)
    (entry,) = [one for one in case.trace() if one["action"] == "leader_note"]
    assert dt.datetime.fromisoformat(entry["at"]) == dt.datetime.fromisoformat(at)
    assert entry["content"]["point"] == pytest.approx(list(place.values()))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kind": "visit"}, 422),
        ({"lon": 116.3, "lat": 39.885}, 422),
        ({"at": "2026-11-23T02:00:00Z"}, 422),
        ({"staff": "S9"}, 404),
        ({"limit_at": "2026-11-23T01:00:00Z"}, 422),
        ({"limit_at": "2028-11-23T01:00:00Z"}, 422),
        ({"limit_at": "2026-11-25T01:00:00"}, 422),
        ({"kind": "visit", "lon": 116.3, "lat": 39.885, "at": "2026-12-24T02:00:00Z"}, 422),
    ],
)
def test_a_note_that_cannot_be_is_refused(world, case, changed, status):
    given = {"words": "x", "staff": "S1", "limit_at": limit(world, days=1)} | changed
    world["leader"].refused(f"/v1/cases/{case.id}/leader-notes", given, status=status)
    assert case.seen()["leader_notes"] == []


def test_nobody_writes_answers_or_ends_in_anothers_place(world, case):
    given = {"words": "x", "staff": "S1", "limit_at": limit(world, days=1)}
    for who in ("citizen", "worker", CGJ, city.OTHER):
        world[who].refused(f"/v1/cases/{case.id}/leader-notes", given, status=403)
    world.people["Li leads"] = world.person(Role.STREET, city.LEAD, subject="Li")
    world["Li leads"].refused(f"/v1/cases/{case.id}/leader-notes", given, status=422)
    write(case)
    for who in ("worker", "Wang"):
        refused(case, who, "answer", status=403, text="x")
        refused(case, who, "done", status=403, note="x")
    act(case, city.LEAD, "answer", text="The office answers.")
    act(case, "Li leads", "done", note="Done.")
    refused(case, city.LEAD, "end", status=403, accepted=True, note="x")
    refused(case, "worker", "end", status=403, accepted=True, note="x")
    refused(case, "leader", "end", status=422, accepted=False, note="x")
    refused(
        case, "leader", "end", status=422, accepted=True, note="x", limit_at=limit(world, days=1)
    )
    refused(case, "leader", "end", status=404, n=2, accepted=True, note="x")
    write(case, "command", staff="S1")
    act(case, "supervision", "done", n=2, note="For them.")
    refused(case, "supervision", "end", n=2, accepted=True, note="x")
    assert act(case, "command", "end", n=2, accepted=True, note="x")["state"] == "ended"


def test_what_is_late_is_said_once_each_and_the_leader_sets_another_limit(world, case, look):
    write(case, limit_at=limit(world, hours=3))
    world.clock.forward(minutes=60)
    assert look() == 0
    world.clock.forward(seconds=1)
    assert (look(), look()) == (1, 0)
    world.clock.forward(hours=3)
    assert (look(), look()) == (1, 0)
    said = [one["action"] for one in case.trace()][-2:]
    assert said == ["leader_note_unanswered", "leader_note_late"]
    for who, path in ((city.LEAD, f"/v1/bodies/{city.LEAD}/inbox"),):
        assert set(said) <= set(topics(world, who, path))
    leader = topics(world, "command", f"/v1/leaders/{city.WEST}/inbox")
    assert set(said) <= set(leader)
    late = act(case, "Li", "done", note="Late.")
    assert (late["late"], late["answer"]) == (True, "Late.")
    again = act(case, "leader", "end", accepted=False, note="No.", limit_at=limit(world, hours=1))
    assert (again["state"], again["again"], again["late"]) == ("answered", 1, None)
    world.clock.forward(hours=2)
    assert look() == 1
    assert case.intact()


def test_a_note_goes_on_to_another_person_or_is_withdrawn(world, case):
    write(case)
    refused(case, "leader", "hand-on", status=404, staff="S9", reason="ill")
    moved = act(case, "leader", "hand-on", staff="S2", reason="It is the bureau's.")
    assert (moved["staff_code"], moved["body_code"]) == ("S2", CGJ)
    refused(case, "Li", "answer", status=403, text="x")
    assert "leader_note" in topics(world, CGJ, f"/v1/bodies/{CGJ}/inbox")
    assert act(case, "command", "withdraw", reason="Moot.")["state"] == "withdrawn"
    assert case.intact()


def test_a_person_who_has_left_is_answered_for_by_their_office(world, case):
    write(case)
    (member,) = [
        one
        for one in world["city"].get("/v1/staff", area=city.LEAD)["staff"]
        if one["code"] == "S1"
    ]
    world["city"].post(f"/v1/staff/{member['id']}/end", {"on": "2026-11-23", "reason": "retired"})
    refused(case, "Li", "answer", status=403, text="x")
    assert act(case, city.LEAD, "done", note="Done.")["state"] == "done"


def test_of_two_who_answer_at_once_one_does(world, case):
    write(case)
    path = f"/v1/cases/{case.id}/leader-notes/1/answer"
    answers = at_once(
        *(lambda: world["Li"].send("POST", path, json={"text": "I go."}) for _ in range(8))
    )
    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]


def test_the_hour_is_counted_by_month_and_leader_as_by_hand(world, case, city_engine):
    chance, rows = random.Random(26), []
    by_hand: dict[tuple[str, str], list[tuple[bool, bool, str]]] = defaultdict(list)
    now = MONDAY + dt.timedelta(days=40)
    for n in range(1, 601):
        written = dt.datetime(2026, 10, 1, tzinfo=dt.UTC) + dt.timedelta(
            seconds=chance.randrange(60 * 86_400)
        )
        leader, waited = f"leader {n % 3}", chance.choice([None, 59, 3_600, 3_601, 90_000])
        answered = None if waited is None else written + dt.timedelta(seconds=waited)
        kind, state = chance.choice(["note", "visit"]), "written" if waited is None else "answered"
        if waited is None and chance.random() < 0.2:
            state = "withdrawn"
        rows.append(
            {
                **{"district_code": city.WEST, "case_id": case.id, "n": n, "kind": kind},
                **{"leader": leader, "words": "x", "area_code": city.LEAD, "state": state},
                **{"metres_off": 1.0 if kind == "visit" else None, "staff_code": "S1"},
                **{"body_code": city.LEAD, "written_at": written, "answered_at": answered},
                **{"limit_at": written + dt.timedelta(days=1), "again": 0},
            }
        )
        month = f"{written + dt.timedelta(hours=8):%Y-%m}"
        in_time = waited is not None and waited <= 3_600
        by_hand[month, leader].append((in_time, state == "withdrawn", kind))
    with Session(city_engine) as session, session.begin():
        session.execute(insert(LeaderNote), rows)
    world.clock.now = now
    found = world["leader"].get("/v1/leader-notes/counts", period="2026-Q4")
    assert {
        (one["month"], one["leader"]): (one["notes"], one["visits"], one["withdrawn"])
        for one in found["lines"]
    } == {
        key: (
            sum(kind == "note" and not gone for _, gone, kind in every),
            sum(kind == "visit" and not gone for _, gone, kind in every),
            sum(gone for _, gone, _ in every),
        )
        for key, every in by_hand.items()
    }
    for one in found["lines"]:
        every = [item for item in by_hand[one["month"], one["leader"]] if not item[1]]
        share = Fraction(sum(in_time for in_time, _, _ in every), len(every))
        assert Fraction(one["answered_within"]) == share
        assert one["waiting_for_answer"] == 0
    page = world["leader"].send("GET", "/v1/leader-notes/page.html?period=2026-Q4")
    assert page.status_code == 200
    assert "leader 1" in page.text
    assert world["leader"].get("/v1/leader-notes/counts", period="2025")["lines"] == []
    elsewhere = world[city.OTHER].get("/v1/leader-notes/counts", period="2026-Q4")
    assert elsewhere["lines"] == []
    pages, cursor = [], None
    while cursor != "":
        more = {} if cursor is None else {"cursor": cursor}
        listed = world["city"].get("/v1/leader-notes", limit=250, state="answered", **more)
        pages += [one["n"] for one in listed["notes"]]
        cursor = listed["next"] or ""
    assert sorted(pages) == sorted(row["n"] for row in rows if row["state"] == "answered")
    bad = world["city"].send("GET", "/v1/leader-notes?cursor=x")
    assert bad.status_code == 422


def test_the_command_tells_the_same(world, case, city_database, tmp_path, monkeypatch):
    write(case)
    act(case, "Li", "answer", text="I go.")
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    told = CliRunner().invoke(app, ["case", "notes", "2026-11", "--json"])
    shown = CliRunner().invoke(app, ["case", "notes", "2026-11"])
    monkeypatch.undo()
    get_settings.cache_clear()
    (line,) = json.loads(told.stdout)["lines"]
    assert (line["leader"], line["within"], line["answered_within"]) == (
        "the main leader",
        1,
        "1",
    )
    assert "100.0" in shown.stdout


def test_words_of_a_note_end_with_those_of_the_trace(world, case, city_session):
    write(case)
    act(case, "Li", "answer", text="I go.")
    held = text("select words, answer from leader_note")
    assert city_session.execute(held).one() == ("Be there tonight.", "I go.")
    closed = "update case_file set state = 'closed', closed_at = :now where id = :case"
    city_session.execute(text(closed), {"now": world.clock.now, "case": case.id})
    later = world.clock.now + dt.timedelta(days=2)
    erase_trace_words(city_session, classes=[""], days=[1], now=later, limit=10)
    city_session.commit()
    assert city_session.execute(held).one() == ("", "")
    (entry,) = [one for one in case.trace() if one["action"] == "leader_note"]
    assert "words" not in entry["content"]
    assert case.intact()
