"""The queries of what-if: what lies on some ground, and which lists speak about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.models import Agreement, Duty
from gridsvc.registry.in_force import holds, unit_grids_on


@dataclass(frozen=True, slots=True)
class GridOn:
    """A unit grid that some ground cuts: its codes, its shape (WGS84), its size."""

    district_code: str
    code: str
    national_id: str
    area_m2: float
    geometry: Any


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One line of the duty lists."""

    body_code: str
    area_code: str
    kind: str
    class_prefix: str
    role: str
    clause: str


def grids_on(session: Session, ground: Any, day: dt.date) -> list[GridOn]:
    """The unit grids valid on a day that some ground (WGS84) touches, by district and code."""
    grid = unit_grids_on(day).subquery("grid").c
    rows = session.execute(
        select(
            grid.district_code,
            grid.code,
            grid.national_id,
            grid.area_m2,
            func.st_asbinary(grid.geometry),
        )
        .where(func.st_intersects(grid.geometry, func.st_geomfromwkb(ground.wkb, 4326)))
        .order_by(grid.district_code, grid.code)
    )
    return [GridOn(row[0], row[1], row[2], row[3], shapely.from_wkb(bytes(row[4]))) for row in rows]


def duty_lines(session: Session, area_codes: Sequence[str], day: dt.date) -> list[DutyLine]:
    """The lines of the duty lists that hold on a day for exactly these area codes."""
    rows = session.execute(
        select(
            Duty.body_code,
            Duty.area_code,
            Duty.kind,
            Duty.class_prefix,
            Duty.role,
            Duty.clause,
        )
        .where(Duty.area_code.in_(area_codes), holds(Duty.valid_from, Duty.valid_to, day))
        .order_by(Duty.area_code, Duty.kind, Duty.class_prefix, Duty.role.desc(), Duty.body_code)
    )
    return [DutyLine(*row) for row in rows]


def agreements_on(session: Session, ground: Any, day: dt.date) -> bool:
    """Whether any agreement holds on a day on some ground (WGS84)."""
    found = select(Agreement.id).where(
        holds(Agreement.valid_from, Agreement.valid_to, day),
        func.st_intersects(Agreement.zone, func.st_geomfromwkb(ground.wkb, 4326)),
    )
    return bool(session.scalar(select(found.exists())))
