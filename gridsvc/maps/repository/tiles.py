"""Vector tiles straight from PostGIS.

Every tile is clipped with a margin of 128 of its 4096 units, so that fills and lines run on
under the next tile and no crack shows between them. A shared border has the same vertices on
both sides, and these fall on the same grid units in every tile. A tile of areas or unit grids
has a second layer, ``NAME_label``: one point in each shape (an
area's roomiest), in the one tile that holds it.
"""

from __future__ import annotations

import datetime as dt
import math

from sqlalchemy import Connection, text

from gridsvc.registry.placement.model import EditionRef

__all__ = ["area_tile", "dispute_tile", "part_tile", "unit_grid_tile", "whistle_tile"]

# The tile's width in its own units, and the margin in them, as the queries name them too.
_EXTENT, _MARGIN = 4096, 128

_AREAS = text(
    """
    with bounds as (
        select st_tileenvelope(:z, :x, :y) as tile,
               st_makeenvelope(:west, :south, :east, :north, 4326) as reach
    ),
    found as (
        select code, name, level, geometry, tile
          from area, bounds
         where edition_id = :edition and geometry && reach
    ),
    shapes as (
        select code, name, level, cast(:accuracy_m as float8) as accuracy_m,
               cast(:approximate as boolean) as approximate,
               st_asmvtgeom(st_transform(geometry, 3857), tile, 4096, 128, true) as geometry
          from found
    ),
    labels as (
        select code, regexp_replace(name, '(?<=社区)居委会$', '') as name,
               st_asmvtgeom(
                   st_transform((st_maximuminscribedcircle(geometry)).center, 3857),
                   tile, 4096, 0, true
               ) as geometry
          from found
         where :labelled
    )
    select (select st_asmvt(s, :layer, 4096, 'geometry')
              from (select * from shapes where geometry is not null order by code) s)
        || (select st_asmvt(l, :label_layer, 4096, 'geometry')
              from (select * from labels where geometry is not null order by code) l)
    """
)

_UNIT_GRIDS = text(
    """
    with bounds as (
        select st_tileenvelope(:z, :x, :y) as tile,
               st_makeenvelope(:west, :south, :east, :north, 4326) as reach
    ),
    found as (
        select district_code, code, national_id, community_code, area_m2, geometry, tile
          from unit_grid, bounds
         where geometry && reach
           and first_date <= :day and (end_date is null or end_date > :day)
    ),
    shapes as (
        select district_code, code, national_id, community_code, round(area_m2) as area_m2,
               st_asmvtgeom(st_transform(geometry, 3857), tile, 4096, 128, true) as geometry
          from found
    ),
    labels as (
        select code, national_id,
               st_asmvtgeom(
                   st_transform(st_pointonsurface(geometry), 3857), tile, 4096, 0, true
               ) as geometry
          from found
         where :labelled
    )
    select (select st_asmvt(s, 'unit_grids', 4096, 'geometry')
              from (select * from shapes where geometry is not null order by national_id) s)
        || (select st_asmvt(l, 'unit_grids_label', 4096, 'geometry')
              from (select * from labels where geometry is not null order by national_id) l)
    """
)

# At the first zoom a tenth of the parts stands for all: their codes' last digit is as good as
# chance, and the same parts stay when the map is moved.
_PARTS = text(
    """
    with bounds as (
        select st_tileenvelope(:z, :x, :y) as tile,
               st_makeenvelope(:west, :south, :east, :north, 4326) as reach
    ),
    shapes as (
        select p.district_code, p.code, p.class_code, c.name as class, c.major, p.name, p.state,
               st_asmvtgeom(st_transform(p.geometry, 3857), tile, 4096, 128, true) as geometry
          from bounds, part p
          join class c on (c.standard, c.kind, c.code) = (p.standard, p.kind, p.class_code)
         where p.geometry && reach and p.state <> 'removed'
           and (:z > 14 or right(p.code, 1) = '0')
    )
    select st_asmvt(s, 'parts', 4096, 'geometry')
      from (select * from shapes where geometry is not null order by district_code, code) s
    """
)

_WHISTLES = text(
    """
    with bounds as (
        select st_tileenvelope(:z, :x, :y) as tile,
               st_makeenvelope(:west, :south, :east, :north, 4326) as reach
    ),
    shapes as (
        select w.id::text as id, w.district_code, w.ground, w.state,
               (select string_agg(side ->> 'code', ',' order by n)
                  from jsonb_array_elements(w.facts -> 'sides') with ordinality as s (side, n)
               ) as areas,
               st_asmvtgeom(st_transform(w.point, 3857), tile, 4096, 128, true) as geometry
          from whistle w, bounds
         where w.joint and w.point && reach
    ),
    footprints as (
        select w.id::text as id, w.state,
               st_asmvtgeom(st_transform(w.footprint, 3857), tile, 4096, 128, true) as geometry
          from whistle w, bounds
         where w.joint and w.footprint && reach
    )
    select (select st_asmvt(s, 'whistles', 4096, 'geometry')
              from (select * from shapes where geometry is not null order by id) s)
        || (select st_asmvt(f, 'footprints', 4096, 'geometry')
              from (select * from footprints where geometry is not null order by id) f)
    """
)

_DISPUTES = text(
    """
    with bounds as (
        select st_tileenvelope(:z, :x, :y) as tile,
               st_makeenvelope(:west, :south, :east, :north, 4326) as reach
    ),
    shapes as (
        select d.id::text as id, d.kind, d.level, d.state,
               array_to_string(d.side_codes, ',') as areas, round(d.area_m2) as area_m2,
               st_asmvtgeom(st_transform(d.geometry, 3857), tile, 4096, 128, true) as geometry
          from dispute d, bounds
         where d.geometry && reach
    )
    select st_asmvt(s, 'disputes', 4096, 'geometry')
      from (select * from shapes where geometry is not null order by id) s
    """
)


def area_tile(
    connection: Connection,
    layer: str,
    edition: EditionRef,
    z: int,
    x: int,
    y: int,
    *,
    labelled: bool,
) -> bytes:
    """The areas of one edition: code, name, level, accuracy_m, approximate; labels if wanted."""
    return _bytes(
        connection.scalar(
            _AREAS,
            {
                **_bounds(z, x, y),
                "labelled": labelled,
                "layer": layer,
                "label_layer": f"{layer}_label",
                "edition": edition.id,
                "accuracy_m": edition.accuracy_m,
                "approximate": edition.approximate,
            },
        )
    )


def unit_grid_tile(
    connection: Connection, day: dt.date, z: int, x: int, y: int, *, labelled: bool
) -> bytes:
    """The unit grids valid on a day: codes, national id, community, area; labels if wanted."""
    parameters = {**_bounds(z, x, y), "day": day, "labelled": labelled}
    return _bytes(connection.scalar(_UNIT_GRIDS, parameters))


def part_tile(connection: Connection, z: int, x: int, y: int) -> bytes:
    """The parts that are still there: code, class, major, name, state. A tenth at zoom 14."""
    return _bytes(connection.scalar(_PARTS, _bounds(z, x, y)))


def whistle_tile(connection: Connection, z: int, x: int, y: int) -> bytes:
    """The joint whistles: id, ground, state, areas; and their footprints."""
    return _bytes(connection.scalar(_WHISTLES, _bounds(z, x, y)))


def dispute_tile(connection: Connection, z: int, x: int, y: int) -> bytes:
    """The disputes: id, kind, level, state, areas, area_m2."""
    return _bytes(connection.scalar(_DISPUTES, _bounds(z, x, y)))


def _bounds(z: int, x: int, y: int) -> dict[str, float]:
    """The tile's address, and the degrees that its content with the margin lies in."""
    margin = _MARGIN / _EXTENT
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


def _bytes(tile: bytes | memoryview | None) -> bytes:
    return b"" if tile is None else bytes(tile)
