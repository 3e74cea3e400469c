from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Geod

from gridsvc.spatial.borderland import stretches_of
from tests.plane import PLANE

GEOD = Geod(ellps="WGS84")
#: Four squares of about 850 m around 116.31 39.89: south-west, north-west, south-east, north-east.
SW, NW = shapely.box(116.30, 39.88, 116.31, 39.89), shapely.box(116.30, 39.89, 116.31, 39.90)
SE, NE = shapely.box(116.31, 39.88, 116.32, 39.89), shapely.box(116.31, 39.89, 116.32, 39.90)
LON_M = 85_480.0


def test_borders_are_cut_into_stretches_that_are_no_longer_than_asked() -> None:
    found = stretches_of([SW, NW, SE, NE], plane=PLANE, longest_m=300.0, seam_m=5.0)
    metres = [GEOD.geometry_length(line) for line in found.lines]
    assert max(metres) <= 300.5
    assert found.metres.tolist() == pytest.approx(metres, rel=1e-3)
    by_sides: dict[tuple[int, ...], float] = {}
    for sides, length in zip(found.sides.tolist(), metres, strict=True):
        by_sides[tuple(sides)] = by_sides.get(tuple(sides), 0.0) + length
    # The squares that touch at a corner only have no border.
    assert set(by_sides) == {(0, 1), (0, 2), (1, 3), (2, 3)}
    assert by_sides[0, 2] == pytest.approx(1110.3, abs=1.0)
    assert by_sides[0, 1] == pytest.approx(855.0, abs=1.0)


def test_a_gap_narrower_than_the_seam_is_a_border_and_a_wider_one_is_none() -> None:
    def across(gap_m: float) -> int:
        apart = shapely.box(116.31 + gap_m / LON_M, 39.88, 116.32, 39.89)
        return len(stretches_of([SW, apart], plane=PLANE, longest_m=5_000.0, seam_m=5.0).lines)

    assert (across(3.0), across(8.0)) == (1, 0)


def test_overlapping_areas_have_the_border_of_the_first() -> None:
    over = shapely.box(116.309, 39.88, 116.32, 39.89)
    found = stretches_of([SW, over], plane=PLANE, longest_m=5_000.0, seam_m=5.0)
    assert found.sides.tolist() == [[0, 1]]
    assert shapely.distance(found.lines[0], shapely.Point(116.31, 39.885)) < 1e-9


def test_a_point_is_near_a_stretch_of_its_own_area() -> None:
    found = stretches_of([SW, NW, SE, NE], plane=PLANE, longest_m=5_000.0, seam_m=5.0)
    lon = np.array([116.31 - 20 / LON_M, 116.31 + 20 / LON_M, 116.31 - 60 / LON_M])
    own = np.array([0, 2, 0], dtype=np.int32)
    near = found.nearest(lon, np.full(3, 39.885), own, 50.0)
    assert near[2] == -1
    assert found.sides[near[:2]].tolist() == [[0, 2], [0, 2]]
    # Beside the corner a stretch that does not concern the point's area is passed over.
    corner = found.nearest(
        np.array([116.31 + 20 / LON_M]), np.array([39.8899]), np.array([2], np.int32), 50.0
    )
    assert 2 in found.sides[corner[0]]


def test_a_point_in_no_area_is_near_the_nearest_stretch() -> None:
    apart = shapely.box(116.31 + 4 / LON_M, 39.88, 116.32, 39.89)
    found = stretches_of([SW, apart], plane=PLANE, longest_m=5_000.0, seam_m=5.0)
    inside_the_gap = np.array([116.31 + 2 / LON_M])
    near = found.nearest(inside_the_gap, np.array([39.885]), np.array([-1], np.int32), 30.0)
    assert near.tolist() == [0]


def test_one_area_has_no_borders() -> None:
    alone = stretches_of([SW], plane=PLANE, longest_m=500.0, seam_m=5.0)
    assert alone.sides.shape == (0, 2)
    nobody = np.array([0], np.int32)
    assert alone.nearest(np.array([116.31]), np.array([39.885]), nobody, 30.0).tolist() == [-1]
