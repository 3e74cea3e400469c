"""The locator agrees with GEOS `intersects`, asked by brute force, on every kind of point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gridsvc.errors import BadCoordinate, BadGeometry, TooLarge
from gridsvc.registry.districts import read_districts
from gridsvc.spatial.locator import Locator, _build

_CASES = json.loads(
    (Path(__file__).parent / "adversarial" / "areas.json").read_text(encoding="utf-8")
)
Floats = NDArray[np.float64]


def voronoi(count: int, seed: int) -> NDArray[Any]:
    """A coverage of about `count` cells over central Beijing."""
    random = np.random.default_rng(seed)
    place = shapely.box(116.2, 39.8, 116.6, 40.1)
    seeds = shapely.multipoints(
        np.column_stack([random.uniform(116.2, 116.6, count), random.uniform(39.8, 40.1, count)])
    )
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=place))
    return np.asarray(shapely.intersection(cells, place))


def hard_points(shapes: NDArray[Any], count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """About `count` points of every kind: random, outside, on vertices and edges, beside them."""
    random = np.random.default_rng(seed)
    x0, y0, x1, y1 = shapely.total_bounds(shapes)
    wide, high = (x1 - x0) * 0.05, (y1 - y0) * 0.05
    share = count // 8
    xs = [random.uniform(x0 - wide, x1 + wide, 2 * share)]
    ys = [random.uniform(y0 - high, y1 + high, 2 * share)]
    rings = shapely.get_rings(shapely.get_parts(shapes))
    ends = shapely.get_coordinates(rings)
    ring = np.repeat(np.arange(len(rings)), shapely.get_num_coordinates(rings))
    starts = np.flatnonzero(ring[:-1] == ring[1:])
    chosen = starts[random.integers(0, len(starts), 3 * share)]
    part = np.where(random.random(3 * share) < 0.3, 0.5, random.random(3 * share))
    on = ends[chosen] + (ends[chosen + 1] - ends[chosen]) * part[:, None]
    vertex = ends[random.integers(0, len(ends), share)]
    for base in (on[:share], on[share : 2 * share], on[2 * share :], vertex):
        xs.append(base[:, 0])
        ys.append(base[:, 1])
    for base, reach in (
        (on[share : 2 * share], 1e-5),
        (on[2 * share :], 1e-7),
        (on[:share], 1e-11),
    ):
        xs.append(base[:, 0] + random.choice([-reach, 0.0, reach], share))
        ys.append(base[:, 1] + random.choice([-reach, 0.0, reach], share))
    for base in (on[:share], vertex):
        xs.append(np.nextafter(base[:, 0], random.choice([-200.0, 200.0], share)))
        ys.append(np.nextafter(base[:, 1], random.choice([-200.0, 200.0], share)))
    return np.concatenate(xs), np.concatenate(ys)


def by_brute_force(
    shapes: NDArray[Any], xs: Floats, ys: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs (point, area) that GEOS says intersect, by point and then by area."""
    # Not by STRtree.query: that prepares the points, and then GEOS takes another way which is wrong
    # where products of differences underflow. What is prepared here are the areas.
    shapely.prepare(shapes)
    found = []
    for area, (x0, y0, x1, y1) in enumerate(shapely.bounds(shapes)):
        near = np.flatnonzero((xs >= x0) & (xs <= x1) & (ys >= y0) & (ys <= y1))
        touching = near[shapely.intersects_xy(shapes[area], xs[near], ys[near])]
        found.append(np.column_stack([touching, np.full(len(touching), area)]))
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


def assert_exact(shapes: NDArray[Any], xs: Floats, ys: Floats) -> None:
    """`locate`, `locate_one`, `claims` and `claims_many` all say what GEOS says."""
    locator = Locator.build(list(shapes), [f"{k:06d}" for k in range(len(shapes))])
    points, areas = by_brute_force(shapes, xs, ys)
    primary = np.full(len(xs), len(shapes))
    np.minimum.at(primary, points, areas)
    primary[primary == len(shapes)] = -1
    np.testing.assert_array_equal(locator.locate(xs, ys), primary)
    offsets, claimed = locator.claims_many(xs, ys)
    np.testing.assert_array_equal(np.repeat(np.arange(len(xs)), np.diff(offsets)), points)
    np.testing.assert_array_equal(claimed, areas)
    for k in range(0, len(xs), max(1, len(xs) // 300)):
        assert locator.locate_one(xs[k], ys[k]) == primary[k]
        assert locator.claims(xs[k], ys[k]) == list(areas[points == k])


def test_real_districts_are_answered_as_geos_answers() -> None:
    shapes = np.array([district.geometry for district in read_districts()])
    assert_exact(shapes, *hard_points(shapes, 60_000))


def test_real_streets_with_overlaps_and_slivers_are_answered_as_geos_answers(
    shared_data: Path,
) -> None:
    file = json.loads((shared_data / "streets_inner_beijing.geojson").read_text(encoding="utf-8"))
    shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in file["features"]])
    shapes = shapes[shapely.is_valid(shapes) & np.isin(shapely.get_type_id(shapes), [3, 6])]
    assert len(shapes) > 100
    assert_exact(shapes, *hard_points(shapes, 30_000))


@pytest.mark.parametrize("count", [2, 40, 3_000])
def test_a_coverage_is_answered_as_geos_answers(count: int) -> None:
    shapes = voronoi(count, seed=count)
    assert_exact(shapes, *hard_points(shapes, 30_000))


def test_overlaps_gaps_holes_and_islands_are_answered_as_geos_answers() -> None:
    random = np.random.default_rng(3)
    cells = voronoi(400, seed=9)
    grown = shapely.buffer(cells[::3], 0.004)
    pierced = shapely.difference(cells[1::3], shapely.buffer(shapely.centroid(cells[1::3]), 0.003))
    scattered = shapely.union(
        cells[2::5], shapely.buffer(cells[random.permutation(len(cells[2::5]))], -0.004)
    )
    shapes = np.concatenate([grown, pierced, scattered])
    shapes = shapes[random.permutation(len(shapes))]
    shapes = shapes[shapely.is_valid(shapes) & ~shapely.is_empty(shapes)]
    assert_exact(shapes, *hard_points(shapes, 40_000))


def test_a_ring_of_100_000_vertices_is_answered_as_geos_answers() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 100_000, endpoint=False)
    reach = 0.3 + 0.05 * np.sin(200.0 * turn) + 0.002 * np.sin(9_000.0 * turn)
    ring = shapely.Polygon(
        np.column_stack([116.4 + reach * np.cos(turn), 39.9 + reach * np.sin(turn)])
    )
    shapes = np.array([ring, shapely.box(116.0, 39.5, 116.2, 39.8)])
    assert_exact(shapes, *hard_points(shapes, 4_000))


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_adversarial_areas_are_answered_as_geos_answers(case: dict[str, Any]) -> None:
    shapes = np.array([shapely.geometry.shape(area) for area in case["areas"]])
    xs, ys = hard_points(shapes, 2_000)
    given_points = np.array(case["points"]).reshape(-1, 2)
    vertices = shapely.get_coordinates(shapes)
    xs = np.concatenate([xs, given_points[:, 0], vertices[:, 0]])
    ys = np.concatenate([ys, given_points[:, 1], vertices[:, 1]])
    assert_exact(shapes, xs, ys)


_small = st.integers(-4, 4).map(float)
_ugly = st.one_of(
    _small,
    st.integers(-12, 12).map(lambda k: k / 3.0),
    st.floats(-5.0, 5.0, allow_subnormal=False),
    st.integers(-3, 3).map(lambda k: 116.4 + k * 2.0**-46),
    st.sampled_from([0.1, 0.2, 0.30000000000000004, 1e-17, -1e-17, 1e-60, -0.0]),
)


def calm(coordinates: Floats) -> Floats:
    """The same coordinates without those whose products underflow."""
    return np.where(np.abs(coordinates) < 1e-140, 0.0, coordinates)


@settings(max_examples=200, deadline=None)
@given(
    rings=st.lists(
        st.lists(st.tuples(_ugly, _ugly), min_size=3, max_size=6), min_size=1, max_size=4
    ),
    extra=st.lists(st.tuples(_ugly, _ugly), max_size=20),
    parts=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4),
)
def test_any_areas_are_answered_as_geos_answers(
    rings: list[list[tuple[float, float]]],
    extra: list[tuple[float, float]],
    parts: list[float],
) -> None:
    rings = [[(x, y % 80.0) for x, y in ring] for ring in rings]  # keep latitudes in range
    shapes = np.array([shapely.Polygon(calm(np.array(ring))) for ring in rings])
    shapes = shapes[shapely.is_valid(shapes) & ~shapely.is_empty(shapes)]
    assume(len(shapes) > 0)
    vertices = shapely.get_coordinates(shapes)
    others = np.roll(vertices, 1, axis=0)
    points = [vertices, np.array(extra).reshape(-1, 2)]
    points += [vertices + (others - vertices) * part for part in parts]
    points += [np.nextafter(points[-1], 200.0), np.nextafter(vertices, -200.0)]
    stacked = calm(np.concatenate(points))
    assert_exact(shapes, stacked[:, 0], stacked[:, 1])


def test_the_primary_area_is_the_smallest_index_and_claims_name_all() -> None:
    locator = Locator.build(
        [shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 2)], ["a", "b", "c"]
    )
    assert locator.codes == ("a", "b", "c")
    assert locator.claims(1.0, 0.5) == [0, 1, 2]
    assert locator.locate_one(1.0, 0.5) == 0
    assert locator.locate_one(0.5, 0.5) == 1
    assert locator.claims(0.5, 1.5) == [2]


def test_more_claims_than_expected_are_all_named() -> None:
    shapes = [shapely.box(116, 39, 117, 40 + k / 100) for k in range(200)]
    locator = Locator.build(shapes, [str(k) for k in range(200)])
    assert locator.claims(116.5, 39.5) == list(range(200))
    offsets, claimed = locator.claims_many([116.5, 0.0, 117.0], [39.5, 0.0, 39.5])
    assert offsets.tolist() == [0, 200, 200, 400]
    assert claimed.tolist() == [*range(200), *range(200)]


@pytest.mark.parametrize(
    "point", [(np.nan, 39.5), (116.5, np.nan), (np.inf, 39.5), (116.5, -np.inf), (0.0, 0.0)]
)
def test_what_is_no_place_in_the_raster_is_in_no_area(point: tuple[float, float]) -> None:
    locator = Locator.build([shapely.box(116, 39, 117, 40)], ["a"])
    assert locator.locate_one(*point) == -1
    assert locator.locate([point[0]], [point[1]]).tolist() == [-1]
    assert locator.claims(*point) == []


def test_an_index_of_no_areas_answers_none() -> None:
    locator = Locator.build([], [])
    assert locator.locate_one(116.5, 39.5) == -1
    assert locator.locate([116.5], [39.5]).tolist() == [-1]
    assert locator.claims(116.5, 39.5) == []


def test_points_keep_their_shape_and_need_not_lie_side_by_side_in_memory() -> None:
    locator = Locator.build([shapely.box(0, 0, 1, 1)], ["a"])
    lon, lat = np.meshgrid([0.5, 2.0], [0.5, 0.7, 5.0])
    assert locator.locate(lon, lat).tolist() == [[0, -1], [0, -1], [-1, -1]]
    assert locator.locate(lon.T, lat.T).tolist() == [[0, 0, -1], [-1, -1, -1]]
    assert locator.locate([], []).shape == (0,)


def test_lon_and_lat_of_different_length_are_refused() -> None:
    locator = Locator.build([shapely.box(0, 0, 1, 1)], ["a"])
    with pytest.raises(BadCoordinate, match="as many of one"):
        locator.locate([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        (shapely.Point(1, 1), "not a polygon"),
        (None, "not a polygon"),
        (shapely.Polygon(), "empty"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "Self-intersection"),
        (shapely.box(39, 116, 40, 117), "lon before lat"),
        (shapely.box(179, 0, 181, 1), "180 degrees"),
    ],
)
def test_an_area_that_cannot_be_indexed_is_named(shape: Any, word: str) -> None:
    with pytest.raises(BadGeometry, match=word) as refusal:
        Locator.build([shapely.box(0, 0, 1, 1), shape], ["a", "bad one"])
    assert "'bad one'" in refusal.value.detail


def test_an_area_with_a_coordinate_that_is_no_number_is_refused() -> None:
    with np.errstate(invalid="ignore"):
        shape = shapely.from_wkt("POLYGON ((0 0, 1 NaN, 1 0, 0 0))")
    with pytest.raises(BadGeometry, match=r"not valid|range"):
        Locator.build([shape], ["a"])


def test_every_area_needs_a_code() -> None:
    with pytest.raises(BadGeometry, match="one code for each"):
        Locator.build([shapely.box(0, 0, 1, 1)], [])


@pytest.mark.parametrize("limit", ["_MOST_WORDS", "_MOST_EDGES"])
def test_more_areas_than_positions_can_name_are_refused(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = list(voronoi(40, seed=1))
    monkeypatch.setattr(_build, limit, 30)
    with pytest.raises(TooLarge, match="several parts"):
        Locator.build(shapes, [str(k) for k in range(len(shapes))])


def test_heights_are_ignored() -> None:
    flat = shapely.box(0, 0, 1, 1)
    locator = Locator.build([shapely.force_3d(flat, 50.0)], ["a"])
    assert locator.locate_one(0.5, 0.5) == 0
