"""The page of leaders' notes and visits: counts by month and leader, and what waits."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from gridsvc.assessment.period import Period
from gridsvc.assessment.rates import percent
from gridsvc.cases.systems.leader_notes.counting import leader_lines
from gridsvc.cases.systems.leader_notes.repository import notes_under
from gridsvc.city import City
from gridsvc.maps.self_contained import render_plain

_WAITS = ("written", "answered", "done")
_STATES = {"written": "待回复", "answered": "办理中", "done": "待领导确认"}
_MOST = 200


def notes_page(session: Session, city: City, area: str, period: Period, *, now: dt.datetime) -> str:
    """The notes of an area in a period as one self-contained HTML text."""
    lines = leader_lines(session, city, area, period.start, period.end, now=now)
    waits = notes_under(session, area, staff=None, states=_WAITS, after=None, limit=_MOST)
    return render_plain(
        "leader_notes.html",
        area=area or "全市",
        period=period.name,
        calendar=city.calendar,
        at=now,
        minutes=city.settings.leader_answer_minutes,
        lines=[(one.counts, one, percent(one.answered_within)) for one in lines],
        waits=[(one, _STATES[one.state], one.limit_at < now) for one in waits],
        most=_MOST,
    )
