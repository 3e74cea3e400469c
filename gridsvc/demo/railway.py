"""A story beside the border: sheds under a railway through two districts, and a team along it.

Line S1 runs on a viaduct from Shijingshan into Mentougou; the line here is drawn by hand, roughly
along it, and the sheds are made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import cycle
from typing import Any

from gridsvc.callers import Role
from gridsvc.demo.playing import Playing

#: From east to west, in degrees (WGS84).
RAILWAY = {
    "type": "LineString",
    "coordinates": [
        [116.1616, 39.9232],
        [116.1440, 39.9213],
        [116.1310, 39.9148],
        [116.1228, 39.9052],
        [116.1171, 39.8990],
    ],
}
_ILLEGAL_BUILDING = "06001"
#: Beside the two streets: the team has four bodies, as the text says of Line S1.
BODIES = ("110107-CGJ", "110109-CGJ")
_WIDTH_M = 60


def tell_railway(playing: Playing, tell: Callable[[str], None]) -> tuple[tuple[str, str], ...]:
    """Play it over HTTP, or the rest of it, and tell all of it: what happened, and how.

    Raises Unavailable when the service answers otherwise.
    """
    return _Railway(playing, tell).play()


class _Railway:
    """One playing: its actors, and the rows it has told."""

    def __init__(self, playing: Playing, tell: Callable[[str], None]) -> None:
        self._playing = playing
        self._tell = tell
        self._rows: list[tuple[str, str]] = []

    def play(self) -> tuple[tuple[str, str], ...]:
        """From the line on the map to a case that both sides have closed."""
        command = self._playing.actor("command of the railway", Role.CITY)
        asked = {"line": RAILWAY, "width_m": _WIDTH_M, "class": _ILLEGAL_BUILDING}
        crossed = command.post("/v1/lines", asked)
        streets = crossed["streets"]["members"]
        self._note(
            "A railway through two districts",
            " → ".join(f"{one['name']} {one['metres']:,.0f} m" for one in streets)
            + f"; {len(crossed['communities']['members'])} communities",
        )
        task = "Clear the sheds under the viaduct."
        (whistle,) = command.post("/v1/lines/teams", {**asked, "task": task, "bodies": BODIES})[
            "whistles"
        ]
        called = {one["body_code"]: one["called_from"] for one in whistle["called"]}
        sides = tuple(one["body_code"] for one in whistle["called"] if one["role"] == "side")
        self._note(
            "A team along it (综合执法小分队)",
            f"{', '.join(called)}; {whistle['caller']} leads, all are called at once",
        )
        self._work(whistle, called, sides)
        return tuple(self._rows)

    def _work(
        self, whistle: dict[str, Any], called: dict[str, str], sides: tuple[str, ...]
    ) -> None:
        """They agree, come, clear the ground, score each other, and both sides close."""
        people = {
            code: self._playing.actor(
                f"{code} at the railway",
                Role.STREET if code in sides else Role.DEPARTMENT,
                area=code if code in sides else code[:6],
                body=None if code in sides else code,
            )
            for code in called
        }
        steps = f"/v1/cases/{whistle['case_id']}/steps"
        bodies = f"/v1/whistles/{whistle['id']}/bodies"
        plan = {
            "time": self._playing.once(
                "railway plan", lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            ),
            "place": "under the viaduct, at the border of the districts",
            "division": "each side the sheds on its ground",
        }
        for side in sides:
            people[side].post(steps, {"step": "agree_plan", "evidence": {"plan": plan}})
        for code, place in zip(called, cycle(RAILWAY["coordinates"]), strict=False):
            people[code].post(f"{bodies}/{code}/accept")
            people[code].post(f"{bodies}/{code}/report-in", {"lon": place[0], "lat": place[1]})
        people[sides[1]].post(steps, {"step": "joint_action", "note": "The sheds are gone."})
        for code in called:
            people[code].post(f"{bodies}/{code}/done", {"note": "Our part is done."})
        other = {sides[0]: sides[1], sides[1]: sides[0]}
        for code, caller in called.items():
            scorer = other.get(code, caller)
            people[scorer].post(f"{bodies}/{code}/score", {"score": 90})
        for side in sides:
            closed = people[side].post(steps, {"step": "close", "note": "Cleared."})
        self._note("They come, clear it, score each other", f"the case is {closed['state']}")

    def _note(self, what: str, how: str) -> None:
        self._rows.append((what, how))
        self._tell(what)
