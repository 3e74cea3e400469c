"""Shares the seats of places among the children within their reach; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rounds at most, and the change in children below which it is done.
_ROUNDS, _ENOUGH = 2_000, 1e-4


@dataclass(frozen=True, slots=True)
class Seats:
    """Places: where they are (n, 2; metres in a plane), their seats, how far they reach."""

    xy: Floats
    seats: Floats
    reach_m: Floats


def without_seat(children: Floats, xy: Floats, places: Seats) -> Floats:
    """Of the children (n,) at some points (n, 2), how many find no seat within reach.

    As few as can be, and among those who compete for the same seats everywhere the same share:
    the least sum of squares by child, which is one answer, whatever the order. Each place in turn
    shares its seats so that those who lack most are given first, until nothing changes.
    """
    left: Floats = children.astype(np.float64)
    if not len(left) or not len(places.seats):
        return left
    place, child = shapely.STRtree(shapely.points(xy)).query(
        shapely.points(places.xy), predicate="dwithin", distance=places.reach_m
    )
    reached = [child[(place == n) & (left[child] > 0)] for n in range(len(places.seats))]
    given = [np.zeros(len(some)) for some in reached]
    for _ in range(_ROUNDS):
        moved = 0.0
        for n, some in enumerate(reached):
            if not len(some):
                continue
            lacking = left[some] + given[n]
            new = _share(lacking, children[some], float(places.seats[n]))
            moved = max(moved, float(np.abs(new - given[n]).max()))
            left[some], given[n] = lacking - new, new
        if moved < _ENOUGH:
            break
    return left.clip(min=0.0)


def _share(lacking: Floats, children: Floats, seats: float) -> Floats:
    """Seats for each of some points, so that nobody who got some lacks a greater share."""
    if lacking.sum() <= seats:
        return lacking
    # Everybody is brought down to one share of their children; those who lack less get none.
    shares = lacking / children
    order = np.argsort(-shares, kind="stable")
    level = (np.cumsum(lacking[order]) - seats) / np.cumsum(children[order])
    next_share = np.append(shares[order][1:], -np.inf)
    last = int(np.argmax(level >= next_share))
    seated: Floats = lacking - max(float(level[last]), 0.0) * children
    return seated.clip(min=0.0)
