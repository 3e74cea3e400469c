"""A city in which everything begins and ends, and what is in force of it: a model without SQL.

Two districts of :mod:`areas_world`. On three days of the city something changes:

======== =========================================================================================
FIRST    the first unit grids, and most of the parts
REBUILT  a border between two communities moves, the grids are rebuilt; parts come and go, a duty
         passes from one body to another, an agreement begins
LAST     the agreement ends, a part is removed; in the afternoon new borders of streets are in force
======== =========================================================================================
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.city.calendar import Calendar
from gridsvc.city.classes import STANDARD
from gridsvc.db.base import uuid7
from gridsvc.registry.bodies.models import Agreement, AgreementDuty, Body, Duty
from gridsvc.registry.classes.service import load_classes
from gridsvc.registry.grids.rebuild import rebuild_grids
from gridsvc.registry.grids.service import build_grids
from gridsvc.registry.parts.models import Part
from tests.service import areas_world as areas

__all__ = ["FIRST", "LAST", "NOISE", "REBUILT", "STREET", "Facts", "Grid", "make"]

FIRST, REBUILT, LAST = dt.date(2026, 3, 1), dt.date(2026, 9, 1), dt.date(2026, 11, 1)
_AFTERNOON = dt.timedelta(hours=15, minutes=37)
STREET, NOISE, COVER = "110102020", "06028", "01002"
FORMER_BODY, PRESENT_BODY, AGREED_BODY = "110102-FORMER", "110102-PRESENT", "110102-AGREED"
#: The border between the two southern communities of the west, before and after.
_BORDERS = (116.31, 116.3094)

Key = tuple[str, str]
Window = tuple[dt.date, dt.date | None]


@dataclass(frozen=True)
class Grid:
    """A unit grid as it is drawn: its polygon (WGS84) and m²."""

    polygon: Any
    area_m2: float


@dataclass
class Facts:
    """What was put into the city, and when."""

    zone: ZoneInfo
    editions: dict[str, list[tuple[str, dt.datetime]]] = field(default_factory=dict)
    grids: list[tuple[dt.date, Mapping[Key, Grid]]] = field(default_factory=list)
    parts: dict[str, tuple[shapely.Point, Window]] = field(default_factory=dict)
    duties: dict[str, Window] = field(default_factory=dict)
    agreed: Window = (REBUILT, LAST)

    def day(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.zone).date()

    def edition(self, level: str, moment: dt.datetime) -> str | None:
        return next((id for id, since in reversed(self.editions[level]) if since <= moment), None)

    def grids_at(self, moment: dt.datetime) -> Mapping[Key, Grid]:
        day = self.day(moment)
        return next((grids for since, grids in reversed(self.grids) if since <= day), {})

    def grid_of(self, moment: dt.datetime, point: shapely.Point) -> str | None:
        """The smallest code of the unit grids that touch a point."""
        touched = [
            code
            for (_, code), grid in self.grids_at(moment).items()
            if shapely.intersects(grid.polygon, point)
        ]
        return min(touched, default=None)

    def registered(self, moment: dt.datetime) -> set[str]:
        return {code for code, (_, (first, _)) in self.parts.items() if first <= self.day(moment)}

    def standing(self, moment: dt.datetime) -> set[str]:
        return {code for code, (_, window) in self.parts.items() if self._holds(window, moment)}

    def duty(self, moment: dt.datetime) -> set[str]:
        return {body for body, window in self.duties.items() if self._holds(window, moment)}

    def is_agreed(self, moment: dt.datetime) -> bool:
        return self._holds(self.agreed, moment)

    def _holds(self, window: Window, moment: dt.datetime) -> bool:
        first, end = window
        return first <= self.day(moment) and (end is None or self.day(moment) < end)


def make(session: Session, zone: str) -> Facts:
    """The city in a zone, and its facts; nothing is committed."""
    calendar, facts = Calendar(ZoneInfo(zone), {}), Facts(ZoneInfo(zone))
    load_classes(session)
    areas.make_city(session)
    for level in ("district", "street", "community"):
        name = {"district": "districts", "street": "streets", "community": "communities"}[level]
        facts.editions[level] = [(name, areas.OLD)]
    # The first second of a day and its last one: both are other days elsewhere.
    build_grids(session, [areas.WEST, areas.EAST], calendar=calendar, now=calendar.begins(FIRST))
    facts.grids.append((FIRST, _drawn(session)))
    _renew(session, facts, "community", _moved(), calendar.begins(REBUILT))
    rebuild_grids(
        session, keep_share=0.6, commit=True, calendar=calendar, now=calendar.ends(REBUILT)
    )
    facts.grids.append((REBUILT, _drawn(session)))
    _renew(session, facts, "street", areas.STREETS, calendar.begins(LAST) + _AFTERNOON)
    _add_parts(session, facts)
    _add_bodies(session, facts)
    return facts


def _renew(
    session: Session, facts: Facts, level: str, drawn: list[Any], since: dt.datetime
) -> None:
    name = f"{level}-new"
    areas.put_in_force(session, name, level, drawn, effective_from=since, accuracy_m=7.0)
    facts.editions[level].append((name, since))


def _moved() -> list[Any]:
    west, east, x = areas.box(0, 0).bounds, areas.box(1, 0).bounds, _BORDERS[1]
    drawn = {
        f"{STREET}001": shapely.box(west[0], west[1], x, west[3]),
        f"{STREET}002": shapely.box(x, west[1], east[2], west[3]),
    }
    return [
        areas.area(it.code, drawn.get(it.code, it.geometry), it.name) for it in areas.COMMUNITIES
    ]


def _drawn(session: Session) -> Mapping[Key, Grid]:
    """The valid grids as they are drawn at present."""
    rows = session.execute(
        text(
            "select district_code, code, st_asbinary(geometry), area_m2 from unit_grid"
            " where state = 'valid'"
        )
    )
    return {(row[0], row[1]): Grid(shapely.from_wkb(bytes(row[2])), row[3]) for row in rows}


def _add_parts(session: Session, facts: Facts) -> None:
    """Parts on ground that changes its cell: there since, and until."""
    windows: tuple[Window, ...] = (
        (FIRST, None),
        (REBUILT, None),
        (FIRST, REBUILT),
        (FIRST, LAST),
        (LAST, None),
    )
    for n, (first, end) in enumerate(windows):
        point = shapely.Point(sum(_BORDERS) / 2, 39.8811 + 0.0017 * n)
        code = f"0201000{n}"
        session.add(
            Part(
                district_code=areas.WEST,
                code=code,
                national_id=f"110102{COVER}{n:06d}",
                national_id_2013=None,
                standard=STANDARD,
                kind="part",
                class_code=COVER,
                name="污水井盖",
                geometry=from_shape(point, srid=4326),
                street_code=STREET,
                community_code=f"{STREET}001",
                grid_code=None,
                state="intact" if end is None else "removed",
                competent_body=PRESENT_BODY,
                owner_body=None,
                maintainer_body=None,
                position_class="A",
                first_date=first,
                change_date=end,
                source="made up for a test",
                note=None,
            )
        )
        facts.parts[code] = (point, (first, end))
    session.flush()


def _add_bodies(session: Session, facts: Facts) -> None:
    for code in (STREET, FORMER_BODY, PRESENT_BODY, AGREED_BODY):
        kind = "street" if code == STREET else "department"
        session.add(
            Body(code=code, name=code, kind=kind, area_code=code[:9], source="made up")
            if kind == "street"
            else Body(code=code, name=code, kind=kind, area_code=areas.WEST, source="made up")
        )
    session.flush()
    facts.duties = {FORMER_BODY: (FIRST, REBUILT), PRESENT_BODY: (REBUILT, None)}
    for code, (first, end) in facts.duties.items():
        session.add(
            Duty(
                id=uuid7(),
                body_code=code,
                area_code=STREET,
                standard=STANDARD,
                kind="event",
                class_prefix=NOISE,
                role="lead",
                clause="made up",
                valid_from=first,
                valid_to=end,
            )
        )
    agreement = Agreement(
        id=uuid7(),
        title="Made up",
        zone=from_shape(shapely.MultiPolygon([areas.box(0, 0, 2, 1)]), srid=4326),
        valid_from=facts.agreed[0],
        valid_to=facts.agreed[1],
    )
    session.add(agreement)
    session.flush()
    session.add(
        AgreementDuty(
            agreement_id=agreement.id,
            body_code=AGREED_BODY,
            standard=STANDARD,
            kind="event",
            class_prefix=NOISE,
            role="lead",
        )
    )
    session.flush()
