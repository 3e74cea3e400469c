"""What lies around a joint case."""

from __future__ import annotations

import datetime as dt

import shapely
from sqlalchemy import Connection, text

from gridsvc.registry.placement.repository import editions_on

__all__ = ["areas_around", "unit_grids_around"]

Box = tuple[float, float, float, float]
Row = tuple[str, str, shapely.Geometry]


def areas_around(connection: Connection, level: str, moment: dt.datetime, box: Box) -> list[Row]:
    """Code, name and geometry, cut at the box, of the areas in force that touch it (WGS84)."""
    chosen = [edition.id for edition in editions_on(connection, moment) if edition.level == level]
    rows = connection.execute(
        text(
            "select code, name, st_asbinary(st_clipbybox2d(geometry, box))"
            " from area, st_makeenvelope(:west, :south, :east, :north, 4326) as box"
            " where edition_id = :edition and st_intersects(geometry, box) order by code"
        ),
        {"edition": chosen[0] if chosen else None, **_corners(box)},
    )
    return [(row[0], row[1], shapely.from_wkb(bytes(row[2]))) for row in rows]


def unit_grids_around(connection: Connection, moment: dt.datetime, box: Box) -> list[Row]:
    """Code, national id and geometry of the unit grids valid then that touch the box (WGS84)."""
    rows = connection.execute(
        text(
            "select code, national_id, st_asbinary(geometry)"
            " from unit_grid, st_makeenvelope(:west, :south, :east, :north, 4326) as box"
            " where first_date <= :day and (end_date is null or end_date > :day)"
            " and st_intersects(geometry, box) order by national_id"
        ),
        {"day": moment.date(), **_corners(box)},
    )
    return [(row[0], row[1], shapely.from_wkb(bytes(row[2]))) for row in rows]


def _corners(box: Box) -> dict[str, float]:
    west, south, east, north = box
    return {"west": west, "south": south, "east": east, "north": north}
