"""All tools of the benchmark give the answers of the locator, so that only their speed differs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from benchmarks.contenders import CONTENDERS, OURS, Contender, primaries
from benchmarks.fixtures import mosaic, strata, unit_grids
from gridsvc.spatial.locator import Locator

_AREAS = unit_grids(400, seed=3)
_POINTS = strata(_AREAS, 2_000, 500, seed=4)


def answers(contender: Contender, strata: tuple[str, ...]) -> NDArray[np.int32]:
    if missing := contender.missing():
        pytest.skip(f"{missing} is not installed: scripts/setup.sh bench installs it")
    xs, ys = np.concatenate([_POINTS[stratum] for stratum in strata], axis=1)
    with contender.enter(_AREAS, xs, ys) as asked:
        return primaries(asked.pairs(asked.ask()), len(xs))


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda it: it.name)
def test_every_tool_gives_the_answers_of_the_locator(contender: Contender) -> None:
    strata: tuple[str, ...] = ("random", "interior", "near border")
    if contender.tool != "SedonaDB":  # it has another idea of who owns a point on a border
        strata += ("on border",)
    assert np.array_equal(answers(contender, strata), answers(OURS, strata))


def test_a_coverage_of_unit_grids_has_no_gap() -> None:
    xs, ys = _POINTS["random"]
    locator = Locator.build(list(_AREAS), [str(index) for index in range(len(_AREAS))])
    assert (locator.locate(xs, ys) >= 0).all()


def test_a_mosaic_has_as_many_valid_areas_as_asked_for() -> None:
    tiles = mosaic(60_000, seed=5)
    assert abs(len(tiles) - 60_000) < 60
    locator = Locator.build(list(tiles), [str(index) for index in range(len(tiles))])
    random = np.random.default_rng(6)
    x0, y0, x1, y1 = 114.0, 38.5, 114.2, 38.6
    found = locator.locate(random.uniform(x0, x1, 1000), random.uniform(y0, y1, 1000))
    assert (found >= 0).all()


def test_strata_keep_their_distance_from_borders() -> None:
    borders = shapely.union_all(shapely.boundary(_AREAS))
    narrow = np.cos(np.radians(39.96))
    borders = shapely.transform(borders, lambda xy: xy * (narrow, 1.0))
    shapely.prepare(borders)
    for stratum, low, high in (("interior", 9.0, 1e9), ("near border", 0.0, 1.1)):
        xs, ys = _POINTS[stratum]
        metres = shapely.distance(shapely.points(xs * narrow, ys), borders) * 111_200.0
        assert metres.min() >= low
        assert metres.max() <= high
