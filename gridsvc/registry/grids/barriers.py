"""Roads, walls, rivers and buildings from files, and which of them meet a community."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadFile
from gridsvc.readers.limits import ReadOptions
from gridsvc.readers.vector_file import Feature, read_vector_file
from gridsvc.spatial.gridding_barriers import Barriers, barriers_of
from gridsvc.spatial.polygons import multipolygon_of

_LINES = {"LineString", "MultiLineString", "Polygon", "MultiPolygon"}
_GROUND = {"Polygon", "MultiPolygon"}
# So many features are named in an error or a remark.
_NAMED = 5


def read_barriers(
    lines: Sequence[Path],
    buildings: Sequence[Path],
    parts: NDArray[np.object_],
    options: ReadOptions,
    *,
    crs: str | None = None,
) -> tuple[Barriers, tuple[str, ...]]:
    """Read files of lines and of buildings; ``parts`` are WGS84 points.

    In files of lines a polygon stands for its outline (a river, a compound). A building whose
    outline is invalid is repaired, and the remarks, given beside the barriers, say so. ``crs``,
    when declared, is believed before that of the files.

    Raises BadFile, with the numbers of the features, for what is neither; and what reading raises.
    """
    remarks: list[str] = []
    drawn: list[Any] = []
    for path in lines:
        for feature in _features(path, _LINES, "lines or polygons", options, crs, remarks):
            shape = feature.geometry
            drawn.append(shapely.boundary(shape) if shape.geom_type in _GROUND else shape)
    built: list[Any] = []
    for path in buildings:
        features = _features(path, _GROUND, "polygons", options, crs, remarks)
        broken = [feature for feature in features if not feature.geometry.is_valid]
        if broken:
            remarks.append(
                f"{path.name}: {len(broken):,} buildings cross themselves and were repaired:"
                f" {_named(broken)}."
            )
        built += [_ground(feature.geometry) for feature in features]
    return barriers_of(drawn, [it for it in built if not it.is_empty], list(parts)), tuple(remarks)


def barrier_hashes(barriers: Barriers, communities: Sequence[Any]) -> list[str]:
    """The SHA-256 of the lines and buildings that meet each community (WGS84 areas).

    Lines count as far as they run inside, so that a change elsewhere changes no hash; parts do not
    count, as they come and go every day.
    """
    found: list[list[bytes]] = [[] for _ in communities]
    shapes = np.asarray(list(communities), dtype=object)
    for given, clipped in ((barriers.lines, True), (barriers.buildings, False)):
        if not len(given) or not len(shapes):
            continue
        community, number = shapely.STRtree(given).query(shapes, predicate="intersects")
        met = given[number]
        if clipped:
            met = shapely.intersection(met, shapes[community])
        blobs = shapely.to_wkb(shapely.normalize(met))
        for at, blob in zip(community.tolist(), blobs, strict=True):
            found[at].append(blob)
    return [hashlib.sha256(b"".join(sorted(blobs))).hexdigest() for blobs in found]


def _features(
    path: Path,
    types: set[str],
    what: str,
    options: ReadOptions,
    crs: str | None,
    remarks: list[str],
) -> list[Feature]:
    read = read_vector_file(path, (), options, crs=crs)
    remarks += [f"{path.name}: {remark}" for remark in read.remarks]
    features = []
    wrong = []
    for feature in read.features:
        shape = feature.geometry
        if shape is None or shape.is_empty or shape.geom_type not in types:
            wrong.append(feature)
        else:
            features.append(feature)
    if wrong:
        raise BadFile(
            f"{path.name} has {len(wrong):,} features that are not {what}: {_named(wrong)}. Leave"
            " them out, or give the file as what it is (--roads, --walls, --rivers, --buildings).",
            field="path",
        )
    return features


def _named(features: Sequence[Feature]) -> str:
    named = ", ".join(str(feature.number) for feature in features[:_NAMED])
    return f"number {named}" + (" and others" if len(features) > _NAMED else "")


def _ground(shape: Any) -> Any:
    """A valid building: the polygons of what was drawn."""
    if shape.is_valid:
        return shape
    return multipolygon_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))
