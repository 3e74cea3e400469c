"""Chronic places: busy month after month. Their own past expects it, so that they do not alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridsvc.foresight.alarms.scan import BASELINE_DAYS, FEWEST, Ints

#: Blocks of 30 days, the last of which ends with the scanned day.
BLOCKS, BLOCK_DAYS = 12, 30
#: In so many of them a chronic place has so many times what a place with reports has on average.
OFTEN, TIMES = 9, 3.0
_MOST = 200


@dataclass(frozen=True, slots=True)
class Chronic:
    """A chronic place: its number, its reports in the year, and in how many blocks it was busy."""

    place: int
    count: int
    blocks: int


def chronic(place: Ints, day: Ints, *, places: int) -> list[Chronic]:
    """The chronic places of a baseline's reports, the busiest first, at most 200.

    A place is busy in a block of 30 days with 5 reports or more that are 3 times the average of all
    places with a report in the year; a chronic one is so in 9 of the last 12 blocks. ``place`` and
    ``day`` (n,) as for :func:`gridsvc.foresight.alarms.scan.cumulate`.
    """
    block = (day.astype(np.int64) - (BASELINE_DAYS - BLOCKS * BLOCK_DAYS)) // BLOCK_DAYS
    known = block >= 0
    cell = place[known].astype(np.int64) * BLOCKS + block[known]
    counts = np.bincount(cell, minlength=places * BLOCKS).reshape(places, BLOCKS)
    year = counts.sum(axis=1)
    usual = counts.sum(axis=0) / max(int((year > 0).sum()), 1)
    busy = (counts >= np.maximum(FEWEST, TIMES * usual)).sum(axis=1)
    found = np.flatnonzero(busy >= OFTEN)
    order = found[np.lexsort((found, -year[found]))][:_MOST]
    return [Chronic(int(one), int(year[one]), int(busy[one])) for one in order]
