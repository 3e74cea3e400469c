"""The story: a building astride the border, two refusals, one joint whistle, seven actions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shapely.geometry import Point, mapping

from gridsvc.callers import Role
from gridsvc.demo.building import Building
from gridsvc.demo.client import Client
from gridsvc.demo.playing import Playing
from gridsvc.spatial.crs import from_wgs84

#: 广安门外街道 (Xicheng) and 太平桥街道 (Fengtai), between which the real building stood.
LEAD, OTHER = "110102020", "110106002"
_ILLEGAL_BUILDING = "06001"
_DEPARTMENTS = ("110106-CGJ", "110106-GZ")
_ACTIONS = (
    "Both streets measure the building and set the border's pegs again.",
    "Both streets and enforcement serve the owner one notice for the whole building.",
    "Tenants on the Xicheng side move out.",
    "Tenants on the Fengtai side move out.",
    "Water, power and gas are cut off together.",
    "The upper storey is pulled down from both sides.",
    "The ground floor is pulled down, the rubble cleared, the site fenced.",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What happened: the rows of the table, and the whistle as it ended."""

    rows: tuple[tuple[str, str], ...]
    whistle: dict[str, Any]
    intact: bool


def tell_story(playing: Playing, building: Building, tell: Callable[[str], None]) -> Told:
    """Play the story over HTTP, or the rest of it, and tell all of it.

    Raises Unavailable when the service answers otherwise.
    """
    return _Story(playing, building, tell).play()


class _Story:
    """One playing of the story: its actors, and the rows it has told."""

    def __init__(self, playing: Playing, building: Building, tell: Callable[[str], None]) -> None:
        self._playing = playing
        self._building = building
        self._tell = tell
        self._rows: list[tuple[str, str]] = []
        self._citizen = playing.actor("citizen", Role.CITIZEN)
        self._streets = {
            code: playing.actor(code, Role.STREET, area=code) for code in (LEAD, OTHER)
        }
        self._departments = {
            code: playing.actor(code, Role.DEPARTMENT, area=code[:6], body=code)
            for code in _DEPARTMENTS
        }

    def play(self) -> Told:
        """From the first report to the closing by both sides."""
        case = self._report_twice()
        steps = f"/v1/cases/{case}/steps"
        self._refuse_twice(steps)
        lead = self._streets[LEAD]
        whistle = lead.get(f"/v1/cases/{case}")["whistles"][0]
        self._note(
            "The joint whistle blows", f"ground: {whistle['ground']}; {LEAD} leads (首接负责)"
        )
        # Once the case has gone on, the same step is refused with other words, or taken.
        skipped = {"step": "agree_plan", "body": LEAD}
        self._note(
            "A step skipped",
            self._playing.once("refusal", lambda: lead.refused(steps, skipped)),
        )
        self._meet_and_plan(steps)
        bodies = f"/v1/whistles/{whistle['id']}/bodies"
        self._report_in(bodies)
        self._act(steps)
        self._finish(steps, bodies)
        trace = lead.get(f"/v1/cases/{case}/trace/verify")
        self._note("The trace", f"{trace['entries']} entries, intact: {trace['intact']}")
        ended = self._citizen.get(f"/v1/whistles/{whistle['id']}")
        return Told(tuple(self._rows), ended, bool(trace["intact"]))

    def _note(self, what: str, how: str) -> None:
        self._rows.append((what, how))
        self._tell(what)

    def _report(self, side: str, point: Point, crs: str, accuracy_m: float) -> dict[str, Any]:
        lon, lat = from_wgs84(point.x, point.y, crs)
        report: dict[str, Any] = self._citizen.post(
            "/v1/reports",
            {
                "channel": "12345" if crs == "wgs84" else "app",
                "class": _ILLEGAL_BUILDING,
                "description": "A two-storey building without papers; nobody comes.",
                "location": {"lon": lon, "lat": lat, "crs": crs, "accuracy_m": accuracy_m},
                "reporter": {"name": f"a resident of {side}", "phone": "010-12345"},
            },
        )
        street = report["placement"]["street"]
        border = report["placement"]["border"]
        joined = ", joined to the same case" if report["joined"] else ""
        self._note(
            f"Reported from the {side} side ({crs})",
            f"{street['code']} {street['name']}, {border['distance_m']:.1f} m from the"
            f" {border['level']} border{joined}",
        )
        return report

    def _report_twice(self) -> str:
        first = self._report("Xicheng", self._building.lead_point, "gcj02", 15.0)
        self._report("Fengtai", self._building.other_point, "wgs84", 10.0)
        shared = self._citizen.post(
            "/v1/straddle", {"geometry": mapping(self._building.footprint), "level": "street"}
        )
        self._note("Its footprint", shared["explanation"])
        return str(first["case_id"])

    def _refuse_twice(self, steps: str) -> None:
        can_answer = self._streets[LEAD].get(steps.replace("steps", "answerable"))["bodies"]
        clauses = {one["body_code"]: one["clause"] for one in can_answer if one["clause"]}
        for street, named in ((LEAD, OTHER), (OTHER, LEAD)):
            self._streets[street].post(
                steps,
                {
                    "step": "refuse",
                    "note": "The building stands on the other side of the border.",
                    "evidence": {"responsible_now": named, "clause": clauses[named]},
                },
            )
            self._note(f"{street} says: not ours", f"names {named}")

    def _meet_and_plan(self, steps: str) -> None:
        lead, other = self._streets[LEAD], self._streets[OTHER]
        lead.post(
            steps,
            {
                "step": "receiving_meeting",
                "evidence": {
                    "minutes": "The receiving street takes the lead until the last brick.",
                    "footprint": mapping(self._building.footprint),
                },
            },
        )
        task = "Pull the building down together; neither side can do it alone."
        lead.post(steps, {"step": "whistle_other_side", "evidence": {"demand": {"task": task}}})
        other.post(
            steps, {"step": "bring_departments", "evidence": {"departments": list(_DEPARTMENTS)}}
        )
        plan = {
            "time": self._playing.once(
                "plan", lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            ),
            "place": "at the building",
            "division": "Xicheng: east rooms and rubble; Fengtai: west rooms and traffic",
        }
        for side in (lead, other):
            side.post(steps, {"step": "agree_plan", "evidence": {"plan": plan}})
        self._note("Both fix time, place and division", plan["division"])

    def _called(self) -> dict[str, Client]:
        return {**self._streets, **self._departments}

    def _report_in(self, bodies: str) -> None:
        here = self._building.footprint.centroid
        far = []
        for code, client in self._called().items():
            client.post(f"{bodies}/{code}/accept")
            arrived = client.post(f"{bodies}/{code}/report-in", {"lon": here.x, "lat": here.y})
            far.append(f"{code} {arrived['metres_off']:.0f} m")
        self._note("All report in on the spot", ", ".join(far))

    def _act(self, steps: str) -> None:
        for n, action in enumerate(_ACTIONS):
            side = (LEAD, OTHER)[n % 2]
            self._streets[side].post(steps, {"step": "joint_action", "note": action})
        self._note("Joint actions", f"{len(_ACTIONS)}; the last: {_ACTIONS[-1]}")

    def _finish(self, steps: str, bodies: str) -> None:
        for code, client in self._called().items():
            client.post(f"{bodies}/{code}/done", {"note": "Our part is done."})
        scorers = {LEAD: OTHER, OTHER: LEAD, **dict.fromkeys(_DEPARTMENTS, OTHER)}
        for code, scorer in scorers.items():
            self._streets[scorer].post(f"{bodies}/{code}/score", {"score": 95})
        self._note("Both score", "one whistle, one assessment (一哨一考核)")
        for code in (LEAD, OTHER):
            closed = self._streets[code].post(steps, {"step": "close", "note": "Down and cleared."})
        self._note("Both close", f"the case is {closed['state']}")
