"""One contender on one fixture, alone in a process of its own, on one core."""

from __future__ import annotations

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
    points are in no order, so the first of them are as random as all).
    """
    contender = next(one for one in (OURS, *CONTENDERS) if one.name == name)
    areas = fixture.areas()
    rates: dict[str, float] = {}
    differences: dict[str, int] = {}
    points = 0

    def run(stratum: str, count: int | None, rounds: int) -> float:
        xs, ys = (values[:count].copy() for values in fixture.points(stratum))
        with contender.enter(areas, xs, ys) as asked:
            seconds, found = best_of(asked.ask, limit_s, rounds)
            mine = primaries(asked.pairs(found), len(xs))
        differences[stratum] = int((mine != fixture.answers(stratum)[: len(xs)]).sum())
        rates[stratum] = len(xs) / seconds
        return seconds

    trial = min(100_000, len(fixture.points("random")[0]))
    seconds = run("random", trial, 1)
    points = int(min(len(fixture.points("random")[0]), max(trial, trial * limit_s / seconds)))
    run("random", points, 3)
    for stratum in STRATA[1:]:
        run(stratum, None, 2)
    return Result(contender.name, contender.tool, points, rates, differences)
