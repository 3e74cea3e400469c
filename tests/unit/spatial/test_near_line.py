"""Distances to lines are those of the ellipsoid, as a dense walk along the line tells them."""

from __future__ import annotations

import random

import numpy as np
import pyproj
import pytest
import shapely

from gridsvc.spatial.near_line import metres_to_lines

GEOD = pyproj.Geod(ellps="WGS84")


def by_walking(lon: float, lat: float, line: shapely.LineString) -> float:
    """The nearest of the points of a line, ever closer around the nearest one so far."""
    low, high = 0.0, 1.0
    for _ in range(6):
        shares = np.linspace(low, high, 4_001)
        xy = shapely.get_coordinates(shapely.line_interpolate_point(line, shares, normalized=True))
        away = GEOD.inv(np.full(len(xy), lon), np.full(len(xy), lat), xy[:, 0], xy[:, 1])[2]
        best, step = shares[int(np.argmin(away))], (high - low) / 4_000
        low, high = max(0.0, best - 2 * step), min(1.0, best + 2 * step)
    return float(np.min(away))


@pytest.mark.system(21)
@pytest.mark.parametrize("lat", [39.9, 28.4, 0.0, -33.9, 69.6])
def test_a_distance_is_that_of_a_dense_walk_with_the_geodesic(lat: float) -> None:
    chance = random.Random(21)
    for _ in range(25):
        lon = 116.3 + chance.uniform(-0.5, 0.5)
        corners = [
            (lon + chance.uniform(-0.003, 0.003), lat + chance.uniform(-0.003, 0.003))
            for _ in range(chance.randrange(2, 6))
        ]
        line = shapely.LineString(corners)
        place = lon + chance.uniform(-0.004, 0.004), lat + chance.uniform(-0.004, 0.004)
        found = float(metres_to_lines(*place, [line])[0])
        assert found == pytest.approx(by_walking(*place, line), abs=1e-4)


def test_of_no_lines_there_is_no_distance() -> None:
    assert metres_to_lines(116.3, 39.9, []).tolist() == []


def test_a_place_on_a_line_is_no_metre_away() -> None:
    line = shapely.LineString([(116.3, 39.9), (116.302, 39.9)])
    assert metres_to_lines(116.301, 39.9, [line])[0] == pytest.approx(0, abs=1e-6)
