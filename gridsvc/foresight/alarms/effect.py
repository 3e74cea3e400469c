"""What a measure has changed at a place, with an interval, against places like it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridsvc.foresight.alarms.scan import Ints

Counts = NDArray[np.int64]

#: Fewer places do not tell how much counts vary from one to the other.
FEWEST_CONTROLS = 20
_MOST_CONTROLS = 40
#: Reports vary no less than this, as against Poisson: what seems less in few places is chance.
_LEAST_DISPERSION = 0.75
_COVER = 0.975


@dataclass(frozen=True, slots=True)
class Effect:
    """Reports after a measure by those before, over the same ratio at ``controls`` like places.

    0.4 is a fall by 60 %. ``low`` to ``high`` holds the true ratio in 95 % of such measures.
    """

    ratio: float
    low: float
    high: float
    before: int
    after: int
    controls: int


def effect(before: int, after: int, controls_before: Counts, controls_after: Counts) -> Effect:
    """The effect of counts at the place and at its like, (n,), in the same days.

    Half a report is added to each count (Haldane and Anscombe). The variance is that of Poisson
    counts times the dispersion of the controls (quasi-Poisson, by Pearson's statistic, 0.75 at
    least), with Student's quantile of n - 1. Raises ValueError with fewer than 20 controls or
    where these have no report.
    """
    from scipy.stats import t  # a second that only who measures waits for

    n = len(controls_before)
    all_before, all_after = float(controls_before.sum()), float(controls_after.sum())
    if n < FEWEST_CONTROLS or all_before + all_after == 0:
        raise ValueError(f"{n} controls with {all_before + all_after:.0f} reports tell nothing")
    ratio = (after + 0.5) / (before + 0.5) * (all_before + 0.5) / (all_after + 0.5)
    share = all_after / (all_before + all_after)
    each = (controls_before + controls_after).astype(np.float64)
    spread = each * share * (1.0 - share)
    off = (controls_after - each * share) ** 2
    known = spread > 0
    pearson = float((off[known] / spread[known]).sum()) / max(int(known.sum()) - 1, 1)
    of_counts = sum(1.0 / (x + 0.5) for x in (before, after, all_before, all_after))
    error = math.sqrt(max(pearson, _LEAST_DISPERSION) * of_counts) * float(t.ppf(_COVER, n - 1))
    wide = math.exp(error)
    return Effect(ratio, ratio / wide, ratio * wide, before, after, n)


def match_controls(
    yearly: Counts, zone: set[int], barred: set[int], neighbours: Ints
) -> list[Ints]:
    """Zones like a zone that share no place with it, with each other, nor with ``barred`` places.

    ``yearly`` (places,) counts the year before the alarm. They are as large as the zone, or, where
    there are fewer than 20 of that size, of the largest size of which there are; those whose year
    is nearest to the zone's come first. Empty where there are not enough places.
    """
    wanted = math.log(sum(int(yearly[one]) for one in zone) + 0.5) - math.log(len(zone))
    for size in sorted({1, 4, 9, 21} & set(range(1, len(zone) + 1)), reverse=True):
        if size > neighbours.shape[1]:
            continue
        sums = yearly[neighbours[:, :size]].sum(axis=1)
        off = np.abs(np.log(sums + 0.5) - math.log(size) - wanted)
        taken, found = zone | barred, []
        for place in np.argsort(off, kind="stable"):
            members = neighbours[place, :size]
            if taken.isdisjoint(members.tolist()) and sums[place] > 0:
                taken = taken | set(members.tolist())
                found.append(members)
                if len(found) == _MOST_CONTROLS:
                    break
        if len(found) >= FEWEST_CONTROLS:
            return found
    return []
