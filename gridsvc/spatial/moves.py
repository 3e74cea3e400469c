"""Which ground goes from whom to whom when areas are redrawn.

Everything is cut in degrees, where a shared border is one line on both sides, and measured on the
ellipsoid along edges that are straight in degrees. Nothing is projected, so that vertices which
only one side of a border has make no false slivers.

Ground belongs to whom a look-up would answer with: where areas of one set overlap, to the smallest
code. What nobody holds is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.polygons import multipolygon_of

#: Ground below this, 10 cm², is rounding, not a change.
NOISE_M2 = 1e-3

Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Move:
    """Ground that was the first code's and is the second's, in m²; None is nobody.

    ``geometry``: where it is (WGS84).
    """

    before: str | None
    after: str | None
    area_m2: float
    geometry: shapely.MultiPolygon


@dataclass(frozen=True, slots=True)
class Change:
    """What one code holds before and after, what it loses and what it gains, in m²."""

    code: str
    before_m2: float
    after_m2: float
    lost_m2: float
    gained_m2: float


@dataclass(frozen=True, slots=True)
class Moves:
    """All ground that changes hands, the largest move first, and the codes it concerns.

    ``unbalanced_m2``: the largest difference between what a code loses (or gains) and the sum of
    its moves; rounding only.
    """

    moves: tuple[Move, ...]
    changes: tuple[Change, ...]
    unbalanced_m2: float

    @property
    def above_noise(self) -> tuple[Move, ...]:
        """The moves of more than ``NOISE_M2``."""
        return tuple(move for move in self.moves if move.area_m2 > NOISE_M2)


@dataclass(frozen=True, slots=True)
class Redrawn:
    """The ground (WGS84) on which areas are redrawn, and what is wrong with it afterwards.

    ``overlapping_m2`` is claimed twice afterwards, ``unclaimed_m2`` by nobody.
    """

    region: shapely.MultiPolygon
    overlapping_m2: float
    unclaimed_m2: float


def moved_ground(before: Mapping[str, Any], after: Mapping[str, Any]) -> Moves:
    """Compare two sets of areas: valid polygons or multipolygons (WGS84) by code.

    A code that only one of the two has holds nothing in the other. Changes below ``NOISE_M2`` are
    no changes; moves are listed down to a mm², so that they balance.
    """
    codes, was, now = _differing(_grounds(before), _grounds(after))
    lost, gained = shapely.difference(was, now), shapely.difference(now, was)
    lost_m2, gained_m2 = area_m2(lost), area_m2(gained)
    giver, taker = _pairs(lost, gained, lost_m2 > 0, gained_m2 > 0)
    pieces = shapely.intersection(lost[giver], gained[taker])
    sizes = area_m2(pieces)
    some = sizes > 0
    giver, taker, pieces, sizes = giver[some], taker[some], pieces[some], sizes[some]
    moves = [
        Move(codes[i], codes[k], size, multipolygon_of(piece))
        for i, k, size, piece in zip(giver, taker, sizes.tolist(), pieces, strict=True)
    ]
    let_go = _rest(lost, gained, giver, taker)
    taken_up = _rest(gained, lost, taker, giver)
    let_go_m2, taken_up_m2 = area_m2(let_go), area_m2(taken_up)
    for i, code in enumerate(codes):
        moves.append(Move(code, None, float(let_go_m2[i]), multipolygon_of(let_go[i])))
        moves.append(Move(None, code, float(taken_up_m2[i]), multipolygon_of(taken_up[i])))
    out = np.bincount(giver, sizes, len(codes)) + let_go_m2
    into = np.bincount(taker, sizes, len(codes)) + taken_up_m2
    unbalanced = np.abs([out - lost_m2, into - gained_m2]).max(initial=0.0)
    changed = np.flatnonzero((lost_m2 > NOISE_M2) | (gained_m2 > NOISE_M2))
    was_m2, now_m2 = area_m2(was), area_m2(now)
    return Moves(
        moves=tuple(
            sorted(
                (move for move in moves if move.area_m2 > 1e-6),
                key=lambda it: (-it.area_m2, it.before or "", it.after or ""),
            )
        ),
        changes=tuple(
            Change(
                str(codes[i]),
                float(was_m2[i]),
                float(now_m2[i]),
                float(lost_m2[i]),
                float(gained_m2[i]),
            )
            for i in changed
        ),
        unbalanced_m2=float(unbalanced),
    )


def redrawn(before: Mapping[str, Any], after: Mapping[str, Any]) -> Redrawn:
    """Where two sets of areas differ: valid polygons or multipolygons (WGS84) by code.

    Both must hold every area that touches the ground that differs, also those that stay.
    """
    _, was, now = _differing(before, after)
    region = multipolygon_of(shapely.union_all(shapely.symmetric_difference(was, now)))
    shapes = np.array(list(after.values()), dtype=object)
    near = shapes[shapely.intersects(shapes, region)]
    inside = shapely.intersection(near, region)
    twice = [shapely.intersection(one, other) for one, other in combinations(inside, 2)]
    free = shapely.difference(region, shapely.union_all(near))
    return Redrawn(region, float(area_m2(shapely.union_all(twice))), float(area_m2(free)))


def changed_m2(before: Any, after: Any) -> NDArray[np.float64]:
    """How many m² of each area differ from what it was; two arrays of areas (WGS84), n each."""
    return area_m2(shapely.symmetric_difference(before, after))


def holder_at(areas: Mapping[str, Any], point: Any) -> str | None:
    """The smallest code of the areas that touch a WGS84 point; None where nobody's is."""
    touched = (code for code, area in areas.items() if shapely.intersects(area, point))
    return min(touched, default=None)


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[NDArray[np.object_], Shapes, Shapes]:
    """The codes whose shapes are not the same, in order, and what they are before and after."""
    nothing = shapely.MultiPolygon()
    codes = np.array(sorted(before.keys() | after.keys()), dtype=object)
    was = np.array([before.get(code, nothing) for code in codes], dtype=object)
    now = np.array([after.get(code, nothing) for code in codes], dtype=object)
    differ = ~shapely.equals_exact(was, now, 0.0)
    return codes[differ], was[differ], now[differ]


def _grounds(areas: Mapping[str, Any]) -> dict[str, Any]:
    """The ground that each code answers for: its area without what smaller codes claim of it."""
    codes = sorted(areas)
    shapes = np.array([areas[code] for code in codes], dtype=object)
    if not len(shapes) or shapely.coverage_is_valid(shapes):
        return dict(zip(codes, shapes, strict=True))
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = area_m2(shapely.intersection(shapes[first], shapes[second])) > 0
    first, second = first[shared], second[shared]
    grounds = shapes.copy()
    for later in np.unique(second):
        claimed = shapely.union_all(shapes[first[second == later]])
        grounds[later] = shapely.difference(shapes[later], claimed)
    return dict(zip(codes, grounds, strict=True))


def _pairs(
    lost: Shapes, gained: Shapes, some_lost: NDArray[np.bool_], some_gained: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which lost ground touches which gained ground: two arrays of indexes."""
    givers, takers = np.flatnonzero(some_lost), np.flatnonzero(some_gained)
    if not len(givers) or not len(takers):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    from_, to = shapely.STRtree(gained[takers]).query(lost[givers], predicate="intersects")
    return givers[from_], takers[to]


def _rest(
    whole: Shapes, others: Shapes, index: NDArray[np.int64], other: NDArray[np.int64]
) -> Shapes:
    """What is left of each ground without those that have a part of it."""
    left = whole.copy()
    for i in np.unique(index):
        left[i] = shapely.difference(whole[i], shapely.union_all(others[other[index == i]]))
    return left
