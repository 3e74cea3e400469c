"""Ask, take, rate (一呼百应): one takes, one rates; hours by person, team, organisation."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cases.systems.help_requests.repository import erase_words
from gridsvc.cases.systems.help_requests.service import FORGOTTEN, MOST_OPEN, end_those_over
from gridsvc.cli.app import app
from gridsvc.registry.members.models import Member, MemberService, TeamMember, VolunteerTeam
from tests.service import joint_city as city
from tests.service.conftest import Person
from tests.service.procedures_world import CGJ, COMMUNITY, Clock, World, register

pytestmark = pytest.mark.system(17)

NORTH = f"{city.LEAD_NORTH}001"
ORGANISATIONS, TEAMS, SERVICES = 2_005, 36, 15_000
AT = "/v1/help-requests"
WISH = {"community": COMMUNITY, "kind": "repair", "what": "A tap drips.", "place": "3-2-502"}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    made = World(client, Clock.held(monkeypatch))
    with Session(city_engine) as session, session.begin():
        for code, home in (("M1", COMMUNITY), ("M2", COMMUNITY), ("M3", NORTH)):
            session.add(member(code, home, "a school", subject=f"subject of {code}"))
            made.people[code] = made.person(Role.CITIZEN, subject=f"subject of {code}")
        for code, area, leader, people in (
            ("T1", COMMUNITY, "M1", ("M1", "M2")),
            ("T2", city.LEAD_NORTH, "M3", ("M3",)),
        ):
            session.add(
                VolunteerTeam(
                    district_code=city.WEST,
                    code=code,
                    name=f"team {code}",
                    area_code=area,
                    leader_code=leader,
                )
            )
            session.flush()
            session.add_all(
                TeamMember(district_code=city.WEST, team_code=code, member_code=one)
                for one in people
            )
    return made


def member(code: str, home: str, unit: str, **more: Any) -> Member:
    lives = {"district_code": home[:6], "community_code": home}
    day = dt.date(2026, 1, 1)
    return Member(code=code, name=f"name of {code}", unit=unit, reported_on=day, **lives, **more)


def asked(world: World, by: str = "citizen", **more: Any) -> str:
    found: str = world[by].post(AT, WISH | more)["id"]
    return found


def act(world: World, who: str, id: str, what: str, **given: Any) -> Any:
    return world[who].post(f"{AT}/{id}/{what}", given)


def refused(world: World, who: str, id: str, what: str, status: int = 409, **given: Any) -> Any:
    return world[who].refused(f"{AT}/{id}/{what}", given, status=status)


def seen(world: World, id: str, by: str = city.LEAD) -> Any:
    return world[by].get(f"{AT}/{id}")


def minutes(world: World, by: str, area: str = city.WEST) -> dict[str, tuple[int, int, int]]:
    found = world["city"].get("/v1/members/hours", by=by, area=area, limit=5_000)
    return {one["key"]: (one["people"], one["services"], one["minutes"]) for one in found["lines"]}


# One request, from the asking to the rating.


def test_a_resident_asks_a_member_comes_and_only_the_asker_rates(world):
    id = asked(world)
    (open_one,) = world["M1"].get(AT)["requests"]
    assert (open_one["id"], open_one["place"]) == (id, None)
    assert act(world, "M1", id, "take")["place"] == WISH["place"]
    assert world["M2"].get(AT)["requests"] == []
    refused(world, "citizen", id, "rate", score=5)
    done = act(world, "M1", id, "done", minutes=45)
    assert done["state"] == "done"
    for other in ("M1", "M2", city.LEAD, "supervision", "city", CGJ):
        refused(world, other, id, "rate", status=403, score=5)
    rated = act(world, "citizen", id, "rate", score=4, note="Good.")
    assert (rated["state"], rated["score"], rated["rating"]) == ("rated", 4, "Good.")
    refused(world, "citizen", id, "rate", score=1)
    assert minutes(world, "person") == {"M1": (1, 1, 45)}
    assert minutes(world, "organisation") == {"a school": (1, 1, 45)}
    assert minutes(world, "team") == {}


def test_a_team_takes_it_by_its_leader_and_those_who_came_have_the_hours(world):
    id = asked(world, kind="tidy")
    refused(world, "M2", id, "take", status=403, team="T1")
    act(world, "M1", id, "take", team="T1")
    refused(world, "M1", id, "done", status=422, minutes=30, members=["M3"])
    act(world, "M1", id, "done", minutes=30, members=["M1", "M2"])
    assert minutes(world, "team") == {"T1": (2, 2, 60)}
    assert minutes(world, "organisation") == {"a school": (2, 2, 60)}
    board = world.client.get(f"/map/help/{city.LEAD}")
    assert board.status_code == 200
    assert "team T1" in board.text
    for secret in (WISH["what"], WISH["place"], "name of M1", "subject of M1"):
        assert secret not in board.text
    assert world.client.get("/map/help/110102999").status_code == 404


def test_a_body_asks_and_the_same_body_rates(world):
    id = asked(world, CGJ, what="Marshals for the market.", kind="public")
    act(world, city.LEAD, id, "take", team="T1")
    act(world, city.LEAD, id, "done", minutes=120)
    for other in (city.LEAD, "citizen", "command", "worker"):
        refused(world, other, id, "rate", status=403, score=5)
    assert act(world, CGJ, id, "rate", score=5)["state"] == "rated"


def test_of_fifty_who_take_it_at_once_one_does(world, city_engine):
    with Session(city_engine) as session, session.begin():
        for n in range(50):
            who = {"subject": f"volunteer {n}"}
            session.add(member(f"V{n}", COMMUNITY, "a school", **who))
            world.people[f"V{n}"] = world.person(Role.CITIZEN, **who)
    id = asked(world)
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda n: world[f"V{n}"].send("POST", f"{AT}/{id}/take"), range(50))
        )
    assert sorted(one.status_code for one in answers) == [200, *[409] * 49]
    winner = next(one for one in answers if one.status_code == 200).json()["member_code"]
    told = [one.json()["detail"] for one in answers if one.status_code == 409]
    assert all(f"taken by {winner} at" in one for one in told)
    assert seen(world, id)["member_code"] == winner


# Those who may not.


def test_nobody_takes_what_is_not_theirs_to_take(world):
    id = asked(world)
    refused(world, "M3", id, "take", status=403)
    refused(world, "citizen", id, "take")
    refused(world, "M1", id, "take", status=403, member="M2")
    refused(world, "M3", id, "take", status=403, team="T2")
    refused(world, city.OTHER, id, "take", status=403, member="M1")
    refused(world, city.LEAD, id, "take", status=422)
    refused(world, city.LEAD, id, "take", status=422, member="M1", team="T1")
    refused(world, city.LEAD, id, "take", status=403, member="M3")
    refused(world, city.LEAD, id, "take", status=403, team="T2")
    refused(world, city.LEAD, id, "take", status=404, team="T9")
    refused(world, city.LEAD, id, "take", status=404, member="M9")
    own = asked(world, "M1")
    refused(world, "M1", own, "take")
    assert seen(world, id)["state"] == seen(world, own)["state"] == "open"
    world["M3"].refused(f"{AT}/{uuid.uuid4()}/take", {}, status=404)


def test_a_request_is_read_by_its_asker_its_taker_and_staff(world):
    id = asked(world)
    act(world, "M1", id, "take")
    other = world.person(Role.CITIZEN, subject="another resident")
    for person, status in ((other, 403), (world["M2"], 403), (world[city.OTHER], 403)):
        assert person.send("GET", f"{AT}/{id}").status_code == status
    for who in ("citizen", "M1", "worker", city.LEAD):
        assert seen(world, id, who)["place"] == WISH["place"]
    assert other.get(AT)["requests"] == []
    assert [one["id"] for one in world["worker"].get(AT)["requests"]] == [id]
    assert world[city.OTHER].get(AT)["requests"] == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kind": "money"}, 422),
        ({"community": f"{city.LEAD}999"}, 422),
        ({"wanted_by": "2026-11-01T00:00:00Z"}, 422),
        ({"wanted_by": "2028-11-01T00:00:00Z"}, 422),
        ({"wanted_by": "2026-11-25T00:00:00"}, 422),
        ({"body": city.LEAD}, 403),
    ],
)
def test_a_request_that_cannot_be_is_refused(world, changed, status):
    world["citizen"].refused(AT, WISH | changed, status=status)


def test_bodies_ask_where_they_work_and_nobody_asks_without_end(world):
    world[city.OTHER].refused(AT, WISH, status=403)
    world["supervision"].refused(AT, WISH, status=422)
    world["worker"].refused(AT, WISH, status=403)
    for _ in range(MOST_OPEN):
        last = asked(world)
    world["citizen"].refused(AT, WISH, status=409)
    act(world, "citizen", last, "withdraw")
    asked(world)


# The unhappy ways.


def test_what_nobody_takes_lapses_is_seen_by_the_community_and_may_be_asked_again(
    world, city_engine
):
    id = asked(world)
    refused(world, "citizen", id, "renew", wanted_by="2026-12-24T00:00:00Z")
    world.clock.forward(hours=72)
    refused(world, "M1", id, "take")
    with Session(city_engine) as session, session.begin():
        assert end_those_over(session, now=world.clock.now) == 1
        assert end_those_over(session, now=world.clock.now) == 0
    (lapsed,) = world["worker"].get(AT, state="lapsed")["requests"]
    assert lapsed["id"] == id
    refused(world, "M1", id, "renew", status=403, wanted_by="2026-12-24T00:00:00Z")
    act(world, "citizen", id, "renew", wanted_by="2026-12-24T00:00:00Z")
    assert act(world, "M1", id, "take")["state"] == "taken"


def test_who_cannot_come_gives_it_back_and_another_takes_it(world):
    id = asked(world)
    refused(world, "M1", id, "give-back", reason="ill")
    act(world, "M1", id, "take")
    refused(world, "M2", id, "give-back", status=403, reason="so")
    assert act(world, "M1", id, "give-back", reason="ill")["state"] == "open"
    act(world, "M2", id, "take")
    (release,) = seen(world, id, "citizen")["releases"]
    assert (release["member_code"], release["why"], release["note"]) == ("M1", "gave_back", "ill")
    assert seen(world, id, "M2")["releases"] == []


def test_who_does_not_come_has_no_hours_whatever_they_said(world):
    id = asked(world)
    act(world, "M1", id, "take")
    refused(world, "citizen", id, "not-come", note="Nobody.")
    refused(world, "M2", id, "not-come", status=403, note="Nobody.")
    act(world, "M1", id, "done", minutes=60)
    assert minutes(world, "person") == {"M1": (1, 1, 60)}
    until = (world.clock.now + dt.timedelta(days=2)).isoformat()
    again = act(world, "citizen", id, "not-come", note="Nobody.", wanted_by=until)
    assert (again["state"], again["member_code"]) == ("open", None)
    assert minutes(world, "person") == {}
    act(world, "M2", id, "take")
    world.clock.forward(days=3)
    assert act(world, city.LEAD, id, "not-come", note="Nobody again.")["state"] == "lapsed"
    counts = world[city.LEAD].get(f"{AT}/counts")
    assert (counts["did_not_come"], counts["states"]) == (2, {"lapsed": 1})


def test_what_was_taken_and_forgotten_lapses(world, city_engine):
    id = asked(world)
    act(world, "M1", id, "take")
    world.clock.forward(hours=72, days=FORGOTTEN.days)
    refused(world, "M1", id, "done", minutes=10)
    with Session(city_engine) as session, session.begin():
        assert end_those_over(session, now=world.clock.now) == 1
    found = seen(world, id)
    assert (found["state"], found["releases"][0]["why"]) == ("lapsed", "did_not_come")


def test_what_its_asker_never_rates_stays_unrated_and_counts(world, city_engine):
    id = asked(world)
    act(world, "M1", id, "take")
    act(world, "M1", id, "done", minutes=20)
    world.clock.forward(days=7)
    refused(world, "citizen", id, "rate", score=5)
    refused(world, "citizen", id, "not-come", note="Nobody.")
    with Session(city_engine) as session, session.begin():
        assert end_those_over(session, now=world.clock.now) == 1
    counts = world[city.LEAD].get(f"{AT}/counts")
    assert (counts["states"], counts["mean"]) == ({"unrated": 1}, None)
    assert minutes(world, "person") == {"M1": (1, 1, 20)}


def test_a_withdrawn_request_is_nobodys(world):
    id = asked(world)
    act(world, "M1", id, "take")
    refused(world, "M1", id, "withdraw", status=403)
    act(world, "citizen", id, "withdraw")
    for who, what, given in (
        ("M1", "done", {"minutes": 1}),
        ("M2", "take", {}),
        ("citizen", "withdraw", {}),
    ):
        assert "withdrawn" in refused(world, who, id, what, **given)["detail"]


def test_the_mean_of_scores_is_an_exact_fraction(world):
    for score in (5, 5, 4):
        id = asked(world)
        act(world, "M1", id, "take")
        act(world, "M1", id, "done", minutes=1)
        act(world, "citizen", id, "rate", score=score)
    counts = world[city.LEAD].get(f"{AT}/counts")
    assert (counts["mean"], counts["scores"]) == ("14/3", {"4": 1, "5": 2})


def test_who_asked_and_what_is_erased_when_its_time_is_over(world, city_engine):
    id = asked(world)
    act(world, "citizen", id, "withdraw")
    later = world.clock.now + dt.timedelta(days=1_095)
    with Session(city_engine) as session, session.begin():
        kept = {"before": world.clock.now - dt.timedelta(days=1), "now": later, "limit": 10}
        assert erase_words(session, **kept) == 0
        assert erase_words(session, **kept | {"before": later}) == 1
    found = seen(world, id)
    assert (found["what"], found["place"], found["state"]) == ("erased", None, "withdrawn")
    refused(world, "citizen", id, "withdraw", status=403)


# The lists, at their size.


def test_hours_of_2005_organisations_36_teams_and_15000_services_are_as_counted_by_hand(
    world, city_engine
):
    chance = random.Random(17)
    homes = {f"P{n}": chance.choice([COMMUNITY, NORTH]) for n in range(4_010)}
    units = {code: f"organisation {n % ORGANISATIONS}" for n, code in enumerate(homes)}
    teams = {f"G{n}": chance.sample(sorted(homes), 20) for n in range(TEAMS)}
    rows, by_hand = [], {name: defaultdict[str, list[Any]](list) for name in ("p", "o", "t")}
    for n in range(SERVICES):
        # Everybody does something, so that no organisation is without.
        code = f"P{n}" if n < len(homes) else chance.choice(sorted(homes)[:500])
        team = chance.choice([None, *sorted(teams)])
        spent = chance.randint(1, 180)
        rows.append(
            {
                **{"district_code": city.WEST, "id": uuid.uuid4(), "member_code": code},
                **{"community_code": homes[code], "on_day": dt.date(2026, 2, 1), "what": f"{n}"},
                **{"minutes": spent, "team_code": team},
            }
        )
        for name, key in (("p", code), ("o", units[code]), ("t", team)):
            if key is not None:
                by_hand[name][key].append((code, spent))
    with Session(city_engine) as session, session.begin():
        session.add_all(member(code, home, units[code]) for code, home in homes.items())
        session.add_all(
            VolunteerTeam(
                district_code=city.WEST,
                code=code,
                name=code,
                area_code=city.LEAD,
                leader_code=people[0],
            )
            for code, people in teams.items()
        )
        session.flush()
        session.execute(insert(MemberService), rows)
    told = {
        name: {
            key: (len({code for code, _ in did}), len(did), sum(spent for _, spent in did))
            for key, did in by_hand[name].items()
        }
        for name in by_hand
    }
    assert minutes(world, "person") == told["p"]
    assert minutes(world, "organisation") == told["o"]
    assert minutes(world, "team") == told["t"]
    assert (len(told["o"]), len(told["t"])) == (ORGANISATIONS, TEAMS)
    whole = sum(row["minutes"] for row in rows)
    assert sum(one[2] for one in told["p"].values()) == whole
    assert sum(one[2] for one in told["o"].values()) == whole
    served = world["city"].get("/v1/members/services", area=city.WEST)
    assert (served["services"], served["minutes"]) == (SERVICES, whole)
    pages, cursor = {}, ""
    while cursor is not None:
        asked_for = {"by": "organisation", "limit": 1_000, "cursor": cursor}
        page = world["city"].get("/v1/members/hours", **asked_for)
        pages |= {one["key"]: one["minutes"] for one in page["lines"]}
        cursor = page["next"]
    assert pages == {key: one[2] for key, one in told["o"].items()}
    assert Fraction(sum(pages.values()), SERVICES) == Fraction(whole, SERVICES)


def test_teams_are_listed_with_their_people_in_the_own_area(world):
    found = world[city.LEAD].get("/v1/members/teams")["teams"]
    assert [(one["code"], one["people"]) for one in found] == [("T1", 2)]
    every = world["city"].get("/v1/members/teams", limit=1)
    assert every["next"] == "T1"
    last = world["city"].get("/v1/members/teams", cursor="T1")
    assert [one["code"] for one in last["teams"]] == ["T2"]
    assert isinstance(world["M1"], Person)
    assert world["M1"].send("GET", "/v1/members/teams").status_code == 403


@pytest.fixture
def load(commands, tmp_path, world):
    """An import against the city; gives its exit code and its JSON."""

    def call(what: str, *rows: str) -> tuple[int, Any]:
        path = tmp_path / f"{what}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["import", what, str(path), "--json"])
        return result.exit_code, json.loads(result.stdout)

    return call


def test_a_list_of_teams_comes_in_whole_and_each_fault_is_told(load, city_session):
    header = "code,name,area,leader,members"
    code, told = load("teams", header, f"T1,new,{city.LEAD},M2,M1 M3", f"T9,nine,{NORTH},M3,")
    assert (code, told["loaded"], told["known"]) == (0, 1, 1)
    people = text("select team_code, member_code from volunteer_team_member order by 1, 2")
    kept = [("T1", "M1"), ("T1", "M2"), ("T1", "M3"), ("T2", "M3"), ("T9", "M3")]
    assert [tuple(row) for row in city_session.execute(people)] == kept
    code, told = load(
        "teams",
        header,
        f"T4,four,{NORTH},M3,",
        f"T 5,five,{NORTH},M3,",
        f"T6,,{NORTH},M3,",
        "T7,seven,110102999,M3,",
        f"T8,eight,{NORTH},M3,M9",
    )
    assert (code, [one["line"] for one in told["refused"]]) == (1, [3, 4, 5, 6])
    assert len(city_session.execute(people).all()) == len(kept)


def test_a_subject_is_one_members_alone(load, city_session):
    header = "code,name,unit,community,reported_on,subject"
    row = f"Li,a school,{COMMUNITY},2026-01-01"
    assert load("members", header, f"M8,{row},subject of M8", f"M1,{row},")[0] == 0
    query = text("select code, subject from member where code in ('M1', 'M8') order by 1")
    assert [tuple(one) for one in city_session.execute(query)] == [
        ("M1", "subject of M1"),
        ("M8", "subject of M8"),
    ]
    code, told = load("members", header, f"M9,{row},subject of M1", f"M10,{row},{'x' * 101}")
    assert (code, [one["line"] for one in told["refused"]]) == (1, [2, 3])
