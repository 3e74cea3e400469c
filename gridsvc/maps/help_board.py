"""The board of help (一呼百应) of an area: what came of this year's requests, and who helped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.assessment.rates import NO_DATA, rounded
from gridsvc.cases.systems.help_requests.repository import Asked, asked
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.errors import NotFound
from gridsvc.maps.self_contained import render_plain
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.members.teams_repository import By, Hours, hours

_LEVELS = {6: "district", 9: "street", 12: "community"}
#: In the order in which a request comes to them.
_STATES = {
    "open": ("待接单", "waits for somebody"),
    "taken": ("已接单", "taken"),
    "done": ("待评价", "done, to be rated"),
    "rated": ("已评价", "rated"),
    "unrated": ("未评价", "done, not rated"),
    "lapsed": ("无人接单", "nobody came"),
    "withdrawn": ("已撤回", "withdrawn"),
}
_MOST_READ, _MOST_LINES = 5_000, 50


@dataclass(frozen=True, slots=True)
class Board:
    """What a board shows: single persons and what they asked are not on it."""

    area: str
    name: str
    since: dt.date
    at: dt.datetime
    calendar: Calendar
    asked: Asked
    teams: Sequence[Hours]
    organisations: Sequence[Hours]


def read_board(session: Session, city: City, area: str, *, now: dt.datetime) -> Board:
    """The board of an area (6, 9 or 12 digits) since January 1. Raises NotFound."""
    known: Mapping[str, str] = active_areas(session, _LEVELS[len(area)], area, now)
    if area not in known:
        raise NotFound(f"No edition in force has the area {area}.")
    today = city.day(now)
    since, until = today.replace(month=1, day=1), today + dt.timedelta(days=1)
    begins = city.calendar.begins

    def longest(by: By) -> list[Hours]:
        every = hours(session, by, area, since, until, after="", limit=_MOST_READ)
        return sorted(every, key=lambda one: (-one.minutes, one.key))

    return Board(
        area=area,
        name=known[area],
        since=since,
        at=now,
        calendar=city.calendar,
        asked=asked(session, area, begins(since), begins(until)),
        teams=longest(By.TEAM),
        organisations=longest(By.ORGANISATION),
    )


def board_page(board: Board) -> str:
    """The board as one self-contained HTML text."""
    mean = rounded(board.asked.mean, 2)
    return render_plain(
        "help_board.html",
        it=board,
        calendar=board.calendar,
        states=[(zh, en, board.asked.states.get(name, 0)) for name, (zh, en) in _STATES.items()],
        mean=NO_DATA if mean is None else str(mean),
        tables=[
            ("志愿服务队", "Teams", board.teams[:_MOST_LINES], len(board.teams)),
            ("单位", "Organisations", board.organisations[:_MOST_LINES], len(board.organisations)),
        ],
    )
