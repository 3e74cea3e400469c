"""Try before you buy: one secret vote a household, counted exactly, widened batch by batch."""

from __future__ import annotations

import random
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, Select, String, cast, literal_column, select, table, text
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.systems.trials import voting
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, refusal
from tests.service.procedures_world import COMMUNITY, Clock, World, register

KEEP = {"choice": "keep", "content": "satisfied"}
STOP = {"choice": "stop", "content": "dissatisfied"}
NORTH = f"{city.LEAD_NORTH}001"


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


def doors(count: int, building: int = 1) -> list[str]:
    return [f"{building}-1-{100 + n}" for n in range(count)]


def plan(world: World, *batches: int, **more: Any) -> Any:
    """A trial by the street, its batches of so many households, each in a building of its own."""
    return world[city.LEAD].post(
        "/v1/trials",
        {
            "name": "Property service for old compounds",
            "area": city.LEAD,
            "consulted_on": "2026-11-01",
            "batches": [
                {"area": COMMUNITY, "households": doors(count, building)}
                for building, count in enumerate(batches, 1)
            ],
            **more,
        },
    )


def at(trial: Any, batch: int, act: str) -> str:
    return f"/v1/trials/{trial['id']}/batches/{batch}/{act}"


def begin(world: World, trial: Any, batch: int = 1, **more: Any) -> Any:
    today = world.clock.now.date()
    days = {"starts_on": f"{today}", "ends_on": f"{today.replace(day=today.day + 1)}"}
    return world[city.LEAD].post(at(trial, batch, "begin"), days | more)


def open_vote(world: World, trial: Any, batch: int = 1) -> list[str]:
    """Try until the next day, then open the vote until December; gives the codes of the slips."""
    begin(world, trial, batch)
    world.clock.forward(days=1)
    sent = {"closes_on": "2026-12-20"}
    return [s["code"] for s in world[city.LEAD].post(at(trial, batch, "vote"), sent)["slips"]]


def vote(world: World, trial: Any, code: str, ballot: dict[str, str] = KEEP) -> int:
    sent = {"code": code, **ballot}
    return world.client.post(f"/v1/trials/{trial['id']}/votes", json=sent).status_code


def vote_all(world: World, trial: Any, codes: list[str], keep: int) -> Any:
    """So many agree, all others do not; gives the batch's last round as everybody reads it."""
    for n, code in enumerate(codes):
        assert vote(world, trial, code, KEEP if n < keep else STOP) == 204
    number = sum(bool(one["rounds"]) for one in seen(world, trial)["batches"])
    counted = world[city.LEAD].post(at(trial, number, "count"))
    return counted["batches"][number - 1]["rounds"][-1]


def seen(world: World, trial: Any) -> Any:
    return world.client.get(f"/v1/trials/{trial['id']}").json()


@pytest.mark.system(25)
@pytest.mark.parametrize(("keep", "households", "state"), [(2, 3, "passed"), (333, 500, "failed")])
def test_two_of_three_agree_and_two_thirds_less_a_hair_do_not(world, keep, households, state):
    trial = plan(world, households)
    round = vote_all(world, trial, open_vote(world, trial), keep)
    assert (round["state"], round["voted"]) == (state, households)
    assert round["counts"]["choices"] == {"keep": keep, "stop": households - keep, "abstain": 0}
    assert round["counts"]["satisfied"] == {3: "2/3", 500: "333/500"}[households]
    assert seen(world, trial)["state"] == {"passed": "adopted", "failed": "running"}[state]


@pytest.mark.system(25)
def test_of_fifty_clients_with_one_slip_one_votes(world):
    trial = plan(world, 3)
    code, *others = open_vote(world, trial)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: vote(world, trial, code), range(50)))
    assert sorted(answers) == [204] + [409] * 49
    assert [vote(world, trial, one, STOP) for one in others] == [204, 204]
    round = world[city.LEAD].post(at(trial, 1, "count"))["batches"][0]["rounds"][0]
    assert round["counts"]["choices"] == {"keep": 1, "stop": 2, "abstain": 0}


def test_households_that_vote_at_the_same_moment_are_all_counted(world):
    trial = plan(world, 40)
    codes = open_vote(world, trial)
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda n: vote(world, trial, codes[n], STOP if n % 4 else KEEP), range(40))
        )
    assert set(answers) == {204}
    round = world[city.LEAD].post(at(trial, 1, "count"))["batches"][0]["rounds"][0]
    assert round["counts"]["choices"] == {"keep": 10, "stop": 30, "abstain": 0}


def everything(engine: Engine) -> dict[str, list[str]]:
    """Every row of the database, table by table, as its owner reads it."""
    tables = (
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    with engine.connect() as session:
        names = [name for (name,) in session.execute(text(tables))]
        return {name: sorted(row for (row,) in session.execute(_all_of(name))) for name in names}


def _all_of(name: str) -> Select[Any]:
    return select(cast(literal_column(f'"{name}"'), String)).select_from(table(name))


@pytest.mark.system(25)
def test_nobody_who_copies_the_database_after_each_vote_learns_who_voted_how(world, city_engine):
    """The strongest attack that needs no key: every row that a vote touched, before and after."""
    trial, drawn = plan(world, 12), random.Random(25)
    codes = open_vote(world, trial)
    ballots = [KEEP, STOP] * 6
    drawn.shuffle(ballots)
    sealed = re.compile(r"\\\\x[0-9a-f]{200,}")
    traces = set()
    before = everything(city_engine)
    for code, ballot in zip(codes, ballots, strict=True):
        assert vote(world, trial, code, ballot) == 204
        after = everything(city_engine)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"trial_slip", "trial_round"}
        (old,) = set(before["trial_slip"]) - set(after["trial_slip"])
        (new,) = set(after["trial_slip"]) - set(before["trial_slip"])
        assert new == re.sub(r"f\)$", "t)", old)
        (round,) = after["trial_round"]
        box = sealed.search(round)
        assert box is not None
        traces.add((sealed.sub("", round), len(box[0])))
        before = after
    assert len(traces) == 1, "what a vote leaves beside its sealed box must not depend on it"


def test_a_box_that_is_put_back_to_an_earlier_state_is_not_counted(world, city_session):
    trial = plan(world, 3)
    codes = open_vote(world, trial)
    vote(world, trial, codes[0], STOP)
    earlier = city_session.scalar(text("select box from trial_round"))
    vote(world, trial, codes[1], STOP)
    vote(world, trial, codes[2], KEEP)
    city_session.execute(text("update trial_round set box = :box"), {"box": earlier})
    city_session.commit()
    told = world[city.LEAD].refused(at(trial, 1, "count"), status=409)["detail"]
    assert "The box holds 1 ballots and 3 households have voted" in told
    assert seen(world, trial)["batches"][0]["rounds"][0]["state"] == "voting"


def test_nobody_is_told_a_count_before_the_vote_is_closed(world):
    trial = plan(world, 3)
    codes = open_vote(world, trial)
    vote(world, trial, codes[0])
    (round,) = seen(world, trial)["batches"][0]["rounds"]
    assert (round["voted"], round["counts"]) == (1, None)
    assert "1 of 3 voted" in world[city.LEAD].refused(at(trial, 1, "count"), status=409)["detail"]
    turnout = world[city.LEAD].get(at(trial, 1, "turnout"))["households"]
    assert sorted(one["voted"] for one in turnout) == [False, False, True]
    world.clock.forward(days=40)
    assert vote(world, trial, codes[1]) == 409
    round = world[city.LEAD].post(at(trial, 1, "count"))["batches"][0]["rounds"][0]
    assert (round["state"], round["counts"]["choices"]["keep"]) == ("failed", 1)


@pytest.mark.system(25)
def test_it_widens_only_behind_a_batch_that_agreed(world):
    trial = plan(world, 3, 4)
    street, second = world[city.LEAD], at(trial, 2, "begin")
    days = {"starts_on": "2026-12-01", "ends_on": "2026-12-10"}
    assert "waits until batch 1" in street.refused(second, days, status=409)["detail"]
    codes = open_vote(world, trial)
    assert "waits until batch 1" in street.refused(second, days, status=409)["detail"]
    assert vote_all(world, trial, codes, keep=2)["state"] == "passed"
    assert seen(world, trial)["state"] == "running"
    assert vote_all(world, trial, open_vote(world, trial, 2), keep=3)["state"] == "passed"
    assert seen(world, trial)["state"] == "adopted"
    street.refused(second, days, status=409)


def test_a_batch_that_did_not_agree_is_asked_again_later_and_with_something_changed(world):
    trial = plan(world, 3)
    old = open_vote(world, trial)
    assert vote_all(world, trial, old, keep=1)["state"] == "failed"
    street, again = world[city.LEAD], at(trial, 1, "begin")
    days = {"starts_on": "2027-01-01", "ends_on": "2027-01-10"}
    changed = days | {"change": "cheaper by half"}
    assert "from 2026-12-24 on" in street.refused(again, changed, status=409)["detail"]
    world.clock.forward(days=30)
    assert "'change' is missing" in street.refused(again, days, status=422)["detail"]
    street.post(again, changed)
    world.clock.forward(days=20)
    slips = street.post(at(trial, 1, "vote"), {"closes_on": "2027-02-01"})["slips"]
    assert vote(world, trial, old[0]) == 409
    assert vote_all(world, trial, [one["code"] for one in slips], keep=3)["state"] == "passed"


def test_nobody_votes_before_they_have_tried(world):
    trial = plan(world, 3)
    begin(world, trial)
    told = world[city.LEAD].refused(at(trial, 1, "vote"), {"closes_on": "2026-12-20"}, status=409)
    assert "tries the service until 2026-11-24" in told["detail"]


def test_a_lost_slip_votes_no_more_once_it_is_replaced(world):
    trial = plan(world, 3)
    lost, other, _ = open_vote(world, trial)
    street, slips = world[city.LEAD], at(trial, 1, "slips")
    asked = {"household": "1号楼1单元100室", "reason": "washed"}
    new = street.post(slips, asked)["code"]
    assert (vote(world, trial, lost), vote(world, trial, new)) == (404, 204)
    assert "has voted" in street.refused(slips, asked, status=409)["detail"]
    assert vote(world, trial, other.lower()) == 204


def test_a_trial_is_given_up_with_a_reason_but_not_while_a_vote_is_open(world):
    trial = plan(world, 3)
    codes, street = open_vote(world, trial), world[city.LEAD]
    sent, path = {"reason": "The company has left."}, f"/v1/trials/{trial['id']}/end"
    assert "count it first" in street.refused(path, sent, status=409)["detail"]
    vote_all(world, trial, codes, keep=0)
    assert street.post(path, sent)["end_reason"] == "The company has left."
    street.refused(
        at(trial, 1, "begin"), {"starts_on": "2027-01-01", "ends_on": "2027-01-02"}, status=409
    )
    listed = world.client.get("/v1/trials", params={"area": city.WEST, "state": "ended"}).json()
    assert [one["id"] for one in listed["trials"]] == [trial["id"]]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"share": "66.67%"}, "write a fraction"),
        ({"share": "0/3"}, "nobody need be asked"),
        ({"consulted_on": "2027-01-01"}, "ask the residents first"),
        ({"batches": [{"area": NORTH, "households": doors(3)}]}, f"no area {NORTH}"),
        ({"batches": [{"area": COMMUNITY, "households": ["1", "2", "2号"]}]}, "one vote"),
    ],
)
def test_a_plan_that_would_not_be_fair_is_refused(world, more, told):
    sent = {"name": "x", "area": city.LEAD, "consulted_on": "2026-11-01", "batches": []} | more
    assert told in world[city.LEAD].refused("/v1/trials", sent, status=422)["detail"]


def test_a_neighbouring_street_keeps_nothing_and_trials_have_pages(world):
    trials = [plan(world, 3)["id"] for _ in range(3)]
    other = world.person(Role.STREET, city.LEAD_NORTH)
    other.refused(f"/v1/trials/{trials[0]}/end", {"reason": "x"}, status=403)
    refusal(other.send("GET", f"/v1/trials/{trials[0]}/batches/1/turnout"), 403)
    first = world.client.get("/v1/trials", params={"area": city.LEAD, "limit": 2}).json()
    asked = {"area": city.LEAD, "limit": 2, "cursor": first["next"]}
    second = world.client.get("/v1/trials", params=asked).json()
    assert [one["id"] for one in first["trials"] + second["trials"]] == trials


def test_a_box_is_counted_after_its_key_was_changed(world, city_engine):
    trial, new = plan(world, 3), bytes(range(32))
    codes = open_vote(world, trial)
    vote(world, trial, codes[0])
    old = bytes.fromhex(REPORTER_KEY)
    with Session(city_engine) as session, session.begin():
        count, after = voting.reseal(session, ("", uuid.UUID(int=0)), [new, old])
        assert (count, after is not None) == (1, True)
        assert voting.reseal(session, after, [new, old]) == (0, None)
        voting.reseal(session, ("", uuid.UUID(int=0)), [old, new])
    assert vote_all(world, trial, codes[1:], keep=2)["counts"]["choices"]["keep"] == 3
