"""The made-up city of joint_city with streets that contradict each other in known places.

The draft edition ``street-2026`` has, between 广安门外 (west) and 太平桥 (east) at 116.32 degrees,
one overlap, one gap and one conflict with the districts, each some tens of metres wide; and an
overlap of a metre, which is less than the borders are accurate (5 m).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.disputes.finding import find_disputes
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.repository import find_dispute
from gridsvc.registry.disputes.schemas import FoundAnswer
from gridsvc.registry.editions.service import activate_edition
from tests import cities
from tests.service import joint_city as city

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WATCHER = Actor("a test", "admin", "")

#: South and north of each fault, in metres from the middle of the city; width in metres.
OVERLAP, GAP, CONFLICT = (-1000.0, -900.0, 40.0), (-800.0, -700.0, 30.0), (-600.0, -500.0, 50.0)
NARROW = (-400.0, -300.0, 1.0)


def strip(fault: tuple[float, float, float], *, west: float = 0.0) -> shapely.Polygon:
    """The ground of a fault: so wide, east of the border; ``west`` metres of it west of it."""
    south, north, width = fault
    low = city.beside_border(-west, south)
    high = city.beside_border(width - west, north)
    return shapely.box(low["lon"], low["lat"], high["lon"], high["lat"])


def streets(
    *,
    overlaps: bool = True,
    gap: bool = True,
    conflict: bool = True,
) -> list[NewArea]:
    """The four streets, with the faults that are wished for."""
    by_code = {area.code: area for area in city.STREETS}
    lead, other = by_code[city.LEAD].geometry, by_code[city.OTHER].geometry
    if overlaps:
        lead = shapely.union_all([lead, strip(OVERLAP), strip(NARROW)])
    if gap:
        other = other.difference(strip(GAP))
    if conflict:
        lead, other = lead.union(strip(CONFLICT)), other.difference(strip(CONFLICT))
    drawn = {city.LEAD: lead, city.OTHER: other}
    return [
        NewArea(area.code, area.name, drawn.get(area.code, area.geometry)) for area in city.STREETS
    ]


def draw(
    session: Session, name: str = "street-2026", *, active: bool = True, **faults: Any
) -> None:
    """Load streets as an edition since 2026, or since the day in the name; put it in force."""
    load_edition(
        session,
        id=name,
        level="street",
        title="Made up",
        source="made up for a test",
        licence="CC0",
        accuracy_m=5.0,
        approximate=False,
        effective_from=SINCE + dt.timedelta(days=faults.pop("days", 0)),
        areas=streets(**faults),
        at=cities.now(),
    )
    if active:
        activate_edition(session, name, why="a test", without_audit="a test", at=cities.now())
    session.flush()


def find(session: Session, name: str = "street-2026") -> FoundAnswer:
    return find_disputes(session, cities.city(), name, actor=WATCHER, now=NOW)


def by_kind(session: Session, found: FoundAnswer) -> dict[str, Dispute]:
    disputes = [find_dispute(session, it) for it in found.new]
    return {it.kind: it for it in disputes if it is not None}


def draft(**more: Any) -> dict[str, Any]:
    """An agreement in which the eastern district's inspectors take illegal building."""
    return {
        "title": "广太共治协议",
        "valid_from": "2026-01-01",
        "duties": [
            {"body": f"{city.EAST}-CGJ", "kind": "event", "class": "06001", "role": "lead"},
            {"body": city.LEAD, "kind": "event", "class": "06001", "role": "assist"},
        ],
    } | more
