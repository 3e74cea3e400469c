"""Whistles of the three levels, played over HTTP in the small city."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, GZ, Case, World, register

WATER_BUREAU, GREENERY = f"{city.WEST}-SW", f"{city.WEST}-YL"
HERE = city.beside_border(-300)


def register_departments(engine: Engine) -> None:
    """The bodies of the procedures, and two departments that facts may suggest."""
    register(engine)
    with Session(engine) as session, session.begin():
        session.add(city.body(WATER_BUREAU, "西城区水务局", "department", city.WEST))
        session.add(city.body(GREENERY, "西城区园林绿化局", "department", city.WEST))
        session.add(city.body("BJ-SW", "北京市水务局", "department", "11"))


@dataclass
class Blown:
    """A whistle that was blown in a case, and what its bodies do."""

    case: Case
    id: str

    @property
    def world(self) -> World:
        return self.case.world

    @property
    def address(self) -> str:
        return f"/v1/whistles/{self.id}"

    def act(self, body: str, act: str, by: str | None = None, **given: Any) -> Any:
        return self.world[by or body].post(f"{self.address}/bodies/{body}/{act}", given)

    def refused(
        self, body: str, act: str, by: str | None = None, status: int = 409, **given: Any
    ) -> Any:
        address = f"{self.address}/bodies/{body}/{act}"
        return self.world[by or body].refused(address, given, status=status)

    def come(self, *bodies: str) -> Blown:
        for body in bodies:
            self.act(body, "accept")
            self.act(body, "report-in", **HERE)
        return self

    def finish(self, *bodies: str) -> Blown:
        for body in bodies:
            self.act(body, "done", note="Done.")
        return self

    def seen(self) -> Any:
        answer = self.world.client.get(self.address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def called(self) -> dict[str, Any]:
        return {body["body_code"]: body for body in self.seen()["called"]}


def newest(case: Case) -> Blown:
    return Blown(case, case.seen()["whistles"][-1]["id"])


def published(
    world: World,
    bodies: tuple[str, ...] = (CGJ, GZ),
    kind: str = "everyday",
    demand: Any = "Come and clear it.",
) -> Blown:
    """A whistle of level 3 that its street has blown."""
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind=kind, ground="enforcement")
    case.publish(demand, list(bodies), confirmed=kind != "emergency")
    return newest(case)


def with_departments(world: World) -> World:
    for body in (WATER_BUREAU, GREENERY):
        world.people[body] = world.person(Role.DEPARTMENT, city.WEST, body)
    return world
