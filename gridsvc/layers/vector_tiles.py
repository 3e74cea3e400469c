"""The query that draws a layer as a vector tile, in PostGIS.

A tile is clipped with a margin, so that fills and lines run on under the next tile and no crack
shows between them. A shared border has the same vertices on both sides, and these fall on the same
units in every tile. A label is one point in each shape, in the one tile that holds it.
"""

from __future__ import annotations

import datetime as dt
import math
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    ScalarSelect,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from gridsvc.city import City
from gridsvc.layers.model import MARGIN, ColumnType, Drawing, Layer, Tiles, at
from gridsvc.layers.repository import Compiled

#: The width of a tile in its own units.
_EXTENT = 4096
_WEB_MERCATOR = 3857
_TILE = func.st_tileenvelope(bindparam("z"), bindparam("x"), bindparam("y"))
_REACH = func.st_makeenvelope(*map(bindparam, ("west", "south", "east", "north")), 4326)


def vector_tile(
    connection: Connection,
    layer: Layer,
    tiles: Tiles,
    city: City,
    moment: dt.datetime,
    z: int,
    x: int,
    y: int,
) -> bytes:
    """The tile (MVT, XYZ) of what is in force at a moment; empty where nothing is."""
    labelled = tiles.label_zoom is not None and z >= tiles.label_zoom
    query = _tile(layer, tiles, labelled, z == tiles.min_zoom)
    content = query.ask(connection, {**at(city, moment), **_address(z, x, y)}).scalar()
    return b"" if content is None else bytes(content)


@cache
def _tile(layer: Layer, tiles: Tiles, labelled: bool, at_min_zoom: bool) -> Compiled:
    rows = layer.in_force.subquery("feature")
    drawings = [one for one in tiles.drawings if labelled or not one.label]
    needed = {name for one in drawings for name in (*one.properties, *one.order, one.shape)}
    content: Any = None
    for shape in dict.fromkeys(one.shape for one in drawings):
        found = select(*(column for column in rows.c if column.name in needed))
        found = found.where(rows.c[shape].op("&&")(_REACH))
        # Materialized, else PostgreSQL starts workers for a tile, which take longer than the tile.
        if layer.present is not None:
            found = found.where(layer.present(rows))
        if tiles.thinned is not None and at_min_zoom:
            found = found.where(tiles.thinned(rows))
        here = found.cte(f"by_{shape}").prefix_with("materialized")
        for drawing in drawings:
            if drawing.shape == shape:
                drawn = _drawn(layer, drawing, here)
                content = drawn if content is None else content.op("||")(drawn)
    return Compiled.of(select(content))


def _drawn(layer: Layer, drawing: Drawing, rows: FromClause) -> ScalarSelect[Any]:
    shape = rows.c[drawing.shape] if drawing.drawn is None else drawing.drawn(rows)
    flat = func.st_asmvtgeom(
        func.st_transform(shape, _WEB_MERCATOR), _TILE, _EXTENT, drawing.margin, True
    )
    properties = [
        (
            drawing.instead[name](rows) if name in drawing.instead else _property(layer, name, rows)
        ).label(name)
        for name in drawing.properties
    ]
    # Materialized, else every shape is clipped twice: to see whether it is there, and to draw it.
    shapes = (
        select(*properties, flat.label("geometry"))
        .cte(f"drawn_{drawing.name}")
        .prefix_with("materialized")
    )
    ordered = (
        select(shapes)
        .where(shapes.c.geometry.is_not(None))
        .order_by(*(shapes.c[name] for name in drawing.order))
        .subquery("s")
    )
    return select(
        func.st_asmvt(ordered.table_valued(), drawing.name, _EXTENT, "geometry")
    ).scalar_subquery()


def _property(layer: Layer, name: str, rows: FromClause) -> Any:
    """A column as a tile can hold it: texts, numbers, booleans; square metres are whole."""
    value = rows.c[name]
    kind = next(column.type for column in layer.columns if column.name == name)
    if kind is ColumnType.UUID:
        return cast(value, Text)
    if kind is ColumnType.CODES:
        listed = (
            func.json_array_elements_text(value)
            .table_valued("code", with_ordinality="n")
            .render_derived(name="listed")
        )
        in_order: Any = aggregate_order_by(literal_column("','"), listed.c.n)
        return select(func.string_agg(listed.c.code, in_order)).scalar_subquery()
    return func.round(value) if name == layer.measure else value


def _address(z: int, x: int, y: int) -> dict[str, float]:
    """The tile's address, and the degrees that its content with the widest margin lies in."""
    margin = MARGIN / _EXTENT
    return {
        "z": z,
        "x": x,
        "y": y,
        "west": _lon(x - margin, z),
        "south": _lat(y + 1 + margin, z),
        "east": _lon(x + 1 + margin, z),
        "north": _lat(y - margin, z),
    }


def _lon(x: float, z: int) -> float:
    degrees: float = x / 2**z * 360.0 - 180.0
    return max(-180.0, min(180.0, degrees))


def _lat(y: float, z: int) -> float:
    turned: float = 1.0 - 2.0 * y / 2**z
    return math.degrees(math.atan(math.sinh(math.pi * turned)))
