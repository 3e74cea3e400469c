"""Reads what somebody proposes: areas of one level, drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridsvc.codes import Level, level_of
from gridsvc.errors import BadCode, BadGeometry, BadInput, TooLarge
from gridsvc.spatial.reading import features_of, read_footprint

__all__ = ["BorderMove", "read_border_move"]

_MAX_VERTICES = 200_000
_MAX_AREAS = 500


@dataclass(frozen=True, slots=True)
class BorderMove:
    """Areas of one level with the geometries (WGS84) that they would have."""

    level: Level
    areas: Mapping[str, Any]
    names: Mapping[str, str]


def read_border_move(geojson: Mapping[str, Any], crs: str = "wgs84") -> BorderMove:
    """The areas of a GeoJSON FeatureCollection or Feature, each with the property ``code``.

    Raises BadInput, BadCode, BadGeometry, TooLarge, UnknownCrs; each names the feature.
    """
    features = features_of(geojson, field="geojson")
    if len(features) > _MAX_AREAS:
        raise TooLarge(
            f"The GeoJSON holds {len(features):,} areas; ask about {_MAX_AREAS} at a time, or load"
            " them as a draft edition.",
            field="geojson",
        )
    areas: dict[str, Any] = {}
    names: dict[str, str] = {}
    for n, feature in enumerate(features):
        field = f"geojson.features.{n}"
        code = _code(feature, field)
        if code in areas:
            raise BadInput(
                f"The area {code} is drawn twice (feature {n}); join its parts in one"
                " MultiPolygon.",
                field=field,
            )
        geometry = feature.get("geometry")
        if not isinstance(geometry, Mapping):
            raise BadGeometry(
                f"The area {code} (feature {n}) has no geometry; to give its ground away, draw"
                " the areas that take it.",
                field=field,
            )
        drawn = read_footprint(
            geometry, crs, max_vertices=_MAX_VERTICES, field=field, subject=f"The area {code}"
        )
        areas[code] = drawn.geometry
        names[code] = str(feature["properties"].get("name") or "")
    levels = {level_of(code) for code in areas}
    if len(levels) > 1:
        raise BadInput(
            f"The areas are of several levels ({', '.join(sorted(levels))}); ask about one level"
            " at a time.",
            field="geojson",
        )
    return BorderMove(levels.pop(), areas, names)


def _code(feature: Any, field: str) -> str:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    code = properties.get("code") if isinstance(properties, Mapping) else None
    if not isinstance(code, str):
        raise BadInput(
            "Send a GeoJSON FeatureCollection whose features have the property 'code', the code of"
            " their area as text.",
            field=field,
        )
    try:
        level_of(code)
    except BadCode as error:
        error.field = f"{field}.properties.code"
        raise
    return code
