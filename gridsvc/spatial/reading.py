"""Reads geometry that people send: GeoJSON in a declared CRS becomes shapely in WGS84.

One set of refusals for all: for the outline of a building or a zone, the place of a part, and the
features of a layer or a proposal. Heights are left out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely

from gridsvc.errors import BadCoordinate, BadGeometry, TooLarge
from gridsvc.spatial.crs import Crs, check_lon_lat, geometry_to_wgs84, known_crs, parse_crs
from gridsvc.spatial.polygons import multipolygon_of
from gridsvc.spatial.price import MOST_MEETINGS, price_of
from gridsvc.workers import workers

#: How many lists lie around a position in the coordinates of each type.
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_COLLECTION = (
    "is a GeometryCollection: send its points, lines or polygons as features of their own."
)
_GROUND = ("Polygon", "MultiPolygon")
#: No projected coordinate is larger; infinity is not smaller, and NaN is not either.
_LARGEST = 1e300

_Line = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A valid outline in WGS84; ``mended`` says what was wrong with the one that was given."""

    geometry: shapely.MultiPolygon
    mended: str | None


@dataclass(frozen=True, slots=True)
class SentFeature:
    """A feature that somebody sent, numbered from 1; ``label`` is its own id or code."""

    number: int
    label: str | None
    name: str | None
    geometry: Any


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read: how messages call it, the dotted path of the field, and how much is allowed."""

    subject: str
    field: str
    crs: Crs
    max_vertices: int | None

    def refuse(self, words: str) -> BadGeometry:
        return BadGeometry(f"{self.subject} {words}", field=self.field)


def read_footprint(
    geojson: Any,
    crs: str | Crs,
    *,
    max_vertices: int,
    field: str = "geometry",
    subject: str = "The footprint",
    gone: threading.Event | None = None,
) -> Footprint:
    """The ground inside a GeoJSON Polygon or MultiPolygon (or a Feature of one).

    A self-crossing outline is repaired (its rings are cut at the crossings, even-odd) and the
    a repair is reported; one that crosses the 180th meridian is refused, and one that costs too
    much. ``subject`` is how messages call it. What is not small is mended by a process that ends
    with the caller (``gone``). Raises what :func:`read_geometry` raises, and QueryTooBroad.
    """
    reading = _Reading(subject, field, known_crs(crs), max_vertices)
    drawn = _read(geojson, reading, _GROUND)
    west, _, east, _ = drawn.bounds
    if east - west > 180:
        raise reading.refuse(
            "crosses the 180th meridian; no district does. Cut it there, or check the order of its"
            " coordinates."
        )
    price = price_of(drawn, subject=subject, field=field)
    ground, mended = _mend(drawn) if price.is_small else workers.run(_mend, drawn, gone=gone)
    if ground.is_empty:
        raise reading.refuse("covers no ground; send an outline.")
    return Footprint(ground, mended)


def _mend(drawn: Any) -> tuple[shapely.MultiPolygon, str | None]:
    """The ground inside an outline, and what was wrong with it."""
    reason = shapely.is_valid_reason(drawn)
    if reason == "Valid Geometry":
        return multipolygon_of(drawn), None
    return multipolygon_of(shapely.make_valid(drawn)), f"The outline was repaired: {reason}."


def read_geometry(geojson: Any, crs: str, *, field: str = "geometry") -> Any:
    """Any GeoJSON geometry but a GeometryCollection, or the Feature of one, in WGS84.

    Raises BadGeometry for what is missing, empty or of another form, BadCoordinate, TooLarge,
    UnknownCrs; ``field`` is the dotted path that errors name.
    """
    return _read(geojson, _Reading("The geometry", field, parse_crs(crs), None), tuple(_DEPTHS))


def features_of(geojson: Mapping[str, Any], *, field: str) -> list[Any]:
    """The members of a FeatureCollection, or the Feature or geometry alone. Raises BadGeometry."""
    kind = geojson.get("type")
    if kind != "FeatureCollection":
        return [geojson if kind == "Feature" else {"type": "Feature", "geometry": geojson}]
    features = geojson.get("features")
    if not isinstance(features, list):
        raise BadGeometry("The collection has no list of features.", field=field)
    if not features:
        raise BadGeometry("The collection holds no features; send at least one.", field=field)
    return features


def read_layer(
    geojson: Mapping[str, Any], crs: str, *, max_vertices: int, field: str
) -> list[SentFeature]:
    """The features of a FeatureCollection, Feature or geometry, valid and in WGS84.

    Raises what :func:`read_geometry` raises, with the number of the feature, TooLarge for more
    than so many vertices, and QueryTooBroad for areas that cost too much.
    """
    declared = parse_crs(crs)
    found = []
    vertices = meetings = 0
    for number, feature in enumerate(features_of(geojson, field=field), 1):
        reading = _Reading(f"Feature {number}", field, declared, None)
        if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
            raise reading.refuse("is not a GeoJSON feature.")
        geometry = _read(feature, reading, tuple(_DEPTHS))
        vertices += int(shapely.get_num_coordinates(geometry))
        if vertices > max_vertices:
            raise TooLarge(
                f"Up to feature {number:,} there are more than {max_vertices:,} vertices; send a"
                " smaller layer.",
                field=field,
            )
        if geometry.geom_type in _GROUND:
            price = price_of(
                geometry,
                subject=reading.subject,
                field=field,
                most_meetings=MOST_MEETINGS - meetings,
            )
            meetings += price.meetings
        given = feature.get("properties")
        properties = given if isinstance(given, Mapping) else {}
        label, name = feature.get("id", properties.get("code")), properties.get("name")
        sound = check_sound(number, geometry, field=field)
        found.append(SentFeature(number, _text(label), _text(name), sound))
    return found


def check_sound(number: int, geometry: Any, *, field: str) -> Any:
    """The geometry of a feature without heights, if it can be related. Raises BadGeometry."""
    words = None
    if geometry is None or shapely.is_empty(geometry):
        words = "has no geometry: draw it, or leave it out."
    elif geometry.geom_type == "GeometryCollection":
        words = _COLLECTION
    elif not shapely.is_valid(geometry):
        words = f"is broken ({shapely.is_valid_reason(geometry)}): repair it first."
    if words is not None:
        raise BadGeometry(f"Feature {number} {words}", field=field)
    return shapely.force_2d(geometry)


def _read(geojson: Any, reading: _Reading, kinds: tuple[str, ...]) -> Any:
    if isinstance(geojson, Mapping) and geojson.get("type") == "Feature":
        geojson = geojson.get("geometry")
    if geojson is None:
        raise reading.refuse(f"has no geometry: send a GeoJSON {_listed(kinds)}, or leave it out.")
    kind = geojson.get("type") if isinstance(geojson, Mapping) else None
    if kind == "GeometryCollection":
        raise reading.refuse(_COLLECTION)
    if kind not in kinds:
        raise reading.refuse(f"must be a GeoJSON {_listed(kinds)}, but is {str(kind)[:40]}.")
    coordinates = geojson.get("coordinates")
    if not isinstance(coordinates, list):
        raise reading.refuse("has no coordinates.")
    depth = _DEPTHS[kind]
    lines = list(_lines(coordinates, depth, reading)) if coordinates else []
    if not lines:
        raise reading.refuse("is empty: send its coordinates.")
    seen = 0
    for line in lines:
        seen += len(line)
        if reading.max_vertices is not None and seen > reading.max_vertices:
            raise TooLarge(
                f"{reading.subject} has more than {reading.max_vertices:,} vertices; send the"
                " outline of one place.",
                field=reading.field,
            )
        if kind in _GROUND:
            _check_ring(line, reading)
        elif kind.endswith("LineString") and len(line) < 2:
            raise reading.refuse("has a line of fewer than two positions.")
    _check_places(lines, reading)
    drawn = shapely.geometry.shape({"type": kind, "coordinates": _flat(coordinates, depth)})
    return geometry_to_wgs84(drawn, reading.crs, field=reading.field)


def _lines(coordinates: Any, depth: int, reading: _Reading) -> Iterator[list[Any]]:
    """The lists of positions in coordinates, each with the form of its positions checked."""
    if not isinstance(coordinates, list):
        raise reading.refuse("must hold its positions in lists, ring by ring and line by line.")
    if depth > 1:
        for part in coordinates:
            yield from _lines(part, depth - 1, reading)
        return
    line = coordinates if depth else [coordinates]
    if any(not isinstance(place, list) or len(place) < 2 for place in line):
        raise reading.refuse("has a position that is not [lon, lat].")
    yield line


def _flat(coordinates: list[Any], depth: int) -> list[Any]:
    """Coordinates without heights, and without polygons that have no ring."""
    if not depth:
        return coordinates[:2]
    return [_flat(part, depth - 1) for part in coordinates if part]


def _check_ring(ring: list[Any], reading: _Reading) -> None:
    if len(ring) < 4:
        raise reading.refuse("has a ring of fewer than four positions.")
    if ring[0] != ring[-1]:
        raise reading.refuse(
            "has a ring that does not end where it begins: repeat its first position."
        )


def _check_places(lines: list[list[Any]], reading: _Reading) -> None:
    for line in lines:
        for x, y, *_ in line:
            # Most places are good numbers in range; only the others are looked at closely.
            if type(x) in (int, float) and type(y) in (int, float):
                if reading.crs.in_degrees:
                    if -180 <= x <= 180 and -90 <= y <= 90:
                        continue
                elif abs(x) < _LARGEST and abs(y) < _LARGEST:
                    continue
            try:
                check_lon_lat(x, y, reading.crs)
            except BadCoordinate as error:
                error.field = reading.field
                raise


def _listed(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _text(value: Any) -> str | None:
    # PostgreSQL has no text with U+0000.
    if not isinstance(value, str | int | float) or value == "":
        return None
    return str(value).replace("\0", "")[:200]
