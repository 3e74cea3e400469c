"""The query for what lies along a line."""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Connection, func, null, select

from gridsvc.city import City
from gridsvc.layers.catalogue import UNIT_GRIDS
from gridsvc.layers.model import Layer, at


def members_along(
    connection: Connection, layer: Layer, city: City, moment: dt.datetime, corridor: Any
) -> list[tuple[str, str, str | None, Any]]:
    """Id, name, district of a code that has one, and geometry (WGS84) of what meets a corridor.

    By id. The name of a unit grid is its 8-digit code.
    """
    rows = layer.in_force.subquery("feature")
    cells = layer is UNIT_GRIDS
    query = (
        select(
            rows.c[layer.feature_id],
            rows.c.code if cells else rows.c.name,
            rows.c.district_code if cells else null(),
            func.st_asbinary(rows.c.geometry),
        )
        .where(func.st_intersects(rows.c.geometry, from_shape(corridor, srid=4326)))
        .order_by(rows.c[layer.feature_id])
    )
    found = connection.execute(query, at(city, moment))
    return [(row[0], row[1], row[2], shapely.from_wkb(bytes(row[3]))) for row in found]
