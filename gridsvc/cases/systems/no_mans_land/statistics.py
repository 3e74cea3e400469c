"""The tests of the scan: whether cases near a border go worse than those inside.

Both tests compare two groups class by class, so that a border with other work than the inside is
not slow or refused for that alone, and both are permutation tests: they ask how the same outcomes
would fall if the place did not matter. (scipy.stats takes a second to import: only who tests
imports it.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeSums:
    """Outcomes summed by group and class, each of shape (groups, classes).

    ``cases`` and ``refused`` are counts (int64); ``score`` and ``square`` sum :func:`outlasting`
    and its square (float64).
    """

    cases: NDArray[np.int64]
    refused: NDArray[np.int64]
    score: Floats
    square: Floats

    def of(self, groups: NDArray[np.integer]) -> OutcomeSums:
        """The rows of these groups, in their order."""
        return OutcomeSums(
            self.cases[groups], self.refused[groups], self.score[groups], self.square[groups]
        )


def tally(
    group: NDArray[np.integer],
    case_class: NDArray[np.integer],
    refused: NDArray[np.bool_],
    score: Floats,
    *,
    groups: int,
    classes: int,
) -> OutcomeSums:
    """Sum the outcomes of n cases; all arrays have the shape (n,), a ``group`` of -1 is left out.

    ``group`` is below ``groups``, ``case_class`` below ``classes``.
    """
    kept = group >= 0
    cell = group[kept].astype(np.int64) * classes + case_class[kept]

    def summed(weights: Floats | None) -> Floats:
        sums = np.bincount(cell, weights=weights, minlength=groups * classes)
        return np.asarray(sums.reshape(groups, classes))

    return OutcomeSums(
        cases=summed(None).astype(np.int64),
        refused=np.rint(summed(refused[kept].astype(np.float64))).astype(np.int64),
        score=summed(score[kept]),
        square=summed(score[kept] ** 2),
    )


def outlasting(
    duration: Floats, closed: NDArray[np.bool_], case_class: NDArray[np.integer]
) -> Floats:
    """How much longer than others of its class each case took, from -1 to 1 (float64, (n,)).

    Gehan's score: the share of the class that it surely outlasted less the share that surely
    outlasted it. A case still open (``closed`` False) took at least its ``duration``: it outlasted
    what closed before, and nothing surely outlasted it. Without open cases the sum of these scores
    is the statistic of Mann and Whitney.
    """
    scores = np.zeros(len(duration))
    by_class = np.argsort(case_class, kind="stable")
    ends = np.flatnonzero(np.diff(case_class[by_class])) + 1
    for members in np.split(by_class, ends):
        if len(members) < 2:
            continue
        lasted, over = duration[members], closed[members]
        finished = np.sort(lasted[over])
        unfinished = np.sort(lasted[~over])
        strictly = np.searchsorted(finished, lasted, side="left")
        at_most = np.searchsorted(finished, lasted, side="right")
        longer = (len(finished) - at_most) + (
            len(unfinished) - np.searchsorted(unfinished, lasted, side="left")
        )
        score = np.where(over, strictly - longer, at_most)
        scores[members] = score / (len(members) - 1)
    return scores


def longer_p(near: OutcomeSums, inside: OutcomeSums) -> Floats:
    """Chance of durations near that are together as long as these or longer, float64 (rows,).

    ``near`` and ``inside`` have the same rows. One-sided rank test (Mann-Whitney with Gehan's
    scores, summed over the classes as van Elteren does), with the variance of the permutations and
    the normal distribution. 1 where nothing can be compared.
    """
    from scipy.stats import norm

    n, m = near.cases.astype(np.float64), inside.cases.astype(np.float64)
    total = n + m
    usable = (n > 0) & (m > 0)
    size = np.where(usable, total, 2.0)
    mean = np.where(usable, (near.score + inside.score) / size, 0.0)
    spread = np.where(usable, near.square + inside.square - size * mean**2, 0.0)
    variance = (n * m / (size * (size - 1.0)) * np.maximum(spread, 0.0)).sum(axis=1)
    excess = np.where(usable, near.score - n * mean, 0.0).sum(axis=1)
    deviation = np.sqrt(variance)
    z = np.divide(excess, deviation, out=np.full(len(excess), -np.inf), where=deviation > 1e-12)
    return np.asarray(norm.sf(z), dtype=np.float64)


def more_often_p(near: OutcomeSums, inside: OutcomeSums) -> Floats:
    """Chance of so many refused or returned cases near, or more, float64 (rows,).

    One-sided exact test: Fisher's in each class, the classes together by the distribution of their
    sum (the exact form of the test of Mantel and Haenszel).
    """
    chances = np.ones(len(near.cases))
    together = near.refused + inside.refused
    usable = (near.cases > 0) & (inside.cases > 0) & (together > 0)
    observed = np.where(usable, near.refused, 0).sum(axis=1)
    row, k = np.nonzero(usable & (observed > 0)[:, None])
    if not len(row):
        return chances
    n, m, of = near.cases[row, k], inside.cases[row, k], together[row, k]
    fewest, most = np.maximum(0, of - m), np.minimum(n, of)
    # Every number that can fall on the border, of all rows and classes one behind the other.
    ends = np.cumsum(most - fewest + 1)
    each = np.repeat(np.arange(len(row)), most - fewest + 1)
    x = np.arange(ends[-1]) - np.concatenate([[0], ends[:-1]])[each] + fewest[each]
    # The hypergeometric distribution by logarithms: scipy.stats takes 10 µs for each number, and
    # shuffling asks for some hundred thousand a time.
    log = (
        _log_choose(n[each], x)
        + _log_choose(m[each], of[each] - x)
        - _log_choose((n + m)[each], of[each])
    )
    ways = np.split(np.exp(log), ends[:-1])
    first = np.flatnonzero(np.diff(row, prepend=-1))
    lowest = np.add.reduceat(fewest, first)
    for at, begin, end in zip(row[first], first, [*first[1:], len(row)], strict=True):
        distribution = reduce(np.convolve, ways[begin:end])
        beyond = observed[at] - lowest[np.searchsorted(first, begin)]
        chances[at] = min(1.0, float(distribution[beyond:].sum()))
    return chances


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64]) -> Floats:
    from scipy.special import betaln

    return np.asarray(-np.log1p(n) - betaln(n - k + 1, k + 1), dtype=np.float64)


def false_discovery_rates(p: Floats) -> Floats:
    """The q of each p: the share of false alarms among what is at least as clear, (n,).

    Benjamini and Hochberg's step-up procedure.
    """
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p, method="bh"), dtype=np.float64)


def median_duration(duration: Floats, closed: NDArray[np.bool_]) -> float | None:
    """The duration that half of the cases outlast, open ones counted as Kaplan and Meier do.

    None when fewer than half are known to have ended, or when there are no cases.
    """
    from scipy.stats import CensoredData, ecdf

    if not len(duration):
        return None
    surviving = ecdf(CensoredData.right_censored(duration, ~closed)).sf
    half = np.flatnonzero(surviving.probabilities <= 0.5 + 1e-12)
    return float(surviving.quantiles[half[0]]) if len(half) else None
