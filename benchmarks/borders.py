"""How fast the border near a point is found: its distance, and who is behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.fixtures import LEVELS, strata
from benchmarks.locator import each_us
from benchmarks.race import best_of
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

__all__ = ["ASKED", "REACH_M", "STRATA", "Borders", "borders"]

Shapes = NDArray[np.object_]

ASKED = ("districts of Beijing", "streets of Beijing (approximate)")
REACH_M = 100.0
STRATA = ("random", "near border")
_ONE_BY_ONE = 20_000


@dataclass(frozen=True, slots=True)
class Borders:
    """What an answer for all levels of `ASKED` together costs, by stratum of `STRATA`.

    `one_us`: the median for one point, in microseconds; `rates`: of many, points a second.
    """

    one_us: dict[str, float]
    rates: dict[str, float]


def borders(count: int) -> Borders:
    """Ask for the borders near `count` points of each stratum, and near some one by one.

    What a point lies in is part of the answer: its own area and its claims are looked up too.
    """
    areas = [LEVELS[name]() for name in ASKED]
    levels = [_level(each) for each in areas]
    city = shapely.union_all(areas[0])
    shapely.prepare(city)

    def one(lon: float, lat: float) -> None:
        for locator, index in levels:
            claims = locator.claims(lon, lat)
            index.nearest(lon, lat, claims[0] if claims else -1, REACH_M, claims)

    one_us, rates = {}, {}
    points = strata(areas[-1], 3 * count, count, seed=13)
    for stratum in STRATA:
        xs, ys = points[stratum]
        inside = shapely.contains_xy(city, xs, ys)
        xs, ys = xs[inside][:count], ys[inside][:count]

        def many(xs: NDArray[np.float64] = xs, ys: NDArray[np.float64] = ys) -> None:
            for _, index in levels:
                index.nearest_many(xs, ys, REACH_M)

        many()
        rates[stratum] = len(xs) / best_of(many, 3.0)[0]
        some = list(zip(xs[:_ONE_BY_ONE].tolist(), ys[:_ONE_BY_ONE].tolist(), strict=True))
        one_us[stratum] = each_us(one, some)
    return Borders(one_us, rates)


def _level(areas: Shapes) -> tuple[Locator, BorderIndex]:
    codes = [str(index) for index in range(len(areas))]
    locator = Locator.build(list(areas), codes)
    return locator, BorderIndex.build(list(areas), codes, locator=locator)
