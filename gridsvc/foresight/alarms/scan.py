"""The space-time permutation scan (Kulldorff and others, PLoS Medicine 2005), day by day.

A zone is a place with its nearest ones, a window the last days up to the one that is scanned. What
is expected of a zone in a window is its share of all reports of a year, by what all places have in
the window: a place that has always been busy, or a season that is busy everywhere, is no alarm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Sums = NDArray[np.int64]

#: Places in a zone: the place alone, with its 3, 8 or 20 nearest.
SIZES = (1, 4, 9, 21)
#: Days of a window, the scanned day the last of them.
WINDOWS = (1, 2, 3, 4, 5, 6, 7, 10, 14)
#: Days by which the share of a zone is known, those of the window among them.
BASELINE_DAYS = 365
#: Fewer reports are not a hot place, however few were expected.
FEWEST = 5

_SIZES = np.array(SIZES, dtype=np.int64)
_WINDOWS = np.array(WINDOWS, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Hit:
    """A zone whose last days have more reports than expected.

    ``place`` is the number of its middle, ``size`` how many places it has, ``days`` the window.
    ``statistic`` is the logarithm of the likelihood ratio.
    """

    place: int
    size: int
    days: int
    count: int
    expected: float
    statistic: float


def cumulate(place: Ints, day: Ints, *, places: int, days: int) -> Ints:
    """Reports of each place before each day, int32 (places, days + 1).

    ``place`` and ``day`` (n,) are the numbers of each report's place and day, from 0 on.
    """
    counts = np.zeros((places, days + 1), dtype=np.int32)
    _count(place, day, counts)
    return np.cumsum(counts, axis=1, dtype=np.int32, out=counts)


def hits(before: Ints, neighbours: Ints, threshold: float) -> list[Hit]:
    """Every zone and window up to the last day that reaches a threshold, the clearest first.

    ``before``: as :func:`cumulate` gives it, of :data:`BASELINE_DAYS` days; ``neighbours``: as
    :func:`gridsvc.spatial.neighbourhoods.neighbourhoods` gives it, of the same places.
    """
    days = before.shape[1] - 1
    total = before.sum(axis=0, dtype=np.int64)
    found = _hits(before, total, neighbours, days - 1, threshold, _SIZES, _WINDOWS)
    listed = [Hit(int(p), int(s), int(w), int(c), e, t) for p, s, w, c, e, t in found]
    return sorted(listed, key=lambda it: (-it.statistic, it.size, it.days, it.place))


def apart(found: Sequence[Hit], neighbours: Ints) -> Iterator[Hit]:
    """The clearest of the hits that share no place with a clearer one."""
    taken: set[int] = set()
    for hit in found:
        members = zone_of(hit, neighbours)
        if taken.isdisjoint(members):
            taken |= members
            yield hit


def zone_of(hit: Hit, neighbours: Ints) -> set[int]:
    """The numbers of the places of a hit."""
    return {int(one) for one in neighbours[hit.place, : hit.size]}


def touches(hit: Hit, places: Collection[int], neighbours: Ints) -> bool:
    """Whether one of the places lies in a hit's zone."""
    return not zone_of(hit, neighbours).isdisjoint(places)


def yearly_maximum(before: Ints, neighbours: Ints) -> float:
    """The largest statistic of the daily scans of a year: 0 where nothing was more than expected.

    ``before`` has the year's days and, before them, those that its first day looks back on.
    """
    total = before.sum(axis=0, dtype=np.int64)
    return float(_maximum(before, total, neighbours, BASELINE_DAYS, _SIZES, _WINDOWS))


@njit(cache=True, nogil=True)
def _count(place: Ints, day: Ints, counts: Ints) -> None:
    for n in range(len(place)):
        counts[place[n], day[n] + 1] += 1


@njit(cache=True, nogil=True, inline="always")
def _statistic(c: float, e: float, n: float) -> float:
    told = c * math.log(c / e)
    rest = n - c
    return told + rest * math.log(rest / (n - e)) if rest > 0 else told


@njit(cache=True, nogil=True)
def _maximum(
    before: Ints, total: Sums, neighbours: Ints, baseline: int, sizes: Sums, windows: Sums
) -> float:
    days = before.shape[1] - 1
    whole = np.empty((days, len(windows)))
    for day in range(baseline, days):
        for k in range(len(windows)):
            whole[day, k] = total[day + 1] - total[day + 1 - windows[k]]
    most = 0.0
    zone = np.empty(days + 1, dtype=np.int64)
    for place in range(neighbours.shape[0]):
        zone[:] = 0
        taken = 0
        for size in sizes:
            if size > neighbours.shape[1]:
                break
            while taken < size:
                zone += before[neighbours[place, taken]]
                taken += 1
            for day in range(baseline, days):
                end = day + 1
                # A zone without a report today was as hot yesterday, by a shorter window.
                if zone[end] == zone[day]:
                    continue
                start = end - baseline
                n = float(total[end] - total[start])
                share = (zone[end] - zone[start]) / n
                for k in range(len(windows)):
                    count = zone[end] - zone[end - windows[k]]
                    e = share * whole[day, k]
                    over = count - e
                    # No logarithm where it cannot be more: x ln x - x + 1 <= (x - 1)^2 / 2 above 1,
                    # and <= (x - 1)^2 below. Where few are expected it needs no division either.
                    if count < FEWEST or over <= 0.0:
                        continue
                    if over * over <= most * e and 3.0 * e <= n:
                        continue
                    if n - e <= 0.0 or over * over * (0.5 / e + 1.0 / (n - e)) <= most:
                        continue
                    most = max(most, _statistic(float(count), e, n))
    return most


@njit(cache=True, nogil=True)
def _hits(
    before: Ints,
    total: Sums,
    neighbours: Ints,
    day: int,
    threshold: float,
    sizes: Sums,
    windows: Sums,
) -> list[tuple[int, int, int, int, float, float]]:
    found = [(0, 0, 0, 0, 0.0, 0.0) for _ in range(0)]
    end = day + 1
    start = max(0, end - BASELINE_DAYS)
    n = float(total[end] - total[start])
    for place in range(neighbours.shape[0]):
        taken = 0
        now = np.zeros(len(windows) + 2, dtype=np.int64)
        for size in sizes:
            if size > neighbours.shape[1]:
                break
            while taken < size:
                member = before[neighbours[place, taken]]
                for k in range(len(windows)):
                    now[k] += member[end] - member[end - windows[k]]
                now[-2] += member[end] - member[day]
                now[-1] += member[end] - member[start]
                taken += 1
            if now[-2] == 0:
                continue
            for k in range(len(windows)):
                c = float(now[k])
                e = now[-1] / n * (total[end] - total[end - windows[k]])
                over = c - e
                if c < FEWEST or over <= 0.0 or n - e <= 0.0:
                    continue
                if over * over * (0.5 / e + 1.0 / (n - e)) <= threshold:
                    continue
                t = _statistic(c, e, n)
                if t >= threshold:
                    found.append((place, size, windows[k], now[k], e, t))
    return found
