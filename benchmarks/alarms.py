"""`python -m benchmarks.alarms`: the alarms' error rates on simulated years, and their speed.

The figures of docs/alarms.md. ``quiet``: years without a hot place that alarm. ``planted``: after
how many days a doubling is found. ``effects``: how often the interval holds the true effect of a
measure. ``speed``: ten million reports.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.foresight.alarms.chronic import chronic
from gridsvc.foresight.alarms.effect import Counts, effect, match_controls
from gridsvc.foresight.alarms.scan import (
    BASELINE_DAYS,
    SIZES,
    Ints,
    cumulate,
    hits,
    touches,
    yearly_maximum,
)
from gridsvc.foresight.alarms.threshold import calibrate
from gridsvc.foresight.places import UNIT_GRID, Places, counted
from gridsvc.spatial.neighbourhoods import neighbourhoods
from gridsvc.spatial.plane import MetricPlane

_HEIGHT, _PLANTED_DAYS, _SOON = 100.0, 14, 7
_NEIGHBOURHOOD = 9


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A district of square cells; each cell's share of the reports, and how many a day has."""

    around: Ints
    shares: NDArray[np.float64]
    per_day: float
    season: float
    rng: np.random.Generator

    @classmethod
    def made(cls, side: int, per_day: float, seed: int, *, season: float = 0.4) -> World:
        """A world of ``side`` times ``side`` cells: a few are busy, most are not."""
        rng = np.random.default_rng(seed)
        around = neighbourhoods(
            np.argwhere(np.ones((side, side))).astype(np.float64) * _HEIGHT, SIZES[-1]
        )
        shares = rng.gamma(0.5, 1.0, side * side)
        return cls(around, shares / shares.sum(), per_day, season, rng)

    def reports(self, days: int) -> tuple[Ints, Ints]:
        """Place and day of each report: fewer at weekends, more in summer, everywhere alike."""
        day = np.arange(days)
        week = np.where(day % 7 < 5, 1.15, 0.625)
        season = 1.0 + self.season * np.sin(2 * math.pi * (day + self.rng.integers(365)) / 365)
        counts = self.rng.poisson(self.per_day * week * season)
        place = self.rng.choice(len(self.shares), int(counts.sum()), p=self.shares)
        return place.astype(np.int32), np.repeat(day, counts).astype(np.int32)

    def threshold(self, alpha: float, years: int) -> float:
        """As an office finds it from one year of its own."""
        place, day = self.reports(BASELINE_DAYS)
        seed = int(self.rng.integers(2**32))
        return calibrate(place, day, self.around, alpha=alpha, seed=seed, years=years).value

    def cumulated(self, days: int) -> Ints:
        """A history of so many days, ready to be scanned."""
        place, day = self.reports(days)
        return cumulate(place, day, places=len(self.shares), days=days)


def quiet(
    *, worlds: int, years: int, alpha: float, side: int, per_day: float, seed: int, shuffles: int
) -> int:
    """Of ``worlds`` times ``years`` years in which nothing was hot, those with an alarm."""
    alarmed = 0
    for number in range(worlds):
        world = World.made(side, per_day, seed + number)
        level = world.threshold(alpha, shuffles)
        for _ in range(years):
            before = world.cumulated(2 * BASELINE_DAYS)
            alarmed += yearly_maximum(before, world.around) >= level
    return alarmed


def planted(*, runs: int, base: float, side: int, per_day: float, seed: int) -> list[int | None]:
    """In which day of a doubling of 14 days it was found, in each run; None: in none.

    The neighbourhood is a cell with its 8 nearest, which have ``base`` reports a day in all at that
    time of the year.
    """
    found: list[int | None] = []
    for number in range(runs):
        world = World.made(side, per_day, seed + number, season=0.0)
        # An office calibrates once for many days: every 20th run is another one.
        if number % 20 == 0:
            level = world.threshold(0.05, 199)
        middle = int(world.rng.integers(len(world.shares)))
        zone = world.around[middle, :_NEIGHBOURHOOD]
        world.shares[zone] *= base / per_day / world.shares[zone].sum()
        world.shares[:] /= world.shares.sum()
        place, day = world.reports(BASELINE_DAYS + _PLANTED_DAYS)
        again = np.isin(place, zone) & (day >= BASELINE_DAYS)
        place, day = np.concatenate([place, place[again]]), np.concatenate([day, day[again]])
        before = cumulate(place, day, places=len(world.shares), days=BASELINE_DAYS + _PLANTED_DAYS)
        found.append(_first_day(before, world.around, level, set(zone.tolist())))
    return found


def _first_day(before: Ints, around: Ints, level: float, zone: set[int]) -> int | None:
    for n in range(1, _PLANTED_DAYS + 1):
        known = before[:, n : BASELINE_DAYS + n + 1] - before[:, n : n + 1]
        if any(touches(one, zone, around) for one in hits(known, around, level)):
            return n
    return None


def covered(*, runs: int, ratio: float, dispersion: float, seed: int) -> tuple[int, float]:
    """In how many runs the interval holds the true ratio, and the median ratio that was found.

    10 hot days before the measure and 28 after it; counts vary ``dispersion`` times as much as
    Poisson's, and what happens everywhere between the two has a factor of its own.
    """
    inside, ratios = 0, []
    for number in range(runs):
        world = World.made(30, 400.0, seed + number)
        rng, usual = world.rng, world.shares * world.per_day
        zone = set(world.around[int(rng.integers(len(usual))), :4].tolist())
        hot = np.where(np.isin(np.arange(len(usual)), list(zone)), 2.0, 1.0)
        yearly = rng.poisson(usual * BASELINE_DAYS).astype(np.int64)
        everywhere = rng.uniform(0.7, 1.4)
        was = _counts(rng, usual * hot * 10, dispersion)
        cooled = np.where(hot > 1.0, hot * ratio, 1.0)
        became = _counts(rng, usual * cooled * 28 * everywhere, dispersion)
        controls = match_controls(yearly, zone, set(), world.around)
        members = list(zone)
        sums = [(int(was[one].sum()), int(became[one].sum())) for one in controls]
        before, after = np.array(sums).T
        told = effect(int(was[members].sum()), int(became[members].sum()), before, after)
        inside += told.low <= ratio <= told.high
        ratios.append(told.ratio)
    return inside, median(ratios)


def _counts(rng: np.random.Generator, mean: NDArray[np.float64], dispersion: float) -> Counts:
    """Counts with a variance of ``dispersion`` times the mean (negative binomial)."""
    if dispersion > 1.0:
        mean = rng.gamma(mean / (dispersion - 1.0) + 1e-9, dispersion - 1.0)
    return rng.poisson(mean).astype(np.int64)


def speed(count: int) -> Iterator[str]:
    """Seconds for the density of so many reports, for a day's scan, and for a calibration."""
    rng = np.random.default_rng(18)
    side = 224  # 50,176 cells of 100 m: about as many as the inner districts have
    lon, lat = 116.3 + rng.random(count) * 0.262, 39.8 + rng.random(count) * 0.2
    day = rng.integers(0, BASELINE_DAYS, count, dtype=np.int32)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    west, south = 116.3 + x.ravel() * 0.262 / side, 39.8 + y.ravel() * 0.2 / side
    shapes = shapely.box(west, south, west + 0.262 / side, south + 0.2 / side)
    grids = Places(tuple(f"{n:08d}" for n in range(len(shapes))), shapes)
    plane = MetricPlane.at(116.43, 39.9)
    total = 0.0
    for cells in (UNIT_GRID, "h3-9"):
        begun = time.perf_counter()
        places, number = counted(cells, grids, lon, lat)
        np.bincount(number[number >= 0], minlength=len(places.codes))
        density = time.perf_counter() - begun
        around = places.around(plane, SIZES[-1])
        known = number >= 0
        before = cumulate(number[known], day[known], places=len(places.codes), days=BASELINE_DAYS)
        hits(before, around, 15.0)
        chronic(number[known], day[known], places=len(places.codes))
        total = time.perf_counter() - begun
        yield (
            f"{cells}: {count:,} reports in {len(places.codes):,} places: density {density:.1f} s,"
            f" with the scan {total:.1f} s"
        )
    world = World.made(56, count / 16 / BASELINE_DAYS, 1)
    begun = time.perf_counter()
    world.threshold(0.05, 199)
    took = time.perf_counter() - begun
    yield f"calibration of one district of 16 (3,136 cells, {count // 16:,} reports): {took:.0f} s"


def main() -> None:
    """Run one of the four, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms", description=__doc__)
    every = ("quiet", "planted", "effects", "speed")
    parser.add_argument("what", nargs="*", choices=[*every, []], default=list(every))
    parser.add_argument("--years", type=int, default=1_000, help="quiet years (1,000)")
    parser.add_argument("--runs", type=int, default=1_000, help="of each plant, each measure")
    parser.add_argument("--reports", type=int, default=10_000_000)
    chosen = parser.parse_args()
    if "quiet" in chosen.what:
        sets = {"worlds": 20, "years": chosen.years // 20, "side": 20, "shuffles": 199, "seed": 0}
        for alpha, per_day in ((0.05, 60.0), (0.05, 6.0)):
            n = quiet(alpha=alpha, per_day=per_day, **sets)
            share = n / (sets["worlds"] * sets["years"])
            _tell(f"quiet: {share:.1%} of years alarm at alpha {alpha:.0%}, {per_day:g} a day")
    if "planted" in chosen.what:
        for base in (3.0, 5.0, 7.0, 10.7):
            days = planted(runs=chosen.runs, base=base, side=20, per_day=200.0, seed=1_000)
            soon = sum(one is not None and one <= _SOON for one in days) / len(days)
            middle = median(_PLANTED_DAYS + 1 if one is None else one for one in days)
            _tell(f"planted: {base:g} a day doubled: {soon:.1%} within 7 days, median day {middle}")
    if "effects" in chosen.what:
        for ratio, dispersion in ((0.3, 1.0), (0.5, 2.0), (0.8, 2.0), (1.0, 3.0)):
            n, found = covered(runs=chosen.runs, ratio=ratio, dispersion=dispersion, seed=5_000)
            _tell(
                f"effects: {ratio:g} at dispersion {dispersion:g}: {n / chosen.runs:.1%} in the"
                f" interval, median {found:.2f}"
            )
    if "speed" in chosen.what:
        for line in speed(chosen.reports):
            _tell(line)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
