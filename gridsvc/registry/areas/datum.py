"""Whether a file was read in the wrong datum: how far its areas lie from those that are in force.

GCJ-02 taken for WGS84 lies 300-700 m off in China, BD-09 1.2-1.5 km, everywhere in much the same
direction; in each place the shift is known from the datum's formula. So the shift is measured and
compared with the one that each datum would give there. Nothing is corrected: a person decides.

Against areas of the same code the shift is the median of their centroids' ways. A boundary that was
honestly revised also moves a centroid, but on one side only: a shift moves all sides. So the least
move of centroid, west and east side (and north and south) counts as an area's evidence, and none
when they move in different directions.

Against the areas above, the shift is the one by which all would have to be moved back to lie best
in the areas above that their codes name.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.codes import parent_of
from gridsvc.spatial.crs import Crs, from_wgs84, to_wgs84
from gridsvc.spatial.plane import MetricPlane

Floats = NDArray[np.float64]

_DATUMS = ("wgs84", "gcj02", "bd09")
# The measured shift agrees with a datum's within a quarter of it, each side's within two fifths.
_AGREES, _SIDES_AGREE = 0.25, 0.4
# Below this a shift is a matter of drawing; no datum that is meant here gives less.
_LEAST_SHIFT_M = 100.0
# Against the areas above: this share of the areas must lie outside, and moved back at most half.
_OUTSIDE_SHARE, _BETTER = 0.01, 0.5
# Areas that fill so much of the one above are compared with it on both sides of its border.
_WHOLE_SHARE = 0.9
# One or two areas at a border of those above can be moved in many ways to lie inside.
_FEWEST = 3
_SIMPLER_M = 5.0
_STEPS_M = (400.0, 200.0, 100.0, 50.0, 25.0, 10.0)
_POINTS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the areas of a file lie from what they are held against, and what that tells.

    ``against`` is "areas" (of the same code, in force) or "parents"; ``areas`` counts those that
    were compared. ``spread_m`` is the median distance of the areas' own shifts from the measured
    one (None against parents). ``suspected`` is the datum that would give this shift, with the
    shift that it gives there. Directions are degrees clockwise from north.
    """

    against: str
    areas: int
    metres: float
    direction_deg: float
    spread_m: float | None
    suspected: str | None
    expected_m: float | None
    expected_direction_deg: float | None
    words: str


def measured_shift(
    codes: Sequence[str],
    geometries: Sequence[Any],
    *,
    own: Mapping[str, Any],
    parents: Mapping[str, Any],
    crs: Crs,
    plane: MetricPlane,
) -> Shift | None:
    """Measure the shift of a file's areas (WGS84, read as ``crs``) and say when it is suspicious.

    ``own``: areas in force of the same level by code, ``parents``: those above. Areas of the same
    code decide where there are any. None when there is nothing to compare with, or when the shift
    gives no reason to doubt the datum.
    """
    pairs = [
        (geometry, own[code])
        for code, geometry in zip(codes, geometries, strict=True)
        if code in own
    ]
    if pairs:
        return _against_areas(pairs, crs, plane)
    below: dict[str, list[Any]] = defaultdict(list)
    for code, geometry in zip(codes, geometries, strict=True):
        above = parent_of(code)
        if above is not None and above in parents:
            below[above].append(geometry)
    if sum(len(geometries) for geometries in below.values()) < _FEWEST:
        return None
    return _against_parents([(below[code], parents[code]) for code in sorted(below)], crs, plane)


def _against_areas(pairs: list[tuple[Any, Any]], crs: Crs, plane: MetricPlane) -> Shift | None:
    given = np.array([geometry for geometry, _ in pairs], dtype=object)
    theirs = plane.project(given)
    ours = plane.project(np.array([geometry for _, geometry in pairs], dtype=object))
    centroids = _xy(shapely.centroid(theirs)) - _xy(shapely.centroid(ours))
    sides = shapely.bounds(theirs) - shapely.bounds(ours)
    least = np.column_stack(
        [_least(np.column_stack([centroids[:, axis], sides[:, axis::2]])) for axis in (0, 1)]
    )
    shift, evidence = np.median(centroids, axis=0), np.median(least, axis=0)
    spread = float(np.median(np.hypot(*(centroids - shift).T)))
    for datum, moves in _expected(given, crs, plane).items():
        expected = np.median(moves, axis=0)
        size = float(np.hypot(*expected))
        if (
            np.hypot(*(shift - expected)) <= _AGREES * size
            and np.hypot(*(evidence - expected)) <= _SIDES_AGREE * size
        ):
            return _shift("areas", len(pairs), shift, spread, datum, expected, crs)
    if np.hypot(*evidence) >= _LEAST_SHIFT_M:
        return _shift("areas", len(pairs), shift, spread, None, None, crs)
    return None


def _least(moves: Floats) -> Floats:
    """Per row the move of the least size, 0 where the moves differ in direction."""
    same = (moves > 0).all(axis=1) | (moves < 0).all(axis=1)
    smallest = moves[np.arange(len(moves)), np.abs(moves).argmin(axis=1)]
    return np.where(same, smallest, 0.0)


def _against_parents(
    groups: list[tuple[list[Any], Any]], crs: Crs, plane: MetricPlane
) -> Shift | None:
    count = sum(len(geometries) for geometries, _ in groups)
    wholes = [shapely.union_all(geometries) for geometries, _ in groups]
    theirs, above = (
        shapely.make_valid(
            shapely.simplify(plane.project(np.array(shapes, dtype=object)), _SIMPLER_M)
        )
        for shapes in (wholes, [it for _, it in groups])
    )
    shapely.prepare(above)
    total = float(shapely.area(theirs).sum())
    filled = shapely.area(theirs) >= _WHOLE_SHARE * shapely.area(above)

    def misfit_m2(moves: Floats) -> float:
        """What lies outside, and what is left bare of those that are filled, after moves (n, 2)."""
        moved = shapely.make_valid(
            [
                shapely.transform(it, lambda xy, by=by: xy + by)
                for it, by in zip(theirs, moves, strict=True)
            ]
        )
        out = shapely.area(shapely.difference(moved, above)).sum()
        bare = shapely.area(shapely.difference(above, moved))[filled].sum()
        return float(out + bare)

    still = np.zeros((len(groups), 2))
    before = misfit_m2(still)
    if before < _OUTSIDE_SHARE * total:
        return None
    found: tuple[float, str, Floats] | None = None
    for datum, moves in _expected(np.array(wholes, dtype=object), crs, plane).items():
        misfit = misfit_m2(-moves)
        if misfit <= _BETTER * before and (found is None or misfit < found[0]):
            found = (misfit, datum, np.median(moves, axis=0))
    if found is None:
        return None
    _, datum, expected = found
    measured = _best_move(lambda move: misfit_m2(still - move), expected)
    if np.hypot(*(measured - expected)) > _SIDES_AGREE * np.hypot(*expected):
        return None
    return _shift("parents", count, measured, None, datum, expected, crs)


def _best_move(misfit_of: Callable[[Floats], float], expected: Floats) -> Floats:
    """The shift that explains the misfit best: from none and from the expected one, downhill."""
    best, least = np.zeros(2), math.inf
    for start in (np.zeros(2), expected):
        at, here = start, misfit_of(start)
        for step in _STEPS_M:
            while True:
                around = [
                    at + step * np.array([east, north])
                    for east in (-1, 0, 1)
                    for north in (-1, 0, 1)
                    if east or north
                ]
                values = [misfit_of(it) for it in around]
                if min(values) >= here:
                    break
                at, here = around[int(np.argmin(values))], min(values)
        if here < least:
            best, least = at, here
    return best


def _expected(given: Any, crs: Crs, plane: MetricPlane) -> dict[str, Floats]:
    """For each other datum the way (n, 2), in metres, by which each area would be off."""
    at = shapely.get_coordinates(shapely.centroid(given))
    # A projected system has no shifted datum of its own: what was projected may have had one.
    x, y = at[:, 0], at[:, 1]
    if crs.in_degrees:
        x, y = from_wgs84(x, y, crs)
    here = _xy(plane.project(shapely.points(at)))
    read_as = crs.name if crs.name in _DATUMS else "wgs84"
    moves = {}
    for datum in _DATUMS:
        if datum != read_as:
            true = np.column_stack(to_wgs84(x, y, datum))
            moves[datum] = here - _xy(plane.project(shapely.points(true)))
    return moves


def _xy(points: Any) -> Floats:
    return np.asarray(shapely.get_coordinates(points), dtype=np.float64)


def _shift(
    against: str,
    areas: int,
    shift: Floats,
    spread_m: float | None,
    datum: str | None,
    expected: Floats | None,
    crs: Crs,
) -> Shift:
    metres, direction = _polar(shift)
    whose = "the areas of the same code in force" if against == "areas" else "the areas above them"
    words = (
        f"The file's areas lie {metres:,.0f} m to the {_point(direction)} ({direction:.0f}°) of "
    )
    words += f"{whose} (over {areas:,} areas"
    words += "" if spread_m is None else f"; in the median they differ by {spread_m:,.0f} m from it"
    words += "). "
    if datum is None or expected is None:
        words += "No datum explains that: check the CRS before activating this edition."
        return Shift(against, areas, metres, direction, spread_m, None, None, None, words)
    size, towards = _polar(expected)
    words += (
        f"A file in {datum} that is read as {crs.name} lies {size:,.0f} m to the {_point(towards)} "
        f"({towards:.0f}°) there: it is suspected to be {datum}. Read it with --crs {datum}, or "
        "make sure that its source says otherwise, before activating this edition."
    )
    return Shift(against, areas, metres, direction, spread_m, datum, size, towards, words)


def _polar(move: Floats) -> tuple[float, float]:
    """Metres and degrees clockwise from north, rounded to a decimetre and a tenth."""
    east, north = move.tolist()
    direction = round(math.degrees(math.atan2(east, north)) % 360.0, 1) % 360.0
    return round(math.hypot(east, north), 1), direction


def _point(direction_deg: float) -> str:
    return _POINTS[round(direction_deg / 45.0) % 8]
