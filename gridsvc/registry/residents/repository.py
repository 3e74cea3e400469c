"""The queries of residents, births, moves and places that care for children."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.db.base import Base
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.residents.models import BirthCount, CarePlace, ResidentCount, ResidentMove

_AT_ONCE = 2_000


def grid_streets(session: Session, districts: Collection[str]) -> dict[tuple[str, str], str]:
    """The street of each unit grid in force, by district and code."""
    rows = session.execute(
        select(UnitGrid.district_code, UnitGrid.code, UnitGrid.street_code).where(
            UnitGrid.district_code.in_(list(districts)), UnitGrid.state == "valid"
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


def grid_points(session: Session, district: str) -> Sequence[Row[str, str, float, float]]:
    """Code, street, longitude and latitude (WGS84) of a point in each unit grid in force."""
    inside = func.st_pointonsurface(UnitGrid.geometry)
    return session.execute(
        select(UnitGrid.code, UnitGrid.street_code, func.st_x(inside), func.st_y(inside))
        .where(UnitGrid.district_code == district, UnitGrid.state == "valid")
        .order_by(UnitGrid.code)
    ).all()


def residents_of(session: Session, district: str) -> Sequence[Row[int, str, int, int]]:
    """Year, grid, age and number of the residents of a district."""
    return session.execute(
        select(
            ResidentCount.year, ResidentCount.grid_code, ResidentCount.age, ResidentCount.residents
        ).where(ResidentCount.district_code == district)
    ).all()


def moves_of(session: Session, district: str) -> Sequence[Row[int, str, int, int]]:
    """Year, street, age, and who came less who went."""
    net = ResidentMove.came - ResidentMove.went
    return session.execute(
        select(ResidentMove.year, ResidentMove.street_code, ResidentMove.age, net).where(
            ResidentMove.district_code == district
        )
    ).all()


def births_of(session: Session, district: str) -> Sequence[Row[int, str, int]]:
    """Year, street and births."""
    return session.execute(
        select(BirthCount.year, BirthCount.street_code, BirthCount.births).where(
            BirthCount.district_code == district
        )
    ).all()


def care_places(
    session: Session, district: str, kind: str, day: dt.date
) -> Sequence[Row[float, float, int, float, str]]:
    """Longitude, latitude, seats, reach (m) and name of the places that there are on a day."""
    return session.execute(
        select(
            func.st_x(CarePlace.point),
            func.st_y(CarePlace.point),
            CarePlace.seats,
            CarePlace.reach_m,
            CarePlace.name,
        )
        .where(
            CarePlace.district_code == district,
            CarePlace.kind == kind,
            CarePlace.valid_from <= day,
            func.coalesce(CarePlace.valid_to > day, True),
        )
        .order_by(CarePlace.code)
    ).all()


def write_residents(session: Session, rows: Sequence[dict[str, object]]) -> int:
    """Write counts of residents; gives how many were known."""
    return _write(session, ResidentCount, rows)


def write_moves(session: Session, rows: Sequence[dict[str, object]]) -> int:
    """Write counts of moves; gives how many were known."""
    return _write(session, ResidentMove, rows)


def write_births(session: Session, rows: Sequence[dict[str, object]]) -> int:
    """Write counts of births; gives how many were known."""
    return _write(session, BirthCount, rows)


def write_care_places(session: Session, rows: Sequence[dict[str, object]]) -> int:
    """Write places; gives how many were known."""
    return _write(session, CarePlace, rows)


def _write(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows, or change those of the same key."""
    columns = table.__table__.c
    keys = [column.name for column in columns if column.primary_key]
    known = 0
    for begin in range(0, len(rows), _AT_ONCE):
        some = rows[begin : begin + _AT_ONCE]
        found = select(func.count()).where(
            tuple_(*(columns[key] for key in keys)).in_(
                [tuple(row[key] for key in keys) for row in some]
            )
        )
        known += session.scalar(found) or 0
        statement = insert(table).values(some)
        changed = {
            column.name: statement.excluded[column.name]
            for column in columns
            if not column.primary_key
        }
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
    return known
