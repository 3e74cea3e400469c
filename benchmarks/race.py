"""One contender on one fixture, alone in a process of its own, on one core."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from benchmarks.contenders import CONTENDERS, OURS, primaries
from benchmarks.fixtures import STRATA, Fixture

__all__ = ["Result", "alone", "best_of", "one_core", "race"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Result:
    """What a contender did: points a second and wrong answers by stratum.

    `points`: how many random points it was timed on; `differences`: points whose primary area is
    another than the locator's, by stratum.
    """

    name: str
    tool: str
    points: int
    rates: dict[str, float] = field(default_factory=dict)
    differences: dict[str, int] = field(default_factory=dict)


def one_core() -> None:
    """Keep this process and all that it starts to one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"


def alone(function: Callable[..., _T], *arguments: Any) -> _T:
    """What `function` gives in a fresh process, so that memory and caches are its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def best_of(ask: Callable[[], _T], limit_s: float, rounds: int = 5) -> tuple[float, _T]:
    """Seconds of the fastest of at most `rounds` runs, and what it gave.

    No further run begins when `limit_s` have gone by.
    """
    best = float("inf")
    begun = time.perf_counter()
    for _ in range(rounds):
        start = time.perf_counter()
        found = ask()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - begun > limit_s:
            break
    return best, found


def race(name: str, fixture: Fixture, limit_s: float) -> Result:
    """Time the contender called `name` on each stratum of the fixture.

    On the random points it gets as many as it answers in about `limit_s`, at least 100,000 (the
    points are in no order, so the first of them are as random as all), of the other strata evenly
    chosen ones, as many as it answers in a quarter of that.
    """
    contender = next(one for one in (OURS, *CONTENDERS) if one.name == name)
    areas = fixture.areas()
    rates: dict[str, float] = {}
    differences: dict[str, int] = {}

    def run(stratum: str, chosen: slice, rounds: int) -> int:
        xs, ys = (values[chosen].copy() for values in fixture.points(stratum))
        with contender.enter(areas, xs, ys) as asked:
            seconds, found = best_of(asked.ask, limit_s, rounds)
            mine = primaries(asked.pairs(found), len(xs))
        differences[stratum] = int((mine != fixture.answers(stratum)[chosen]).sum())
        rates[stratum] = len(xs) / seconds
        return len(xs)

    run("random", slice(100_000), 1)
    points = run("random", slice(int(max(rates["random"] * limit_s, 100_000))), 3)
    for stratum in STRATA[1:]:
        least = rates["random"] * limit_s / 4.0
        step = math.ceil(len(fixture.points(stratum)[0]) / least)
        run(stratum, slice(None, None, step), 2)
    return Result(contender.name, contender.tool, points, rates, differences)
