"""The queries behind the look-up of a code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gridsvc.registry.grids.models import NationalId, UnitGrid
from gridsvc.registry.in_force import begun, unit_grids_on
from gridsvc.registry.parts.models import Part


@dataclass(frozen=True, slots=True)
class Drawn:
    """A polygon that a unit grid has had (WGS84), its m², and the m² that were aimed at."""

    polygon: Any
    area_m2: float
    nominal_m2: float


def districts(session: Session) -> list[str]:
    """The codes of all districts that any edition has had."""
    return list(
        session.scalars(text("select distinct code from area where level = 'district' order by 1"))
    )


def grids_with(
    session: Session, districts: Sequence[str], code: str, day: dt.date | None
) -> list[UnitGrid]:
    """The unit grids, valid or void, that bear an 8-digit code in these districts.

    With a ``day`` those that had begun by then.
    """
    found = select(UnitGrid).where(UnitGrid.district_code.in_(districts), UnitGrid.code == code)
    if day is not None:
        found = found.where(begun(UnitGrid.first_date, day))
    return list(session.scalars(found.order_by(UnitGrid.district_code)))


def polygons_on(
    session: Session, districts: Sequence[str], code: str, day: dt.date
) -> dict[str, Drawn]:
    """What the unit grids in force on a day that bear a code looked like then, by district."""
    grid = unit_grids_on(day).subquery("grid").c
    rows = session.execute(
        select(
            grid.district_code, func.st_asbinary(grid.geometry), grid.area_m2, grid.nominal_m2
        ).where(grid.district_code.in_(districts), grid.code == code)
    )
    return {row[0]: Drawn(shapely.from_wkb(bytes(row[1])), row[2], row[3]) for row in rows}


def parts_with(
    session: Session, districts: Sequence[str], code: str, day: dt.date | None
) -> list[Part]:
    """The parts that bear an 8-digit code in these districts; registered by a ``day``, if given."""
    found = select(Part).where(Part.district_code.in_(districts), Part.code == code)
    if day is not None:
        found = found.where(begun(Part.first_date, day))
    return list(session.scalars(found.order_by(Part.district_code)))


_LIKE = text(
    "select district_code, code, class_code, name, st_distance(geometry::geography,"
    " st_setsrid(st_makepoint(cast(:lon as float8), cast(:lat as float8)), 4326)::geography)"
    " as distance_m from part where district_code = any(:districts) and code = any(:codes)"
    " and state <> 'removed' order by distance_m nulls last, district_code, code limit :limit"
)


def parts_with_any(
    session: Session,
    districts: Sequence[str],
    codes: Sequence[str],
    beside: tuple[float, float] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Standing parts that bear any of these codes, nearest first to a WGS84 place if one is given.

    Each with ``district_code``, ``code``, ``class_code``, ``name`` and ``distance_m`` or None.
    """
    lon, lat = beside or (None, None)
    given = {"districts": list(districts), "codes": list(codes), "limit": limit}
    rows = session.execute(_LIKE, given | {"lon": lon, "lat": lat})
    return [dict(row._mapping) for row in rows]


def bearer(session: Session, national_id: str) -> NationalId | None:
    """What bears a national id."""
    return session.get(NationalId, national_id)
