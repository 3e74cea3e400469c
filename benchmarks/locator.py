"""What is asked of the locator alone: build, file, memory, opening, one point, levels, limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from benchmarks.fixtures import LEVELS, STRATA, Fixture, strata
from benchmarks.race import best_of
from gridsvc.spatial.locator import Locator

__all__ = ["Built", "Level", "build", "each_us", "gather", "level", "measured", "warm"]

_T = TypeVar("_T")
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Built:
    """A locator's cost on a fixture; rates in points a second, by stratum."""

    areas: int
    vertices: int
    build_s: float
    peak_mb: float
    index_mb: float
    file_mb: float
    open_ms: float
    one_us: float
    claims_us: float
    rates: dict[str, float]
    gather: float


@dataclass(frozen=True, slots=True)
class Level:
    """The same for a level of real areas, shorter."""

    name: str
    areas: int
    vertices: int
    build_s: float
    index_mb: float
    rates: dict[str, float]


def warm() -> None:
    """Have everything compiled before the clock starts."""
    squares = shapely.box(np.arange(9.0), 0.0, np.arange(9.0) + 1.0, 1.0)
    locator = Locator.build(list(squares), [str(index) for index in range(9)])
    for count in (10, 200_000):
        xs = np.linspace(-1.0, 10.0, count)
        locator.locate(xs, np.full(count, 0.5))
        locator.locate(xs[::-1].copy(), np.linspace(-1.0, 2.0, count))
    locator.locate_one(0.5, 0.5)
    locator.claims(1.0, 0.5)


def _status(key: str) -> float:
    """A line of /proc/self/status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024 / _MB
    raise LookupError(key)


def measured(function: Callable[[], _T]) -> tuple[_T, float, float]:
    """What the function gave, its seconds, and the MB that it took at the most beyond before."""
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    start = time.perf_counter()
    found = function()
    return found, time.perf_counter() - start, _status("VmHWM") - before


@njit(cache=True, nogil=True)
def _gather(table: NDArray[np.int32], places: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    for i in range(places.size):
        out[i] = table[places[i]]


def gather(nbytes: int, count: int) -> float:
    """Random reads a second from a table of `nbytes`: the least that a look-up has to do."""
    size = max(nbytes // 4, 1)
    table = np.arange(size, dtype=np.int32)
    places = np.random.default_rng(5).integers(0, size, count).astype(np.int32)
    out = np.empty(count, np.int32)
    _gather(table, places[:10], out)
    return count / best_of(lambda: _gather(table, places, out), 5.0)[0]


def each_us(ask: Callable[[float, float], object], points: list[tuple[float, float]]) -> float:
    """The median of single calls, in microseconds; the clock's own time is in it."""
    clock = time.perf_counter_ns
    took = []
    for x, y in points:
        start = clock()
        ask(x, y)
        took.append(clock() - start)
    return median(took) / 1000.0


def build(fixture: Fixture) -> Built:
    """Build, save, open and ask; keep the answers for the others to be compared with."""
    warm()
    areas = list(fixture.areas())
    codes = [f"1101{index:08d}" for index in range(len(areas))]
    locator, build_s, peak_mb = measured(lambda: Locator.build(areas, codes))
    path = fixture.folder / "index.locator"
    locator.save(path)
    openings = [best_of(lambda: Locator.open(path), 0.0, 1)[0] for _ in range(9)]
    opened = Locator.open(path)
    rates = {}
    for stratum in STRATA:
        xs, ys = fixture.points(stratum)
        seconds, answers = best_of(partial(opened.locate, xs, ys), 5.0, 7)
        fixture.keep_answers(stratum, answers)
        rates[stratum] = len(xs) / seconds
    xs, ys = fixture.points("random")
    some = list(zip(xs[:100_000].tolist(), ys[:100_000].tolist(), strict=True))
    return Built(
        areas=len(areas),
        vertices=int(shapely.get_num_coordinates(areas).sum()),
        build_s=build_s,
        peak_mb=peak_mb,
        index_mb=locator.nbytes / _MB,
        file_mb=path.stat().st_size / _MB,
        open_ms=median(openings) * 1000.0,
        one_us=each_us(opened.locate_one, some),
        claims_us=each_us(opened.claims, some),
        rates=rates,
        gather=gather(locator.nbytes, len(xs)),
    )


def level(name: str, count: int) -> Level:
    """Build one of `LEVELS` and ask it `count` points of each stratum."""
    warm()
    areas = LEVELS[name]()
    locator, build_s, _ = measured(
        lambda: Locator.build(list(areas), [str(index) for index in range(len(areas))])
    )
    rates = {}
    for stratum, (xs, ys) in strata(areas, count, count // 5, seed=7).items():
        seconds, _ = best_of(partial(locator.locate, xs, ys), 2.0, 5)
        rates[stratum] = len(xs) / seconds
    return Level(
        name,
        len(areas),
        int(shapely.get_num_coordinates(areas).sum()),
        build_s,
        locator.nbytes / _MB,
        rates,
    )
