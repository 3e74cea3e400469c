"""Border distances against geodesics by brute force, and shares that sum to one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from gridsvc.errors import BadCoordinate
from gridsvc.registry.districts import read_districts
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

_GEOD = Geod(ellps="WGS84")


def geodesic_distance(lines: Any, lon: float, lat: float) -> float:
    """Metres from a point to lines, by trying: the best of many places on each edge near enough."""
    ends = shapely.get_coordinates(lines)
    line = np.repeat(np.arange(len(lines)), shapely.get_num_coordinates(lines))
    follows = np.flatnonzero(line[:-1] == line[1:])
    start, end = ends[follows], ends[follows + 1]
    # edges that are a third farther than the nearest, in any rough measure, cannot be the nearest
    rough = np.hypot((start[:, 0] - lon) * math.cos(math.radians(lat)), start[:, 1] - lat)
    keep = rough <= 1.3 * rough.min() + 2.0 * np.abs(end - start).max()
    start, end = start[keep], end[keep]
    first, last = np.zeros(len(start)), np.ones(len(start))
    for _ in range(6):
        parts = np.linspace(first, last, 17)
        x = start[:, 0] + parts * (end[:, 0] - start[:, 0])
        y = start[:, 1] + parts * (end[:, 1] - start[:, 1])
        *_, metres = _GEOD.inv(np.full(x.shape, lon), np.full(y.shape, lat), x, y)
        nearest = metres.argmin(axis=0)
        step = (last - first) / 16.0
        middle = first + nearest * step
        first, last = np.maximum(middle - step, 0.0), np.minimum(middle + step, 1.0)
        # an edge is left out when even its length would not bring it to the best one
        edge_m = _GEOD.inv(*start.T, *end.T)[2]
        best = metres.min(axis=0)
        keep = best <= best.min() + edge_m
        start, end, first, last = start[keep], end[keep], first[keep], last[keep]
    return float(best.min())


def squares() -> BorderIndex:
    """Four fields around (116.4, 39.9), of 0.01 degrees, by rows."""
    west, east, south, north = 116.39, 116.41, 39.89, 39.91
    return BorderIndex.build(
        [
            shapely.box(west, south, 116.4, 39.9),
            shapely.box(116.4, south, east, 39.9),
            shapely.box(west, 39.9, 116.4, north),
            shapely.box(116.4, 39.9, east, north),
        ],
        ["a", "b", "c", "d"],
    )


@pytest.fixture(scope="module")
def districts() -> tuple[NDArray[Any], BorderIndex]:
    found = read_districts()
    shapes = np.array([district.geometry for district in found])
    return shapes, BorderIndex.build(list(shapes), [district.code for district in found])


def test_distances_to_real_borders_are_right_to_a_thousandth(
    districts: tuple[NDArray[Any], BorderIndex],
) -> None:
    shapes, index = districts
    random = np.random.default_rng(4)
    lines = shapely.boundary(shapely.get_parts(shapes))
    vertices = shapely.get_coordinates(lines)
    lon = random.uniform(115.0, 118.0, 40)
    lat = random.uniform(39.0, 41.5, 40)
    close = vertices[random.integers(0, len(vertices), 40)]
    reach = 10.0 ** random.uniform(-7, -2, (40, 2)) * random.choice([-1, 1], (40, 2))
    lon, lat = np.append(lon, close[:, 0] + reach[:, 0]), np.append(lat, close[:, 1] + reach[:, 1])
    metres, _ = index.distance(lon, lat)
    expected = [geodesic_distance(lines, x, y) for x, y in zip(lon, lat, strict=True)]
    np.testing.assert_allclose(metres, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("lat", [-70.0, -33.0, 0.0, 22.0, 53.0, 70.0])
@pytest.mark.parametrize("size", [1e-4, 0.1, 2.0])
def test_distances_are_right_at_all_latitudes_and_scales(lat: float, size: float) -> None:
    area = shapely.Polygon(
        [(100, lat), (100 + size, lat + size / 3), (100 + size / 2, lat + size), (100, lat)]
    )
    index = BorderIndex.build([area], ["a"])
    random = np.random.default_rng(int(size * 100))
    lon = random.uniform(100 - size / 2, 100 + 1.5 * size, 12)
    lats = random.uniform(lat - size / 2, lat + 1.5 * size, 12)
    expected = [geodesic_distance([area.boundary], x, y) for x, y in zip(lon, lats, strict=True)]
    np.testing.assert_allclose(index.distance(lon, lats)[0], expected, rtol=1e-3)


def test_one_point_and_many_points_have_the_same_distance(
    districts: tuple[NDArray[Any], BorderIndex],
) -> None:
    _, index = districts
    random = np.random.default_rng(5)
    lon, lat = random.uniform(115.3, 117.6, 300), random.uniform(39.4, 41.1, 300)
    metres, _ = index.distance(lon, lat)
    one = [index.nearest(x, y, -1, 100.0).distance_m for x, y in zip(lon, lat, strict=True)]
    np.testing.assert_array_equal(metres, one)


@pytest.mark.parametrize("reach_m", [0.0, 30.0, 20_000.0])
def test_one_point_and_many_points_have_the_same_neighbours(
    districts: tuple[NDArray[Any], BorderIndex], reach_m: float
) -> None:
    shapes, index = districts
    random = np.random.default_rng(7)
    vertices = shapely.get_coordinates(shapes)[random.integers(0, 14_000, 300)]
    lon, lat = random.uniform(115.0, 117.9, 300), random.uniform(39.2, 41.3, 300)
    beside = vertices + random.normal(0.0, 2e-4, vertices.shape)
    lon, lat = np.concatenate([np.column_stack([lon, lat]), vertices, beside]).T
    many = index.nearest_many(lon, lat, reach_m)
    own = Locator.build(list(shapes), list(index.codes)).locate(lon, lat)
    for k in range(len(lon)):
        border = index.nearest(lon[k], lat[k], own[k], reach_m)
        here = slice(many.offsets[k], many.offsets[k + 1])
        pairs = zip(many.neighbours[here].tolist(), many.neighbours_m[here].tolist(), strict=True)
        assert many.distance_m[k] == border.distance_m
        assert tuple(pairs) == border.neighbours
    assert many.offsets[-1] == len(many.neighbours) == len(many.neighbours_m) > 0


def test_the_tree_finds_the_same_edge_as_looking_at_all_of_them(
    districts: tuple[NDArray[Any], BorderIndex],
) -> None:
    shapes, index = districts
    random = np.random.default_rng(6)
    lon, lat = random.uniform(115.3, 117.6, 200), random.uniform(39.4, 41.1, 200)
    metres, other = index.distance(lon, lat, own=np.full(200, -1, np.int32))
    each = np.array([BorderIndex.build([shape], ["one"]).distance(lon, lat)[0] for shape in shapes])
    np.testing.assert_allclose(metres, each.min(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(other, (each <= each.min(axis=0) + 1e-3).argmax(axis=0))


def test_neighbours_are_the_other_areas_within_reach_nearest_first() -> None:
    index = squares()
    border = index.nearest(116.399, 39.8995, 0, 150.0)
    assert [code for code, _ in border.neighbours] == [2, 1, 3]
    by_area = dict(border.neighbours)
    assert by_area[2] == pytest.approx(_GEOD.inv(116.399, 39.8995, 116.399, 39.9)[2], rel=1e-4)
    assert by_area[1] == pytest.approx(_GEOD.inv(116.399, 39.8995, 116.4, 39.8995)[2], rel=1e-4)
    assert by_area[3] == pytest.approx(_GEOD.inv(116.399, 39.8995, 116.4, 39.9)[2], rel=1e-4)
    assert border.distance_m == by_area[2]
    assert [code for code, _ in index.nearest(116.399, 39.8995, 0, 60.0).neighbours] == [2]
    assert index.nearest(116.399, 39.8995, 0, 50.0).neighbours == ()


def test_an_area_that_the_point_is_in_or_on_is_zero_metres_away() -> None:
    index = squares()
    assert index.nearest(116.4, 39.9, 0, 10.0).neighbours == ((1, 0.0), (2, 0.0), (3, 0.0))
    assert index.nearest(116.4, 39.9, 0, 10.0).distance_m == 0.0
    overlapping = BorderIndex.build(
        [shapely.box(116, 39, 117, 40), shapely.box(115, 38, 118, 41)], ["a", "b"]
    )
    assert overlapping.nearest(116.5, 39.5, 0, 10.0).neighbours == ((1, 0.0),)


def test_the_area_behind_the_border_is_named_for_many_points() -> None:
    index = squares()
    metres, other = index.distance([116.399, 116.399, 116.3901], [39.8995, 39.9, 39.895])
    assert other.tolist() == [2, 2, -1]
    assert metres[1] == 0.0
    assert index.codes == ("a", "b", "c", "d")
    assert index.distance([[116.399]], [[39.8995]], own=[[2]])[1].tolist() == [[0]]


def test_a_border_said_with_other_vertices_by_the_neighbour_is_still_theirs() -> None:
    index = BorderIndex.build(
        [
            shapely.box(116, 39, 117, 40),
            shapely.Polygon([(117, 39), (118, 39), (118, 40), (117, 40), (117, 39.3)]),
        ],
        ["a", "b"],
    )
    assert index.distance([116.999], [39.6])[1].tolist() == [1]
    assert index.distance([117.001], [39.2])[1].tolist() == [0]


def test_more_neighbours_than_expected_are_all_named() -> None:
    turn = np.arange(60) * math.tau / 60
    x, y = 116.4 + 0.01 * np.cos(turn), 39.9 + 0.01 * np.sin(turn)
    wedges = [
        shapely.Polygon([(116.4, 39.9), (x[k], y[k]), (x[k - 59], y[k - 59])]) for k in range(60)
    ]
    index = BorderIndex.build(wedges, [str(k) for k in range(60)])
    assert len(index.nearest(116.4, 39.9, 7, 1.0).neighbours) == 59
    many = index.nearest_many([116.4, 116.4, 0.0], [39.9, 39.9, 0.0], 1.0, own=[7, 8, -1])
    assert many.offsets.tolist() == [0, 59, 118, 118]
    assert many.neighbours[:59].tolist() == [k for k in range(60) if k != 7]


def test_without_areas_there_is_no_border() -> None:
    index = BorderIndex.build([], [])
    border = index.nearest(116.4, 39.9, -1, 1e9)
    assert border.distance_m == math.inf
    assert border.neighbours == ()
    metres, other = index.distance([116.4], [39.9])
    assert metres.tolist() == [math.inf]
    assert other.tolist() == [-1]
    assert index.nearest_many([116.4], [39.9], 1e9).offsets.tolist() == [0, 0]


def test_what_is_no_place_has_no_distance() -> None:
    index = squares()
    metres, other = index.distance([math.nan, 116.4], [39.9, math.inf])
    assert np.isnan(metres).all()
    assert other.tolist() == [-1, -1]
    many = index.nearest_many([math.nan, 116.4], [39.9, math.inf], 1e9)
    assert np.isnan(many.distance_m).all()
    assert many.offsets.tolist() == [0, 0, 0]
    with pytest.raises(BadCoordinate, match="finite"):
        index.nearest(math.nan, 39.9, -1, 10.0)
    with pytest.raises(BadCoordinate, match="as many"):
        index.distance([116.4, 116.5], [39.9])
