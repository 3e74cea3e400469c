"""Layers that people bring to be related with others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.errors import BadCoordinate, BadGeometry
from gridsvc.spatial.crs import Crs, check_lon_lat, geometry_to_wgs84, parse_crs

__all__ = [
    "UploadedFeature",
    "check_uploaded",
    "read_uploaded_layer",
]


@dataclass(frozen=True, slots=True)
class UploadedFeature:
    """A feature that a user brought, numbered from 1; ``label`` is its own id or code."""

    number: int
    label: str | None
    name: str | None
    geometry: Any


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
