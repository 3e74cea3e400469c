"""What areas share: the parts of a footprint that each holds, and the border between two of them.

Everything is noded with each other in degrees before anything is measured, so that neighbours keep
one common border, also where it has more vertices on one side. Sizes are true on the ellipsoid:
m² are those of the city's equal-area plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadGeometry
from gridsvc.spatial.ellipsoid import area_m2, distance_m, length_m
from gridsvc.spatial.locator._rings import check_areas, merge_edges, ring_edges

#: Two drawings of one border lie this near together: about 10 cm.
SAME_LINE_DEG = 1e-6
# Where borders lie within that only because they cross or meet in a corner, and what the tolerance
# adds at the ends of a border, the pieces are shorter than this.
_CROSSING_M = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """One area's part of a footprint: what it covers (m²), and its share (0 to 1)."""

    code: str
    area_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Shares:
    """How a footprint is shared out among areas.

    `parts`: the areas that cover some of it, in the order given. `area_m2` is all that an area
    covers, also where others do; in `share`, what several cover is split equally among them, so
    that the shares and `unclaimed_share` sum to 1. `overlapping_m2`: what more than one area
    covers; `border_length_m`: borders inside the footprint, each counted once.
    """

    footprint_m2: float
    parts: tuple[Share, ...]
    unclaimed_m2: float
    unclaimed_share: float
    overlapping_m2: float
    border_length_m: float


def shares(
    footprint: Any,
    geometries: Sequence[Any],
    codes: Sequence[str],
    *,
    faces: Sequence[Any] | None = None,
) -> Shares:
    """Share out a footprint among areas of one level.

    `footprint`: a valid polygon or multipolygon; `geometries`: n valid polygons or multipolygons,
    all that may touch it; `codes`: n strings. All WGS84 lon/lat. `faces`: the polygons between all
    their rings, noded with each other, where they are known already; those outside the footprint
    may be among them. Raises `BadGeometry`.
    """
    outline = check_areas([footprint], ["footprint"])[0]
    shapes = check_areas(geometries, codes)
    shapely.prepare(outline)
    noded = _faces(outline, shapes) if faces is None else np.asarray(faces, dtype=object)
    inside = shapely.point_on_surface(noded)
    own = shapely.intersects(outline, inside)
    noded, inside = noded[own], inside[own]
    area, face = shapely.STRtree(inside).query(shapes, predicate="intersects")
    face_m2 = area_m2(noded)
    total = float(face_m2.sum())
    if total <= 0.0:
        raise BadGeometry("The footprint has no area; give a polygon that encloses some ground.")
    claimants = np.bincount(face, minlength=len(noded))
    covered = np.bincount(area, face_m2[face], len(shapes))
    divided = np.bincount(area, face_m2[face] / claimants[face], len(shapes)) / total
    unclaimed = float(face_m2[claimants == 0].sum())
    return Shares(
        footprint_m2=total,
        parts=tuple(
            Share(str(codes[k]), float(covered[k]), float(divided[k]))
            for k in np.flatnonzero(covered > 0.0).tolist()
        ),
        unclaimed_m2=unclaimed,
        unclaimed_share=unclaimed / total,
        overlapping_m2=float(face_m2[claimants > 1].sum()),
        border_length_m=_inner_borders_m(noded, area, face),
    )


def border_length_m(exact: Any, near: Any) -> float:
    """Metres of border that two areas share.

    `exact`: what both boundaries have; `near`: what one has within `SAME_LINE_DEG` of the other
    (WGS84). Real layers draw a shared border twice, so `near` counts, but not where two lines only
    cross or meet in a corner.
    """
    exact_m = float(length_m(exact))
    pieces = length_m(shapely.get_parts(shapely.line_merge(near)))
    near_m = float(pieces[pieces >= _CROSSING_M].sum())
    # Where both have the very same line, the tolerance only adds ends.
    return exact_m if near_m - exact_m < _CROSSING_M else near_m


def size_of(geometry: Any) -> tuple[int, float]:
    """The dimension of a WGS84 geometry and its size: m² of areas (2), metres of lines (1), 0."""
    dimension = int(shapely.get_dimensions(geometry))
    return dimension, float(area_m2(geometry) if dimension == 2 else length_m(geometry))


def _faces(outline: Any, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons between the rings of `outline` and those of `shapes` that come near it."""
    x0, y0, x1, y1 = shapely.bounds(outline)
    lines = [shapely.boundary(outline)]
    if len(shapes):
        edges, _ = merge_edges(ring_edges(shapes)[0], True)
        near = (np.maximum(edges[:, 0], edges[:, 2]) >= x0) & (
            np.minimum(edges[:, 0], edges[:, 2]) <= x1
        )
        near &= (np.maximum(edges[:, 1], edges[:, 3]) >= y0) & (
            np.minimum(edges[:, 1], edges[:, 3]) <= y1
        )
        lines.extend(shapely.linestrings(edges[near].reshape(-1, 2, 2)))
    noded = shapely.get_parts(shapely.union_all(lines))
    return np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)


def _inner_borders_m(
    faces: NDArray[np.object_], area: NDArray[np.int64], face: NDArray[np.int64]
) -> float:
    """Metres of the edges between two faces that different areas claim."""
    order = np.lexsort((area, face))
    ends = np.searchsorted(face[order], np.arange(1, len(faces)))
    holders = [tuple(own.tolist()) for own in np.split(area[order], ends)]
    numbers = {own: n for n, own in enumerate(dict.fromkeys(holders))}
    if len(numbers) == 1:
        return 0.0
    held_by = np.array([numbers[own] for own in holders], dtype=np.int64)
    edges, face_of = ring_edges(faces)
    merged, number = merge_edges(edges, True)
    by_edge = np.argsort(number, kind="stable")
    twice = np.flatnonzero(number[by_edge][:-1] == number[by_edge][1:])
    one, other = face_of[by_edge[twice]], face_of[by_edge[twice + 1]]
    border = merged[number[by_edge[twice[held_by[one] != held_by[other]]]]]
    return float(np.sum(distance_m(*border.T))) if len(border) else 0.0
