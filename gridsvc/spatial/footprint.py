"""Reads a footprint: the outline of a building or a site, as GeoJSON in a declared CRS."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon

from gridsvc.errors import BadCoordinate, BadGeometry, TooLarge
from gridsvc.spatial.crs import check_lon_lat, geometry_to_wgs84, parse_crs
from gridsvc.spatial.polygons import multipolygon_of

__all__ = ["Footprint", "read_footprint"]

_KINDS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class Footprint:
    """A valid outline in WGS84; ``mended`` says what was wrong with the one that was given."""

    geometry: MultiPolygon
    mended: str | None


def read_footprint(
    geojson: Mapping[str, Any], crs: str, *, max_vertices: int, field: str = "geometry"
) -> Footprint:
    """The footprint of a GeoJSON Polygon or MultiPolygon (or a Feature of one).

    A self-crossing outline is mended (its rings are cut at the crossings, even-odd) and the
    mending is told; one that crosses the 180th meridian, is empty, or is no polygon is refused.
    Raises BadGeometry, BadCoordinate, TooLarge, UnknownCrs.
    """
    declared = parse_crs(crs)
    if geojson.get("type") == "Feature":
        geojson = geojson.get("geometry") or {}
    kind = geojson.get("type")
    if kind not in _KINDS:
        raise BadGeometry(
            f"A footprint must be a GeoJSON Polygon or MultiPolygon, but is {str(kind)[:40]}.",
            field=field,
        )
    coordinates = geojson.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    rings = list(_rings(polygons, max_vertices, field))
    for shell, holes in rings:
        for ring in (shell, *holes):
            for x, y in ring:
                check_lon_lat(x, y, declared, field=field)
    if not rings:
        raise BadGeometry("The footprint is empty; send at least one ring.", field=field)
    shape = MultiPolygon([Polygon(shell, holes) for shell, holes in rings])
    wgs84 = geometry_to_wgs84(shape, declared)
    west, south, east, north = wgs84.bounds
    if not all(map(math.isfinite, (west, south, east, north))):
        raise BadCoordinate("The footprint has no place in WGS84; check its CRS.", field=field)
    if east - west > 180:
        raise BadGeometry(
            "The footprint crosses the 180th meridian; no district does. Cut it there, or check"
            " the order of its coordinates.",
            field=field,
        )
    return _sound(wgs84, field)


def _sound(shape: MultiPolygon, field: str) -> Footprint:
    reason = shapely.is_valid_reason(shape)
    if reason == "Valid Geometry":
        mended, geometry = None, shape
    else:
        mended = f"The outline was mended: {reason}."
        geometry = multipolygon_of(shapely.make_valid(shape))
    if geometry.is_empty or geometry.area == 0:
        raise BadGeometry("The footprint covers no ground; send an outline.", field=field)
    return Footprint(geometry, mended)


_Ring = list[tuple[Any, Any]]


def _rings(polygons: Any, max_vertices: int, field: str) -> Iterator[tuple[_Ring, list[_Ring]]]:
    """Shell and holes of each polygon, with the form of every ring checked before any is used."""
    if not isinstance(polygons, list):
        raise BadGeometry("The footprint has no coordinates.", field=field)
    seen = 0
    for polygon in polygons:
        if not isinstance(polygon, list):
            raise BadGeometry("A polygon must be a list of rings.", field=field)
        rings: list[_Ring] = []
        for ring in polygon:
            if not isinstance(ring, list):
                raise BadGeometry("A ring must be a list of positions.", field=field)
            seen += len(ring)
            if seen > max_vertices:
                raise TooLarge(
                    f"The footprint has more than {max_vertices:,} vertices; send the outline of"
                    " one building or site.",
                    field=field,
                )
            if len(ring) < 4:
                raise BadGeometry("A ring must have at least four positions.", field=field)
            if any(not isinstance(p, list) or len(p) < 2 for p in ring):
                raise BadGeometry("A position must be [lon, lat].", field=field)
            if ring[0] != ring[-1]:
                raise BadGeometry(
                    "A ring must end where it begins: repeat its first position.", field=field
                )
            rings.append([(p[0], p[1]) for p in ring])
        if rings:
            yield rings[0], rings[1:]
