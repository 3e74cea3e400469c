"""Random legal and illegal acts in one whistle, against the simplest model of it."""

from __future__ import annotations

import random

import pytest

from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, GZ, Clock, World
from tests.service.whistles_world import HERE, Blown, published, register_departments

GIVEN = {
    "accept": {},
    "report-in": HERE,
    "done": {"note": "Done."},
    "again": {"note": "Not yet."},
    "score": {"score": 50},
}
BODIES, PEOPLE = (CGJ, GZ), (CGJ, GZ, city.LEAD)
ACTIONS = {"report-in": "report_in"}


class Model:
    """What each body has done, and whether the street has verified and closed."""

    def __init__(self) -> None:
        self.did: dict[str, list[str]] = {body: [] for body in BODIES}
        self.verified = self.closed = False

    def allows(self, who: str, body: str, act: str) -> bool:
        did = self.did[body]
        if self.closed:
            return False
        if act in ("again", "score"):
            return who == city.LEAD and did[-1:] == ["done"]
        order = ["accept", "report-in", "done"]
        return who == body and did == order[: order.index(act)]

    def take(self, body: str, act: str) -> None:
        self.did[body] = self.did[body][:-1] if act == "again" else [*self.did[body], act]

    def allows_step(self, who: str, step: str) -> bool:
        if who != city.LEAD or self.closed or (step == "verify") == self.verified:
            return False
        done = 3 if step == "verify" else 4
        return all(len(did) >= done for did in self.did.values())


def attempt(world: World, who: str, path: str, given: dict) -> bool:
    answer = world[who].send("POST", path, json=given)
    assert answer.status_code in (200, 403, 409), answer.text
    return answer.status_code == 200


@pytest.mark.system(5)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_acts_are_taken_as_the_model_says_and_the_trace_tells_no_others(
    client, city_engine, monkeypatch, seed
):
    register_departments(city_engine)
    world = World(client, Clock.held(monkeypatch))
    whistle: Blown = published(world)
    begun = len(whistle.case.trace())
    draw, model, taken = random.Random(seed), Model(), []
    for _ in range(400):
        who = draw.choice(PEOPLE)
        if draw.random() < 0.2:
            step = draw.choice(("verify", "assess"))
            expected = model.allows_step(who, step)
            given = {"step": step, "note": "Seen."}
            assert attempt(world, who, whistle.case.steps, given) == expected
            if expected:
                taken.append(step)
                model.verified, model.closed = True, step == "assess"
        else:
            body, act = draw.choice(BODIES), draw.choice(list(GIVEN))
            expected = model.allows(who, body, act)
            path = f"{whistle.address}/bodies/{body}/{act}"
            assert attempt(world, who, path, GIVEN[act]) == expected, (who, body, act)
            if expected:
                taken.append(ACTIONS.get(act, act))
                model.take(body, act)
    assert model.closed
    assert [entry["action"] for entry in whistle.case.trace()][begun:] == taken
    assert whistle.case.intact()
