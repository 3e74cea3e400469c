"""Those who play the procedures over HTTP in the small city, and a clock that tests can turn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of

COMMUNITY = f"{city.LEAD}001"
CGJ, GZ = f"{city.WEST}-CGJ", f"{city.WEST}-GZ"
BUILDER, POWER = "110102-BUILDER", "BJ-POWER"
#: Two offices of the street west of the border.
LAW_OFFICE, SAFETY_OFFICE = f"{city.LEAD}-ZF", f"{city.LEAD}-AQ"
#: A Monday of the city, 10:00: four working hours are left until 12:00 and from 14:00 to 16:00.
MONDAY = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)


def register(engine: Engine) -> None:
    """A community's body, a builder, one more unit of the whole city, offices of a street."""
    with Session(engine) as session, session.begin():
        session.add(city.body(COMMUNITY, "一社区居委会", "community", COMMUNITY))
        session.add(city.body(BUILDER, "某建筑公司", "company", city.WEST))
        session.add(city.body(POWER, "电力公司", "city_unit", "1101"))
        session.add(city.body(LAW_OFFICE, "街道综合执法队", "department", city.LEAD))
        session.add(city.body(SAFETY_OFFICE, "街道平安办", "department", city.LEAD))


@dataclass
class Clock:
    """The service's clock, turned by hand."""

    now: dt.datetime = MONDAY

    def forward(self, **span: float) -> None:
        self.now += dt.timedelta(**span)

    @classmethod
    def held(cls, monkeypatch: pytest.MonkeyPatch) -> Clock:
        clock = cls()
        monkeypatch.setattr("gridsvc.api.clock.utc_now", lambda: clock.now)
        return clock


@dataclass
class World:
    """The actors, each with a token of his own."""

    client: httpx.Client
    clock: Clock
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        west = city.WEST
        self.people = {
            "citizen": self.person(Role.CITIZEN, subject="a resident"),
            "worker": self.person(Role.GRID_WORKER, COMMUNITY, subject="the inspector"),
            "command": self.person(Role.DISTRICT, west, subject="command of the west"),
            "supervision": self.person(Role.DISTRICT, west, subject="supervision of the west"),
            "city": self.person(Role.CITY, subject="the city"),
            city.LEAD: self.person(Role.STREET, city.LEAD),
            "leader": self.person(Role.STREET, city.LEAD, subject="the main leader"),
            city.OTHER: self.person(Role.STREET, city.OTHER),
        }
        for body in (COMMUNITY, CGJ, GZ, BUILDER, POWER, city.WATER):
            area = "1101" if body.startswith("BJ") else west
            self.people[body] = self.person(Role.DEPARTMENT, area, body)
        for body in (LAW_OFFICE, SAFETY_OFFICE):
            self.people[body] = self.person(Role.DEPARTMENT, city.LEAD, body)
        secretary = {"subject": "the secretary"}
        self.people["secretary"] = self.person(Role.DEPARTMENT, west, COMMUNITY, **secretary)

    def person(self, role: Role, area: str = "", body: str | None = None, **more: Any) -> Person:
        return Person(self.client, token_of(role, area, body, **more))

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def open(self, by: str, procedure: str, **more: Any) -> Case:
        """A case by a procedure, 300 m west of the border."""
        given = {
            "procedure": procedure,
            "class": city.RUBBISH,
            "location": {**city.beside_border(-300), "accuracy_m": 5},
            **more,
        }
        return Case(self, self[by].post("/v1/cases", given)["case"]["id"])


@dataclass
class Case:
    """One case, and the steps that are taken in it."""

    world: World
    id: str

    @property
    def steps(self) -> str:
        return f"/v1/cases/{self.id}/steps"

    def take(self, by: str, step: str, **evidence: Any) -> Any:
        return self.world[by].post(self.steps, self.given(step, evidence))

    def refused(self, by: str, step: str, status: int = 409, **evidence: Any) -> Any:
        return self.world[by].refused(self.steps, self.given(step, evidence), status=status)

    @staticmethod
    def given(step: str, evidence: dict[str, Any]) -> dict[str, Any]:
        given = {"step": step, "evidence": evidence}
        for outside in ("at", "body"):
            if outside in evidence:
                given[outside] = evidence.pop(outside)
        return given

    def approve(
        self, demand: Any, bodies: list[str], by: str = "leader", name: str = "confirmed_by"
    ) -> Any:
        given = {"approval": name, "demand": demand, "bodies": bodies}
        return self.world[by].post(f"/v1/cases/{self.id}/approvals", given)

    def publish(self, demand: Any, bodies: list[str], *, confirmed: bool = True) -> Any:
        """The street sends the letter, once its leader has confirmed it."""
        if confirmed:
            self.approve(demand, bodies)
        return self.take(city.LEAD, "publish", demand=demand, bodies=bodies)

    def seen(self) -> Any:
        return self.world["supervision"].get(f"/v1/cases/{self.id}")

    def trace(self) -> list[Any]:
        entries: list[Any] = self.world["supervision"].get(f"/v1/cases/{self.id}/trace")["entries"]
        return entries

    def intact(self) -> bool:
        found = self.world["supervision"].get(f"/v1/cases/{self.id}/trace/verify")
        return bool(found["intact"])
