"""The cost as the number of areas grows at the density of unit grids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.fixtures import mosaic, random_points
from benchmarks.locator import measured, warm
from benchmarks.race import best_of
from gridsvc.spatial.locator import Locator

__all__ = ["Size", "size"]


@dataclass(frozen=True, slots=True)
class Size:
    """One size: seconds, MB, and points a second of the locator and of shapely's STRtree."""

    areas: int
    build_s: float
    peak_mb: float
    index_mb: float
    rate: float
    tree_build_s: float
    tree_rate: float
    differences: int


def size(count: int, points: int, tree_points: int) -> Size:
    """Build and ask a mosaic of about `count` areas."""
    warm()
    areas = mosaic(count, seed=11)
    xs, ys = random_points(areas, points, seed=12)
    given = list(areas)
    codes = [str(index) for index in range(len(areas))]
    locator, build_s, peak_mb = measured(lambda: Locator.build(given, codes))
    seconds, found = best_of(lambda: locator.locate(xs, ys), 3.0)
    geometries = shapely.points(xs[:tree_points], ys[:tree_points])

    def plant() -> shapely.STRtree:
        tree = shapely.STRtree(areas)
        tree.query(shapely.Point(0, 0))  # the tree is made at the first question
        return tree

    tree, tree_build_s, _ = measured(plant)
    tree_seconds, (which, area) = best_of(
        lambda: tree.query(geometries, predicate="intersects"), 1.0, 3
    )
    expected = np.full(tree_points, len(areas))
    np.minimum.at(expected, which, area)
    expected[expected == len(areas)] = -1
    return Size(
        areas=len(areas),
        build_s=build_s,
        peak_mb=peak_mb,
        index_mb=locator.nbytes / 1e6,
        rate=points / seconds,
        tree_build_s=tree_build_s,
        tree_rate=tree_points / tree_seconds,
        differences=int((expected != found[:tree_points]).sum()),
    )
