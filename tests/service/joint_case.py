"""A joint case of a building astride the border, and those who take its steps."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import httpx

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, token_of

CGJ, GZ = f"{city.EAST}-CGJ", f"{city.EAST}-GZ"
DEPARTMENTS = [CGJ, GZ]


class JointCase:
    """A joint case of a building astride the border, and those who take its steps."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.lead = self.person(Role.STREET, city.LEAD)
        self.other = self.person(Role.STREET, city.OTHER)
        self.departments = {
            code: self.person(Role.DEPARTMENT, city.EAST, code) for code in DEPARTMENTS
        }
        filed = self.person(Role.CITIZEN).report(-6, footprint=city.astride())
        self.id = filed["case_id"]
        self.steps = f"/v1/cases/{self.id}/steps"
        self.whistle = f"/v1/whistles/{filed['joint_whistle_id']}"
        self.time = dt.datetime.now(dt.UTC)

    def person(self, role: Role, area: str = "", body: str | None = None, **more: Any) -> Person:
        return Person(self.client, token_of(role, area, body, **more))

    def everybody(self) -> dict[str, Person]:
        return {city.LEAD: self.lead, city.OTHER: self.other, **self.departments}

    def body(self, code: str, act: str) -> str:
        return f"{self.whistle}/bodies/{code}/{act}"

    def plan(self, **more: object) -> dict[str, object]:
        time = self.time.isoformat()
        plan = {"time": time, "place": "at the building", "division": "west and east"}
        return {"step": "agree_plan", "evidence": {"plan": plan | more}}

    def called(self) -> dict[str, dict[str, object]]:
        return {body["body_code"]: body for body in self.lead.get(self.whistle)["called"]}

    def meet(self) -> JointCase:
        self.lead.post(self.steps, {"step": "receiving_meeting", "evidence": {"minutes": "We."}})
        demand = {"demand": {"task": "Pull it down."}}
        self.lead.post(self.steps, {"step": "whistle_other_side", "evidence": demand})
        departments = {"departments": DEPARTMENTS}
        self.other.post(self.steps, {"step": "bring_departments", "evidence": departments})
        return self

    def agree(self) -> JointCase:
        self.meet()
        for side in (self.lead, self.other):
            side.post(self.steps, self.plan())
        return self

    def come(self) -> JointCase:
        self.agree()
        for code, who in self.everybody().items():
            who.post(self.body(code, "accept"))
            who.post(self.body(code, "report-in"), city.beside_border(0))
        return self

    def act(self) -> JointCase:
        self.come()
        self.lead.post(self.steps, {"step": "joint_action", "note": "We pulled it down."})
        return self

    def finish(self) -> JointCase:
        self.act()
        for code, who in self.everybody().items():
            who.post(self.body(code, "done"), {"note": "Done."})
        return self

    def score(self) -> JointCase:
        self.finish()
        for code, by in {city.LEAD: self.other, city.OTHER: self.lead}.items():
            by.post(self.body(code, "score"), {"score": 95})
        for code in DEPARTMENTS:
            self.other.post(self.body(code, "score"), {"score": 0})
        return self


def at_once(*acts):
    """What several acts give that begin at the same moment."""
    answers: list[httpx.Response | None] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(n: int) -> None:
        start.wait()
        answers[n] = acts[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]
