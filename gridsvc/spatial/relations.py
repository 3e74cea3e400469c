"""Layers that are related: how they are uploaded, and how what they share is measured.

What is shared is computed in degrees first, where both sides are noded with each other, and only
then measured on the ellipsoid: two drawings of one straight line make no slivers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely

from gridsvc.errors import BadCoordinate, BadGeometry
from gridsvc.spatial.crs import Crs, check_lon_lat, geometry_to_wgs84, parse_crs
from gridsvc.spatial.ellipsoid import ellipsoidal_area_m2

__all__ = [
    "FaceShare",
    "UploadedFeature",
    "border_length_m",
    "check_uploaded",
    "length_m",
    "read_uploaded_layer",
    "shares_of_faces",
    "size_of",
]

# Where two drawings of a border lie within the tolerance only because they cross, the pieces are
# this short.
_CROSSING_M = 1.0


@dataclass(frozen=True, slots=True)
class UploadedFeature:
    """A feature that a user brought, numbered from 1; ``label`` is its own id or code."""

    number: int
    label: str | None
    name: str | None
    geometry: Any


@dataclass(frozen=True, slots=True)
class FaceShare:
    """What one area holds of a place: all that it covers in m², and its share (0 to 1).

    ``key`` is None for what nobody covers. What several cover is split equally in ``share``.
    """

    key: str | None
    area_m2: float
    share: float


def read_uploaded_layer(
    geojson: Mapping[str, Any], crs: str, *, field: str
) -> list[UploadedFeature]:
    """The features of a GeoJSON FeatureCollection, Feature or geometry, in WGS84.

    ``field`` is the dotted path that errors name. Raises BadGeometry (with the number of the
    feature), BadCoordinate, UnknownCrs.
    """
    declared = parse_crs(crs)
    kind = geojson.get("type")
    if kind == "FeatureCollection":
        features = geojson.get("features")
        if not isinstance(features, list):
            raise BadGeometry("The collection has no list of features.", field=field)
    else:
        features = [geojson if kind == "Feature" else {"type": "Feature", "geometry": geojson}]
    if not features:
        raise BadGeometry("The layer holds no feature: send at least one.", field=field)
    return [_feature(number, one, declared, field) for number, one in enumerate(features, 1)]


def check_uploaded(number: int, geometry: Any, *, field: str) -> Any:
    """The geometry of one feature without heights, if it can be related. Raises BadGeometry."""
    if geometry is None or shapely.is_empty(geometry):
        raise BadGeometry(
            f"Feature {number} has no geometry: draw it, or leave it out.", field=field
        )
    flat = shapely.force_2d(geometry)
    if flat.geom_type == "GeometryCollection":
        raise BadGeometry(
            f"Feature {number} is a GeometryCollection: send its points, lines or polygons as "
            "features of their own.",
            field=field,
        )
    if not shapely.is_valid(flat):
        raise BadGeometry(
            f"Feature {number} is broken ({shapely.is_valid_reason(flat)}): mend it first.",
            field=field,
        )
    return flat


def length_m(geometry: Any) -> float:
    """Metres on the ellipsoid of the lines in a WGS84 geometry; anything else counts as 0."""
    lines = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString"]
    return float(sum(_ellipsoid().geometry_length(line) for line in lines))


def size_of(geometry: Any) -> tuple[int, float]:
    """The dimension of a WGS84 geometry and its size: m² of areas (2), metres of lines (1), 0."""
    dimension = int(shapely.get_dimensions(geometry))
    if dimension == 2:
        return 2, float(ellipsoidal_area_m2(geometry))
    return dimension, length_m(geometry) if dimension == 1 else 0.0


def border_length_m(exact: Any, near: Any) -> float:
    """Metres of border that two areas share.

    ``exact`` is what both boundaries have, ``near`` what one has within a tolerance of the other
    (WGS84). Real layers draw a shared border twice, so ``near`` counts, but not where two lines
    only cross or meet in a corner.
    """
    exact_m = length_m(exact)
    merged = shapely.line_merge(near) if near.geom_type == "MultiLineString" else near
    pieces = [length_m(part) for part in shapely.get_parts(merged)]
    near_m = sum(piece for piece in pieces if piece >= _CROSSING_M)
    # Where both have the very same line, the tolerance only adds ends.
    return exact_m if near_m - exact_m < _CROSSING_M else near_m


def shares_of_faces(
    whole: Any, faces: Sequence[Any], claimants: Mapping[str, Any]
) -> list[FaceShare]:
    """Share out an area that was cut into faces: first what nobody covers, then by key.

    ``faces``: polygons between all borders (WGS84), noded with each other, those outside of
    ``whole`` among them; ``claimants``: the areas by key. The shares sum to 1. Raises BadGeometry
    when the area encloses no ground.
    """
    cut = np.asarray(list(faces), dtype=object)
    inside = shapely.point_on_surface(cut)
    shapely.prepare(whole)
    own = shapely.intersects(whole, inside)
    cut, inside = cut[own], inside[own]
    keys = list(claimants)
    claims: list[list[str]] = [[] for _ in cut]
    by_claimant, by_face = shapely.STRtree(inside).query(
        list(claimants.values()), predicate="intersects"
    )
    for claimant, face in zip(by_claimant.tolist(), by_face.tolist(), strict=True):
        claims[face].append(keys[claimant])
    face_m2 = ellipsoidal_area_m2(cut)
    total = float(face_m2.sum())
    if total <= 0:
        raise BadGeometry("The place encloses no ground, so nobody can have a share of it.")
    covered: dict[str | None, float] = {None: 0.0}
    divided: dict[str | None, float] = {None: 0.0}
    for size, holders in zip(face_m2.tolist(), claims, strict=True):
        for key in holders or (None,):
            covered[key] = covered.get(key, 0.0) + size
            divided[key] = divided.get(key, 0.0) + size / max(len(holders), 1)
    return [
        FaceShare(key, covered[key], divided[key] / total)
        for key in sorted(covered, key=lambda key: key or "")
        if key is None or covered[key] > 0
    ]


def _feature(number: int, feature: Any, crs: Crs, field: str) -> UploadedFeature:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise BadGeometry(f"Feature {number} is no GeoJSON feature.", field=field)
    given = feature.get("geometry")
    try:
        geometry = None if given is None else shapely.from_geojson(json.dumps(given))
    except shapely.errors.GEOSException as error:
        raise BadGeometry(
            f"The geometry of feature {number} cannot be read: {error}.", field=field
        ) from None
    if geometry is not None and not shapely.is_empty(geometry):
        xy = shapely.get_coordinates(geometry)
        if not np.isfinite(xy).all():
            raise BadCoordinate(
                f"Feature {number} has a coordinate that is no finite number.", field=field
            )
        if crs.in_degrees:
            for x, y in (xy.min(axis=0), xy.max(axis=0)):
                check_lon_lat(float(x), float(y), crs, field=field)
        geometry = geometry_to_wgs84(geometry, crs)
    properties = feature.get("properties")
    words = properties if isinstance(properties, Mapping) else {}
    return UploadedFeature(
        number,
        _text(feature.get("id", words.get("code"))),
        _text(words.get("name")),
        check_uploaded(number, geometry, field=field),
    )


def _text(value: Any) -> str | None:
    # PostgreSQL has no text with U+0000.
    if not isinstance(value, str | int | float) or value == "":
        return None
    return str(value).replace("\0", "")[:200]


@lru_cache(maxsize=1)
def _ellipsoid() -> pyproj.Geod:
    return pyproj.Geod(ellps="WGS84")
