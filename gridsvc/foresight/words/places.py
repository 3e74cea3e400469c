"""Puts reports together to the places that they are about, by address and by distance; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.cases.intake.address import (
    Compared,
    compare,
    door_of,
    names_nothing_else,
    same_door,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

#: A door that is written in two ways has its middles no farther apart.
_WRITTEN_TWICE_M = 100.0
#: Who gives a number alone is at the nearest door of that number, and who names none at the nearest
#: one, so far away, if another is so many times as far.
_BARE_M, _NO_DOOR_M, _CLEARLY_NEARER = 80.0, 40.0, 1.5
#: What is left is with others of the same address so far from each other.
_TOGETHER_M = 20.0


@dataclass(slots=True)
class _Group:
    """Reports at one door: the ways in which it is written, and which reports, by position."""

    keys: set[str]
    members: list[int] = field(default_factory=list)


def place_labels(xy: Floats, keys: Sequence[str | None], *, named_m: float) -> Labels:
    """The place of each report, as a number from 0 in the order of the first report of each.

    ``xy`` (n, 2) are metres in a plane, ``keys`` place keys of
    :func:`gridsvc.cases.intake.address.place_key`, None where no address was given. Reports with
    one address are one place where their points follow each other within ``named_m``.

    A place is a door or a building. First the same address; then addresses that can be the same
    and lie near each other, the nearest first, as long as none contradicts another; then those that
    give a number alone or no door at all, where one door is clearly the nearest. What is left stays
    alone.
    """
    doors = [None if key is None else door_of(key) for key in keys]
    bare = [door is not None and names_nothing_else(door) for door in doors]
    named = {n: door for n, door in enumerate(doors) if door is not None and not bare[n]}
    groups = list(_one_address(xy, named, named_m))
    _join_written_twice(xy, groups)
    groups = [group for group in groups if group.members]
    lone = [n for n in range(len(keys)) if n not in named]
    groups += _give_nearest(xy, keys, groups, lone)
    labels = np.empty(len(keys), dtype=np.int64)
    for label, group in enumerate(sorted(groups, key=lambda one: min(one.members))):
        labels[group.members] = label
    return labels


def nearest_places(
    xy: Floats, keys: Sequence[str | None], known: Labels, *, named_m: float
) -> Labels:
    """The places of reports that came later: the first ``len(known)`` of them have theirs.

    A later report is at the place with whose reports it is put together; -1 is a place that nobody
    knew. No known place changes by it.
    """
    together = place_labels(xy, keys, named_m=named_m)
    later = np.full(len(keys) - len(known), -1, dtype=np.int64)
    for n, label in enumerate(together[len(known) :]):
        before = known[together[: len(known)] == label]
        if len(before):
            # Of places that only a later report ties to each other, the one with more reports.
            later[n] = np.bincount(before).argmax()
    return later


def _one_address(xy: Floats, doors: Mapping[int, str], named_m: float) -> Iterator[_Group]:
    """The reports of each door, apart where their points lie too far from each other."""
    by_door: dict[str, list[int]] = {}
    for n, door in doors.items():
        by_door.setdefault(door, []).append(n)
    for door, members in by_door.items():
        for chain in _chains(xy[members], named_m):
            yield _Group({door}, [members[n] for n in chain])


def _chains(xy: Floats, within_m: float) -> list[list[int]]:
    """Points of which each is near another of its chain, by their positions."""
    if len(xy) == 1:
        return [[0]]
    chain = list(range(len(xy)))

    def root(n: int) -> int:
        while chain[n] != n:
            chain[n] = chain[chain[n]]
            n = chain[n]
        return n

    for one, other in zip(*_near(xy, within_m), strict=True):
        first, second = sorted((root(int(one)), root(int(other))))
        chain[second] = first
    found: dict[int, list[int]] = {}
    for n in range(len(xy)):
        found.setdefault(root(n), []).append(n)
    return list(found.values())


def _near(xy: Floats, within_m: float) -> tuple[Labels, Labels]:
    """Pairs of points within so many metres, the smaller position first."""
    points = shapely.points(xy)
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=within_m)
    before = one < other
    return one[before], other[before]


def _middles(xy: Floats, groups: Sequence[_Group]) -> Floats:
    return np.array([xy[group.members].mean(axis=0) for group in groups]).reshape(-1, 2)


def _join_written_twice(xy: Floats, groups: list[_Group]) -> None:
    """Join groups whose addresses can be one; what was joined is left without members."""
    if not groups:
        return
    middles = _middles(xy, groups)
    one, other = _near(middles, _WRITTEN_TWICE_M)
    far = np.hypot(*(middles[one] - middles[other]).T)
    into = list(range(len(groups)))
    for n in np.lexsort((other, one, far)):
        first, second = int(one[n]), int(other[n])
        while into[first] != first:
            first = into[first]
        while into[second] != second:
            second = into[second]
        first, second = sorted((first, second))
        mine, yours = groups[first], groups[second]
        if first != second and all(same_door(a, b) for a in mine.keys for b in yours.keys):
            mine.keys |= yours.keys
            mine.members += yours.members
            yours.members, into[second] = [], first


def _give_nearest(
    xy: Floats, keys: Sequence[str | None], groups: Sequence[_Group], lone: Sequence[int]
) -> list[_Group]:
    """Give each report without a door of its own to the clearly nearest; the rest as groups."""
    left: dict[str | None, list[int]] = {}
    if groups:
        middles = _middles(xy, groups)
        tree = shapely.STRtree(shapely.points(middles))
    given: list[tuple[int, int]] = []
    for n in lone:
        key = keys[n]
        door = None if key is None else door_of(key)
        reach_m = _NO_DOOR_M if door is None else _BARE_M
        far: list[tuple[float, int]] = []
        if groups:
            around = shapely.Point(xy[n]).buffer(_CLEARLY_NEARER * reach_m)
            for place in tree.query(around):
                if _can_be(key, door, groups[place]):
                    far.append((float(np.hypot(*(middles[place] - xy[n]))), int(place)))
        far.sort()
        clear = len(far) < 2 or far[1][0] >= _CLEARLY_NEARER * far[0][0]
        if far and far[0][0] <= reach_m and clear:
            given.append((n, far[0][1]))
        else:
            left.setdefault(key, []).append(n)
    for n, place in given:
        groups[place].members.append(n)
    return [
        _Group(set(), [members[n] for n in chain])
        for members in left.values()
        for chain in _chains(xy[members], _TOGETHER_M)
    ]


def _can_be(key: str | None, door: str | None, group: _Group) -> bool:
    """Whether an address can be that of a group."""
    if key is None:
        return True
    if door is not None:
        return any(same_door(door, one) for one in group.keys)
    return all(compare(key, one) is not Compared.OTHER for one in group.keys)
