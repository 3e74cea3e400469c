"""Children by age and street in the years to come: cohorts that age, move and are born; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rates of a street lean on its district's as if so many more children had been seen there.
_LEAN_ON = 200.0
#: Years from which rates are taken, and of births that are averaged.
_RATE_YEARS, _BIRTH_YEARS = 3, 3
#: So many standard deviations on both sides hold 90 % of what comes.
_Z_90 = 1.645
#: As many forecasts of the past at least say how wrong one can be.
_LEAST_ORIGINS = 3
#: Years of history without which nothing is told.
LEAST_YEARS = 2


@dataclass(frozen=True, slots=True)
class History:
    """What was counted at the end of each of some years without a gap, the oldest first.

    ``residents`` (years, streets, ages from 0); ``moves`` of the same shape, those who came less
    those who left in the year, by their age at its end; ``births`` (years, streets).
    """

    years: tuple[int, ...]
    streets: tuple[str, ...]
    residents: Floats
    moves: Floats
    births: Floats

    def until(self, count: int) -> History:
        """The first years alone."""
        return History(
            self.years[:count],
            self.streets,
            self.residents[:count],
            self.moves[:count],
            self.births[:count],
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """Children (streets,) of the asked ages, and the bounds of a 90 % interval.

    The bounds are None where the history is too short to say how wrong forecasts were.
    """

    children: Floats
    low: Floats | None
    high: Floats | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Forecasts of the past against what came.

    ``mase``: mean absolute error over that of the seasonal naive forecast (the last count of the
    same autumn stays) in the years before each; ``naive_mase`` is that of the naive forecast
    itself. ``covered``: the share of counts inside the 90 % interval.
    """

    forecasts: int
    mase: float
    naive_mase: float
    covered: float


def forecast(history: History, ahead: int) -> Floats:
    """Residents (streets, ages) so many years after the last one of the history."""
    now: Floats = history.residents[-1]
    rates = _net_rates(history)
    births = _births(history, ahead)
    for year in range(ahead):
        newborn = births[year] * (1 + rates[:, 0])
        older = now[:, :-1] * (1 + rates[:, 1:])
        now = np.column_stack([newborn, older])
    return now


def expect(history: History, ages: Sequence[int], ahead: int) -> Expected:
    """Children of these ages in each street so many years ahead."""
    children = forecast(history, ahead)[:, list(ages)].sum(axis=1)
    spread = _dispersion(history, ages, ahead)
    if spread is None:
        return Expected(children, None, None)
    margin = _Z_90 * np.sqrt(spread * np.maximum(children, 1.0))
    return Expected(children, np.maximum(children - margin, 0.0), children + margin)


def backtest(history: History, ages: Sequence[int], ahead: int, *, first: int) -> Backtest:
    """Forecast each year from the ``first`` position on with what was known ``ahead`` years before.

    Streets are weighed alike. Raises ValueError where no such year has a history of its own.
    """
    truth = history.residents[:, :, list(ages)].sum(axis=2)
    errors, naive, covered = [], [], []
    for origin in range(max(first - ahead, LEAST_YEARS - 1, ahead), len(history.years) - ahead):
        known = history.until(origin + 1)
        expected = expect(known, ages, ahead)
        came, before = truth[origin + ahead], truth[: origin + 1]
        scale = np.maximum(np.abs(before[ahead:] - before[:-ahead]).mean(axis=0), 1.0)
        errors.append(np.abs(expected.children - came) / scale)
        naive.append(np.abs(before[-1] - came) / scale)
        if expected.low is not None and expected.high is not None:
            covered.append((expected.low <= came) & (came <= expected.high))
    if not errors:
        raise ValueError("the history is too short for a forecast of the past")
    return Backtest(
        forecasts=len(errors),
        mase=float(np.mean(errors)),
        naive_mase=float(np.mean(naive)),
        covered=float(np.mean(covered)) if covered else float("nan"),
    )


def _net_rates(history: History) -> Floats:
    """Net moves (streets, ages) by those who could have moved, of the last years.

    A street with few children leans on the rate of the whole.
    """
    years = min(_RATE_YEARS, len(history.years) - 1)
    before = history.residents[-years - 1 : -1]
    moves = history.moves[-years:].sum(axis=0)
    born = history.births[-years:].sum(axis=0)
    exposed = np.column_stack([born, before[:, :, :-1].sum(axis=0)])
    whole = moves.sum(axis=0) / np.maximum(exposed.sum(axis=0), 1.0)
    rates: Floats = (moves + _LEAN_ON * whole) / (exposed + _LEAN_ON)
    return rates


def _births(history: History, ahead: int) -> Floats:
    """Births (years ahead, streets): each street's mean, which changes as those of all do."""
    last = history.births[-_BIRTH_YEARS:]
    mean = last.mean(axis=0)
    totals = last.sum(axis=1)
    yearly = 1.0
    if len(totals) > 1 and totals.min() > 0:
        yearly = float((totals[-1] / totals[0]) ** (1 / (len(totals) - 1)))
    # The mean is that of the middle of its years.
    middle = (len(totals) - 1) / 2
    return np.array([mean * yearly ** (middle + year) for year in range(1, ahead + 1)])


def _dispersion(history: History, ages: Sequence[int], ahead: int) -> float | None:
    """The mean squared error of past forecasts by child forecast, 1 at least; None for too few."""
    squared, children = 0.0, 0.0
    origins = range(LEAST_YEARS - 1, len(history.years) - ahead)
    if len(origins) < _LEAST_ORIGINS:
        return None
    for origin in origins:
        made = forecast(history.until(origin + 1), ahead)[:, list(ages)].sum(axis=1)
        came = history.residents[origin + ahead][:, list(ages)].sum(axis=1)
        squared += float(np.square(came - made).sum())
        children += float(made.sum())
    return max(squared / max(children, 1.0), 1.0)
