"""Ground whose owner is not settled: claimed twice, by nobody, or by levels that contradict.

Areas are Polygons or MultiPolygons in WGS84; sizes are m² on the ellipsoid, widths are metres in
the city's plane. A place counts when it is wider than the borders are accurate: a narrower one may
be two drawings of one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.audit import FaultKind, audit_areas
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.polygons import multipolygon_of, polygons_of

#: Two places are one when they share this much of the smaller of them.
SAME_PLACE_SHARE = 0.5
#: How near to a gap an area must come to be one of its sides: two drawings of one vertex.
_TOUCH_DEG = 1e-7
#: The widest place of a shape is found to a hundredth of the accuracy, at best to a centimetre.
_FINEST_M = 0.01


class DisputeKind(StrEnum):
    """What is wrong at a place: nobody's, two areas', or levels that contradict each other.

    At a place of neglect no line is wrong, but its reports are refused, returned or slow.
    """

    GAP = "gap"
    OVERLAP = "overlap"
    CONFLICT = "conflict"
    NEGLECT = "neglect"


_KINDS = {
    FaultKind.OVERLAP: DisputeKind.OVERLAP,
    FaultKind.DUPLICATE: DisputeKind.OVERLAP,
    FaultKind.GAP: DisputeKind.GAP,
    FaultKind.INLET: DisputeKind.GAP,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """The areas of one edition, n codes and n geometries (WGS84), and its accuracy in metres."""

    codes: Sequence[str]
    geometries: Sequence[Any]
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class DisputedPlace:
    """One connected place: the codes of its sides, in order, its ground, and its widest width.

    Where levels contradict each other, the first side is the area whose code says so, the second
    the one of the other level.
    """

    kind: DisputeKind
    sides: tuple[str, ...]
    geometry: shapely.MultiPolygon
    area_m2: float
    width_m: float
    accuracy_m: float


def disputed_places(
    layer: Layer, above: Layer | None = None, *, plane: MetricPlane
) -> list[DisputedPlace]:
    """The gaps and overlaps of a layer, and its conflicts with the layer above, the largest first.

    A conflict is ground of an area inside an area above that its code does not begin with. Its
    other side is the area of the layer that borders it there and belongs to the area above; where
    there is none, the area above itself. A place that several rules find is given once, with all
    its sides: overlaps come first, then gaps, then conflicts.
    """
    found: list[DisputedPlace] = []
    for place in _within(layer, plane):
        _merge(found, place)
    for place in () if above is None else _between(layer, above, plane):
        _merge(found, place)
    return sorted(found, key=lambda place: (-place.area_m2, place.sides))


def left_in(
    ground: Any, layer: Layer, above: Layer | None = None, *, plane: MetricPlane
) -> list[Any]:
    """The polygons of some ground (WGS84) that are still disputed in a layer, the largest first.

    Every rule of :func:`disputed_places` is asked, and ground that no area covers counts even
    where the gap is open to the outside.
    """
    touching = [
        (code, shapely.intersection(shapely.make_valid(area), ground))
        for code, area in zip(layer.codes, layer.geometries, strict=True)
        if shapely.intersects(area, ground)
    ]
    areas = [area for _, area in touching]
    left = [shapely.difference(ground, shapely.union_all(areas))]
    left += [shapely.intersection(one, other) for one, other in combinations(areas, 2)]
    pieces = [part for it in left for part in wide_parts(it, layer.accuracy_m, plane)]
    if above is not None:
        accuracy = layer.accuracy_m + above.accuracy_m
        for code, area in touching:
            for over, parent in zip(above.codes, above.geometries, strict=True):
                if not code.startswith(over):
                    pieces += wide_parts(shapely.intersection(area, parent), accuracy, plane)
    return sorted(pieces, key=lambda part: -float(area_m2(part)))


def wide_parts(geometry: Any, accuracy_m: float, plane: MetricPlane) -> list[shapely.Polygon]:
    """The polygons of a geometry (WGS84) that are wider than an accuracy somewhere."""
    parts = polygons_of(shapely.make_valid(geometry))
    if not len(parts):
        return []
    inner = shapely.buffer(plane.project(parts), -accuracy_m / 2, quad_segs=4)
    return list(parts[~shapely.is_empty(inner)])


def width_m(geometry: Any, plane: MetricPlane, accuracy_m: float = 0.0) -> float:
    """Metres across the widest place of a geometry (WGS84): its largest inscribed circle."""
    parts = plane.project(polygons_of(shapely.make_valid(geometry)))
    finest = max(accuracy_m / 100, _FINEST_M)
    circles = [shapely.maximum_inscribed_circle(part, tolerance=finest) for part in parts]
    return 2 * max((float(shapely.length(circle)) for circle in circles), default=0.0)


def same_sides(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two places have the same sides: each side of the one with fewer is one of the other.

    A street is its district's side too: codes that begin with each other are one side.
    """
    few, many = sorted((first, second), key=len)
    return all(any(_nests(one, other) for other in many) for one in few)


def overlap_share(first: Any, second: Any) -> float:
    """How much of the smaller of two grounds (WGS84) both have, from 0 to 1."""
    smaller = min(shapely.area(first), shapely.area(second))
    return float(shapely.area(shapely.intersection(first, second)) / smaller) if smaller else 0.0


def _nests(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _within(layer: Layer, plane: MetricPlane) -> Iterator[DisputedPlace]:
    """The overlaps, gaps and inlets that the audit of one layer finds above its accuracy."""
    audit = audit_areas(layer.geometries, plane=plane, accuracy_m=layer.accuracy_m)
    for fault in audit.faults:
        kind = _KINDS.get(fault.kind)
        if kind is not None and not fault.sliver:
            yield DisputedPlace(
                kind,
                tuple(dict.fromkeys(layer.codes[member] for member in fault.members)),
                multipolygon_of(fault.geometry),
                fault.area_m2,
                fault.max_width_m,
                layer.accuracy_m,
            )


def _between(layer: Layer, above: Layer, plane: MetricPlane) -> Iterator[DisputedPlace]:
    """The ground of a layer's areas inside areas above that are not theirs."""
    accuracy = layer.accuracy_m + above.accuracy_m
    areas = shapely.make_valid(np.asarray(layer.geometries, dtype=object))
    parents = shapely.make_valid(np.asarray(above.geometries, dtype=object))
    tree = shapely.STRtree(areas)
    own, over = shapely.STRtree(parents).query(areas, predicate="intersects")
    for i, j in sorted(zip(own.tolist(), over.tolist(), strict=True)):
        code, parent = layer.codes[i], above.codes[j]
        if code.startswith(parent):
            continue
        for part in wide_parts(shapely.intersection(areas[i], parents[j]), accuracy, plane):
            near = tree.query(part, predicate="dwithin", distance=_TOUCH_DEG).tolist()
            rivals = [(layer.codes[n], areas[n]) for n in near if n != i]
            inside = [rival for rival in rivals if rival[0].startswith(parent)]
            other = _by_border(part, inside)[:1] or (parent,)
            yield DisputedPlace(
                DisputeKind.CONFLICT,
                (code, *other),
                shapely.MultiPolygon([part]),
                float(area_m2(part)),
                width_m(part, plane, accuracy),
                accuracy,
            )


def _by_border(ground: Any, areas: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    """The codes of the areas around some ground, the longest common border first."""
    edge = shapely.buffer(ground, _TOUCH_DEG, quad_segs=2)
    lengths = {
        code: float(shapely.length(shapely.intersection(shapely.boundary(area), edge)))
        for code, area in areas
    }
    return tuple(sorted(lengths, key=lambda code: (-lengths[code], code)))


def _merge(found: list[DisputedPlace], place: DisputedPlace) -> None:
    """Add a place, or its sides and ground to the one that is there already."""
    for n, known in enumerate(found):
        if not shapely.intersects(known.geometry, place.geometry):
            continue
        if overlap_share(known.geometry, place.geometry) < SAME_PLACE_SHARE:
            continue
        ground = multipolygon_of(shapely.union(known.geometry, place.geometry))
        sides = known.sides + tuple(
            side for side in place.sides if not any(_nests(side, it) for it in known.sides)
        )
        width = max(known.width_m, place.width_m)
        accuracy = known.accuracy_m
        found[n] = DisputedPlace(known.kind, sides, ground, float(area_m2(ground)), width, accuracy)
        return
    found.append(place)
