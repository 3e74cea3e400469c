"""The queries on layers: as GeoJSON features, as vector tiles, around a place.

A query is put together and compiled once for each layer: that takes longer than most tiles.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import shapely
from sqlalchemy import (
    JSON,
    Connection,
    CursorResult,
    Float,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from gridsvc.city import City
from gridsvc.layers.model import Layer, at
from gridsvc.spatial.box import Box

_ROWS_A_CHUNK = 500
_DIALECT: Any = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
_EDGES = ("west", "south", "east", "north")
_BOX: Any = func.st_makeenvelope(*(bindparam(edge, type_=Float()) for edge in _EDGES), 4326)


def feature_chunks(
    connection: Connection,
    layer: Layer,
    city: City,
    moment: dt.datetime,
    *,
    bbox: Box | None = None,
    district: str | None = None,
    placed: bool = False,
    whole: bool = False,
) -> Iterator[Sequence[str]]:
    """The features in force at a moment as GeoJSON texts in the order of their key, many at a time.

    They come from a cursor on the server. Coordinates are written with up to 15 decimals, the
    shortest that read back to the same number. ``placed``: in the areas of that moment.
    ``whole``: with the columns that are for staff.
    """
    query = _features(layer, placed, whole, bbox is not None, district is not None)
    given = {**at(city, moment), **_edges(bbox), "district": district}
    found = query.ask(connection, given, stream_results=True, yield_per=_ROWS_A_CHUNK)
    yield from found.scalars().partitions(_ROWS_A_CHUNK)


@cache
def _features(layer: Layer, placed: bool, whole: bool, in_box: bool, in_district: bool) -> Compiled:
    chosen = layer.placed if placed and layer.placed is not None else layer.in_force
    rows = chosen.subquery("feature")
    properties = [
        item
        for column in layer.columns
        if column.exported and (whole or not column.for_staff)
        for item in (column.name, rows.c[column.name])
    ]
    feature = func.json_build_object(
        "type",
        "Feature",
        "id",
        rows.c[layer.feature_id],
        "geometry",
        cast(func.st_asgeojson(rows.c.geometry, 15), JSON),
        "properties",
        func.json_build_object(*properties),
    )
    query = select(cast(feature, Text)).order_by(*(rows.c[name] for name in layer.key))
    if in_district:
        query = query.where(layer.in_district(rows, bindparam("district")))
    if in_box:
        query = query.where(func.st_intersects(rows.c.geometry, _BOX))
    return Compiled.of(query)


def has_feature(
    connection: Connection, layer: Layer, city: City, moment: dt.datetime, feature_id: str
) -> bool:
    """Whether a layer has a feature of that id at a moment."""
    rows = layer.in_force.subquery("feature")
    found = select(rows.c[layer.feature_id]).where(rows.c[layer.feature_id] == feature_id)
    return bool(connection.scalar(select(found.exists()), at(city, moment)))


def bounds(connection: Connection, layer: Layer, city: City, moment: dt.datetime) -> Box | None:
    """The box around a whole layer at a moment; None when nothing is in force."""
    rows = layer.in_force.subquery("feature")
    whole = select(func.st_extent(rows.c.geometry).label("box")).subquery("whole")
    edges = (func.st_xmin, func.st_ymin, func.st_xmax, func.st_ymax)
    query = select(*(edge(whole.c.box) for edge in edges))
    found = connection.execute(query, at(city, moment)).one()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


def around(
    connection: Connection,
    layer: Layer,
    city: City,
    moment: dt.datetime,
    box: Box,
    *,
    named_by: str = "name",
    cut: bool = True,
) -> list[tuple[str, str, shapely.Geometry]]:
    """Code, name and geometry (WGS84) of what touches a box, by id; ``cut`` at the box, or whole.

    ``named_by`` is the column that is the name.
    """
    rows = layer.in_force.subquery("feature")
    shape = rows.c.geometry
    query = (
        select(
            rows.c.code,
            rows.c[named_by],
            func.st_asbinary(func.st_clipbybox2d(shape, _BOX) if cut else shape),
        )
        .where(func.st_intersects(shape, _BOX))
        .order_by(rows.c[layer.feature_id])
    )
    found = connection.execute(query, {**at(city, moment), **_edges(box)})
    return [(row[0], row[1], shapely.from_wkb(bytes(row[2]))) for row in found]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as the driver takes it, with what is fixed in it."""

    sql: str
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, query: Select[Any]) -> Compiled:
        """The query; its other parameters are given by name when it is asked."""
        compiled = query.compile(dialect=_DIALECT)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), fixed)

    def ask(
        self, connection: Connection, given: Mapping[str, Any], **options: Any
    ) -> CursorResult[Any]:
        """Ask it with the parameters that are not fixed, and options of the execution."""
        return connection.exec_driver_sql(
            self.sql, {**self.fixed, **given}, execution_options=options
        )


def _edges(box: Box | None) -> dict[str, float]:
    return {} if box is None else dict(zip(_EDGES, box, strict=True))
