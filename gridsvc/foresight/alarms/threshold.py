"""From which statistic on a scan alarms, so that a year without a hot place does so with alpha."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gridsvc.foresight.alarms.scan import BASELINE_DAYS, Ints, cumulate, yearly_maximum

#: Years that are shuffled.
YEARS = 199
_EULER = 0.577_215_664_901_532_9
#: One-sided, 95 %.
_UPPER = 1.644_853_626_951_472_2


@dataclass(frozen=True, slots=True)
class Threshold:
    """The statistic from which on a scan alarms, and of how many shuffled years it was read."""

    value: float
    alpha: float
    years: int


def calibrate(
    place: Ints, day: Ints, neighbours: Ints, *, alpha: float, seed: int, years: int = YEARS
) -> Threshold:
    """The threshold of a history of reports, for a chance of ``alpha`` of any alarm in a year.

    In each of ``years`` the days of the reports are dealt anew among them: what each place has in
    all, and what each day has, stays; where and when are no longer bound together. The largest
    statistics of such years follow a Gumbel distribution; of its 1 - ``alpha`` quantile (fitted by
    moments) the upper 95 % limit is taken, so that it errs on the side of silence.

    ``place`` and ``day`` (n,): as for :func:`cumulate`, of one baseline's days. The same seed gives
    the same threshold, on any number of cores.
    """
    if not len(place):
        return Threshold(math.inf, alpha, years)
    # A year of scans looks back on another one, of the same places and days.
    places, twice = neighbours.shape[0], np.concatenate([place, place])
    when = np.concatenate([day, day + np.int32(BASELINE_DAYS)])

    def shuffled(child: np.random.SeedSequence) -> float:
        dealt = np.random.default_rng(child).permutation(twice)
        before = cumulate(dealt, when, places=places, days=2 * BASELINE_DAYS)
        return yearly_maximum(before, neighbours)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        maxima = list(pool.map(shuffled, np.random.SeedSequence(seed).spawn(years)))
    return Threshold(upper_quantile(np.array(maxima), alpha), alpha, years)


def upper_quantile(maxima: np.ndarray, alpha: float) -> float:
    """The upper 95 % limit of the 1 - ``alpha`` quantile of the Gumbel distribution of maxima.

    The variance is that of the estimate by moments (Phien, Journal of Hydrology 1987).
    """
    scale = float(np.std(maxima, ddof=1)) * math.sqrt(6.0) / math.pi
    y = -math.log(-math.log1p(-alpha))
    quantile = float(np.mean(maxima)) + scale * (y - _EULER)
    variance = scale * scale / len(maxima) * (1.1678 + 0.1919 * y + 1.1 * y * y)
    return quantile + _UPPER * math.sqrt(variance)
