"""Cases of every procedure, played at random over HTTP, legal and illegal, and then closed.

Whatever has been done, the case has a limit and somebody who exists to act; nobody does what is
another's; and an office brings it to its end, even where a body never comes. GRIDSVC_PLAYS is the
number of plays of each way in which a case begins (2; `GRIDSVC_PLAYS=40` takes an hour).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from gridsvc.callers import Role
from tests.cities import city as shipped
from tests.service import joint_city as city
from tests.service.plays import EAST_CGJ, PEOPLE, Office, Play
from tests.service.procedures_world import CGJ, COMMUNITY, GZ, LAW_OFFICE, Clock, World
from tests.service.whistles_world import register_departments

PLAYS = int(os.environ.get("GRIDSVC_PLAYS", "2"))
AWAY = (None, CGJ, GZ, city.OTHER, EAST_CGJ, COMMUNITY, LAW_OFFICE, "reporter", city.LEAD)

Opening = Callable[[World], tuple[str, str, str]]


def chosen(by: str, procedure: str, **more: Any) -> Opening:
    """A case that somebody opens by a procedure."""

    def open_it(world: World) -> tuple[str, str, str]:
        if "whistle" in more:
            made_at = (world.clock.now - dt.timedelta(hours=5)).isoformat()
            more["whistle"] = {"made_at": made_at}
        place = {**city.beside_border(-300), "accuracy_m": 5}
        given = {"procedure": procedure, "class": city.RUBBISH, "location": place, **more}
        opened = world[by].post("/v1/cases", given)
        return opened["case"]["id"], opened["report"]["receipt"], by

    return open_it


def reported(class_code: str, metres_east: float = -300, **more: Any) -> Opening:
    """A case that a citizen's report begins."""

    def open_it(world: World) -> tuple[str, str, str]:
        filed = world["citizen"].report(metres_east, **{"class": class_code, **more})
        return filed["case_id"], filed["receipt"], "citizen"

    return open_it


def along_a_line(world: World) -> tuple[str, str, str]:
    """A team, in whose case nobody has reported: the receipt is of another one."""
    line = [list(city.beside_border(metres).values()) for metres in (-300, 300)]
    given = {
        "line": {"type": "LineString", "coordinates": line},
        "class": city.BUILDING,
        "task": "Clear it.",
        "bodies": [GZ, EAST_CGJ],
    }
    (whistle,) = world[city.LEAD].post("/v1/lines/teams", given)["whistles"]
    filed = world["citizen"].report(-300, **{"class": city.NOISE})
    return whistle["case_id"], filed["receipt"], city.LEAD


def told_a_judge(world: World) -> tuple[str, str, str]:
    """A matter at a contact point, whose judge the city enters first."""
    judge = {"code": "J1", "name": "a judge", "office": CGJ, "role": "contact_point"}
    world["city"].send("POST", "/v1/staff", json={**judge, "valid_from": "2026-01-01"})
    points = [{"area": COMMUNITY, "name": "hall", "judge": "J1"}]
    day = {"area": city.LEAD, "on": "2026-01-01", "points": points}
    world["city"].post("/v1/contact-points", day)
    return chosen("citizen", "judge_point")(world)


OPENINGS: dict[str, Opening] = {
    "ordinary": reported(city.BUILDING),
    "checked": reported(city.NOISE),
    "checked, led by a department": reported(city.RUBBISH),
    "joint": reported(city.BUILDING, -6, footprint=city.astride()),
    "city": chosen("command", "city"),
    "dual": chosen("command", "dual"),
    "hazard": chosen("worker", "hazard"),
    "hot_spot": chosen(city.LEAD, "hot_spot"),
    "judge_point": told_a_judge,
    "leaking_roofs": chosen(city.LEAD, "leaking_roofs"),
    "line_team": along_a_line,
    "mobile_desk": chosen("worker", "mobile_desk"),
    "post_48h": chosen("citizen", "post_48h"),
    "village": chosen("worker", "village"),
    "whistle_1": chosen("citizen", "whistle_1"),
    "whistle_1 by telephone": chosen("worker", "whistle_1", whistle=True),
    "whistle_2": chosen("worker", "whistle_2"),
    "whistle_2 by telephone": chosen(COMMUNITY, "whistle_2", whistle=True),
    "whistle_3": chosen(city.LEAD, "whistle_3"),
}


def test_every_procedure_is_played():
    played = {name.split(",")[0].split(" by")[0] for name in OPENINGS}
    assert played == {one.name for one in shipped().procedures.newest_of_all()}


class Walk(RuleBasedStateMachine):
    """Anybody tries anything; whoever may does what is due; time passes."""

    def __init__(self, world: World, engine: Engine, opening: Opening) -> None:
        super().__init__()
        self.world, self.engine, self.opening = world, engine, opening

    @initialize(away=st.sampled_from(AWAY))
    def begin(self, away: str | None) -> None:
        # Another resident each time: one token files so many reports an hour, and no more.
        self.world.people["citizen"] = self.world.person(Role.CITIZEN)
        case, receipt, opener = self.opening(self.world)
        plan_at = self.world.clock.now + dt.timedelta(days=1)
        self.play = Play(self.world, self.engine, case, receipt, opener, plan_at).look()
        self.away = away

    def is_open(self) -> bool:
        return not self.play.closed

    @precondition(is_open)
    @rule(n=st.integers(0, 40), choice=st.integers(0, 3), who=st.integers(0, 20))
    def somebody_acts_who_may(self, n: int, choice: int, who: int) -> None:
        deeds = self.play.deeds(choice)
        deed = deeds[n % len(deeds)]
        people = [one for one in PEOPLE if self.play.may(one, deed.party)]
        self.act(people[who % len(people)], deed)

    @precondition(is_open)
    @rule(n=st.integers(0, 40), choice=st.integers(0, 3), who=st.sampled_from(list(PEOPLE)))
    def anybody_tries_anything(self, n: int, choice: int, who: str) -> None:
        deeds = self.play.deeds(choice)
        self.act(who, deeds[n % len(deeds)])

    def act(self, who: str, deed: Any) -> None:
        if who not in ("auditor", "deputy", self.away) and deed.party != self.away:
            self.play.do(who, deed)

    @rule(hours=st.sampled_from((1, 25, 200, 800)))
    def time_passes(self, hours: int) -> None:
        self.world.clock.forward(hours=hours)
        self.play.look()

    def teardown(self) -> None:
        if not hasattr(self, "play") or not self.play.sound:
            return
        Office(self.play, self.away).finish()
        verified = self.world["city"].get(f"/v1/cases/{self.play.case}/trace/verify")
        assert verified["intact"]


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register_departments(city_engine)
    world = World(client, Clock.held(monkeypatch))
    for name in ("auditor", "deputy"):
        world.people[name] = world.person(Role.CITY, subject=name)
    world.people["east"] = world.person(Role.DISTRICT, city.EAST, subject="command of the east")
    world.people[EAST_CGJ] = world.person(Role.DEPARTMENT, city.EAST, EAST_CGJ)
    return world


@pytest.mark.slow
def test_every_case_has_a_holder_and_a_way_to_its_end(world, city_engine):
    played = settings(
        max_examples=PLAYS,
        stateful_step_count=6 if PLAYS <= 2 else 25,
        deadline=None,
        derandomize=PLAYS <= 2,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    for opening in OPENINGS.values():
        run_state_machine_as_test(
            lambda begun=opening: Walk(world, city_engine, begun), settings=played
        )
