"""What the viewer must know before its first tile."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text

from gridsvc.registry.placement.repository import editions_on

__all__ = ["city_bounds"]


def city_bounds(connection: Connection) -> tuple[float, float, float, float] | None:
    """West, south, east, north of the districts in force (degrees); None without districts."""
    now = dt.datetime.now(dt.UTC)
    chosen = [edition.id for edition in editions_on(connection, now) if edition.level == "district"]
    if not chosen:
        return None
    row = connection.execute(
        text(
            "select st_xmin(box), st_ymin(box), st_xmax(box), st_ymax(box)"
            " from (select st_extent(geometry) as box from area where edition_id = :edition) e"
            " where box is not null"
        ),
        {"edition": chosen[0]},
    ).first()
    return None if row is None else (row[0], row[1], row[2], row[3])
