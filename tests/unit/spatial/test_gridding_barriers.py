"""Unit grids that follow a made-up city, whose truths are known from how it is drawn."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from benchmarks.made_up_city import City, chessboard, in_beijing, make_city
from gridsvc.errors import BadGeometry
from gridsvc.spatial import gridding_barriers
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding import grid_communities
from gridsvc.spatial.gridding_barriers import CityGrid, barriers_of, grid_city
from tests.plane import PLANE

Objects = NDArray[np.object_]


def drawn(*shapes: BaseGeometry) -> list[BaseGeometry]:
    """Drawings in metres, put down in Beijing."""
    return list(in_beijing(np.array(shapes, dtype=object)))


def cells_in(grids: list[CityGrid]) -> Objects:
    return np.array([cell for one in grids for cell in one.grid.cells], dtype=object)


def bits(one: CityGrid) -> list[bytes]:
    return [cell.wkb for cell in one.grid.cells]


def assert_watertight(communities: list[BaseGeometry], grids: list[CityGrid]) -> None:
    cells = cells_in(grids)
    assert {cell.geom_type for cell in cells} == {"Polygon"}
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(cells)
    for community, one in zip(communities, grids, strict=True):
        assert one.grid.area_m2.sum() == pytest.approx(area_m2(community).item(), rel=1e-9)
        union = shapely.coverage_union_all(np.array(one.grid.cells))
        assert shapely.difference(union, shapely.buffer(community, 1e-9)).is_empty


def cut_buildings(community: BaseGeometry, cells: Objects, buildings: list[BaseGeometry]) -> int:
    """By brute force, each building with each cell, in another plane than the one of the code."""
    flat, whole = PLANE.project(cells), PLANE.project(community)
    cut = 0
    for building in PLANE.project(np.array(buildings, dtype=object)):
        if whole.contains(building):
            held = shapely.area(shapely.intersection(flat, building))
            cut += int(held.max() < building.area - 0.1)
    return cut


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(3, 2, 2)


@pytest.fixture(scope="module")
def grids(city: City) -> list[CityGrid]:
    barriers = barriers_of(city.lines, city.buildings, city.parts)
    return grid_city(list(city.communities), barriers=barriers, workers=1)


def test_public_names_are_sorted() -> None:
    assert gridding_barriers.__all__ == sorted(gridding_barriers.__all__)


@pytest.mark.parametrize("barriers", [None, barriers_of()])
def test_without_barriers_the_cells_are_those_of_equal_area_bit_for_bit(
    city: City, barriers: gridding_barriers.Barriers | None
) -> None:
    plain = grid_communities(list(city.communities))
    for one, grid in zip(grid_city(list(city.communities), barriers=barriers), plain, strict=True):
        assert bits(one) == [cell.wkb for cell in grid.cells]
        assert one.metrics is None


def test_streets_around_blocks_of_a_hectare_make_these_blocks_the_cells() -> None:
    board = chessboard(4, 5)
    [one] = grid_city(
        list(board.communities), barriers=barriers_of(board.lines, board.buildings, board.parts)
    )
    assert_watertight(list(board.communities), [one])
    blocks = in_beijing(
        np.array(
            [box(x, y, x + 100, y + 100) for x in range(0, 500, 100) for y in range(0, 400, 100)]
        )
    )
    cells = np.array(one.grid.cells)
    assert len(cells) == 20
    for block in blocks:
        apart = shapely.area(PLANE.project(shapely.symmetric_difference(cells, block)))
        assert apart.min() < 1.0
    assert one.metrics is not None
    assert one.metrics.border_m == pytest.approx(4 * 400 + 3 * 500, rel=0.01)
    assert one.metrics.on_barrier_m == pytest.approx(one.metrics.border_m, rel=0.001)
    assert one.metrics.barrier_used_m == pytest.approx(one.metrics.barrier_m, rel=0.001)
    assert one.metrics.parts.tolist() == [5] * 20
    assert (one.metrics.buildings, one.metrics.cut_buildings, one.metrics.astride_buildings) == (
        80,
        0,
        0,
    )


def test_cells_of_a_made_up_city_are_watertight(city: City, grids: list[CityGrid]) -> None:
    assert_watertight(list(city.communities), grids)


def test_no_building_of_a_made_up_city_is_cut(city: City, grids: list[CityGrid]) -> None:
    inside = 0
    for community, one in zip(city.communities, grids, strict=True):
        near = list(city.buildings[shapely.intersects(city.buildings, community)])
        assert cut_buildings(community, np.array(one.grid.cells), near) == 0
        assert one.metrics is not None
        assert one.metrics.cut_buildings == 0
        inside += one.metrics.buildings
    assert inside == len(city.buildings) - city.astride


def test_astride_buildings_are_counted_on_both_sides(city: City, grids: list[CityGrid]) -> None:
    counted = sum(one.metrics.astride_buildings for one in grids if one.metrics is not None)
    assert city.astride > 0
    assert counted == 2 * city.astride


def test_areas_stay_near_a_hectare(grids: list[CityGrid]) -> None:
    area = np.concatenate([one.grid.area_m2 for one in grids])
    assert np.mean(np.abs(area / 10_000 - 1) <= 0.1) >= 0.8
    assert area.min() > 3_000
    assert area.max() < 20_000


def test_cells_follow_lines_more_than_those_of_equal_area_do(
    city: City, grids: list[CityGrid]
) -> None:
    border = sum(one.metrics.border_m for one in grids if one.metrics is not None)
    along = sum(one.metrics.on_barrier_m for one in grids if one.metrics is not None)
    assert along / border > 0.4
    plain = grid_communities(list(city.communities))
    lines = shapely.buffer(PLANE.project(shapely.union_all(city.lines)), 1.0)
    edges = shapely.union_all(
        [
            shapely.difference(
                shapely.union_all(shapely.boundary(PLANE.project(np.array(grid.cells)))),
                shapely.buffer(PLANE.project(community).boundary, 1.0),
            )
            for community, grid in zip(city.communities, plain, strict=True)
        ]
    )
    assert shapely.length(shapely.intersection(edges, lines)) / shapely.length(edges) < 0.1


def test_cells_are_compact_and_have_no_slivers(grids: list[CityGrid]) -> None:
    compactness = np.concatenate([one.grid.compactness for one in grids])
    assert np.median(compactness) > 0.6
    assert compactness.min() > 0.2


def test_every_part_is_counted_once(city: City, grids: list[CityGrid]) -> None:
    counted = sum(int(one.metrics.parts.sum()) for one in grids if one.metrics is not None)
    edge = shapely.buffer(shapely.union_all(shapely.boundary(city.communities)), 1e-9)
    on_edge = int(shapely.intersects(city.parts, edge).sum())
    assert counted == pytest.approx(len(city.parts), abs=on_edge)


def test_parts_are_spread_more_evenly_than_over_cells_of_equal_area(
    city: City, grids: list[CityGrid]
) -> None:
    balanced = np.concatenate([one.metrics.parts for one in grids if one.metrics is not None])
    plain = [cell for grid in grid_communities(list(city.communities)) for cell in grid.cells]
    cell, _ = shapely.STRtree(city.parts).query(np.array(plain), predicate="covers")
    unbalanced = np.bincount(cell, minlength=len(plain))
    assert balanced.std() / balanced.mean() < 0.92 * unbalanced.std() / unbalanced.mean()


def test_a_community_gets_the_same_cells_whatever_happens_elsewhere(
    city: City, grids: list[CityGrid]
) -> None:
    communities = list(city.communities)
    inner = shapely.buffer(communities[0], -3e-5)
    gone = shapely.within(city.buildings, inner) | (np.arange(len(city.buildings)) % 7 == 0)
    gone &= shapely.intersects(city.buildings, inner)
    # A house astride the border meets its other community too, and may change its cells.
    gone &= ~shapely.intersects(city.buildings, shapely.union_all(communities[1:]))
    alleys = [line for line in city.lines if not line.within(inner)]
    changed = grid_city(
        communities,
        barriers=barriers_of(alleys, city.buildings[~gone], city.parts),
        workers=1,
    )
    assert bits(changed[0]) != bits(grids[0])
    for before, after in zip(grids[1:], changed[1:], strict=True):
        assert bits(before) == bits(after)
    assert_watertight(communities, [changed[0], *grids[1:]])


def test_order_of_barriers_and_doubles_change_no_bit(city: City, grids: list[CityGrid]) -> None:
    turned = barriers_of(
        city.lines[::-1],
        np.concatenate([city.buildings[::-1], city.buildings[:50]]),
        city.parts[::-1],
    )
    [again] = grid_city([city.communities[1]], barriers=turned, workers=1)
    assert bits(again) == bits(grids[1])


@pytest.mark.slow
def test_processes_and_progress_change_no_bit() -> None:
    board = chessboard(2, 2)
    communities = drawn(*(box(x * 300, 0, x * 300 + 300, 200) for x in range(16)))
    barriers = barriers_of(board.lines, board.buildings)
    told: list[tuple[int, int]] = []
    alone = grid_city(communities, barriers=barriers, workers=1)
    shared = grid_city(
        communities, barriers=barriers, workers=2, progress=lambda done, of: told.append((done, of))
    )
    assert [bits(one) for one in alone] == [bits(one) for one in shared]
    assert told == [(k + 1, 16) for k in range(16)]


SQUARE = box(0, 0, 500, 400)


def grid_of(
    shape: BaseGeometry,
    lines: list[BaseGeometry] | None = None,
    buildings: list[BaseGeometry] | None = None,
    parts: list[BaseGeometry] | None = None,
) -> tuple[CityGrid, list[BaseGeometry]]:
    community = drawn(shape)
    houses = drawn(*(buildings or []))
    barriers = barriers_of(drawn(*(lines or [])), houses, drawn(*(parts or [])))
    grids = grid_city(community, barriers=barriers)
    assert_watertight(community, grids)
    assert cut_buildings(community[0], cells_in(grids), houses) == 0
    return grids[0], houses


def test_hole_and_island_are_filled_around_barriers() -> None:
    shape = MultiPolygon(
        [
            box(0, 0, 600, 500).difference(Point(280, 260).buffer(90, quad_segs=6)),
            box(700, 0, 800, 90),
        ]
    )
    one, _ = grid_of(
        shape,
        [LineString([(-10, 140), (610, 150)]), LineString([(420, -10), (400, 510)])],
        [box(x, y, x + 30, y + 12) for x in (20, 440, 520) for y in (20, 60, 200, 330)],
    )
    assert len(one.grid.cells) >= 25


def test_touching_buildings_are_parted_along_their_walls() -> None:
    rows = [box(x, y, x + 15, y + 190) for x in range(5, 485, 15) for y in (5, 205)]
    one, _ = grid_of(SQUARE, buildings=rows)
    assert np.mean(np.abs(one.grid.area_m2 / 10_000 - 1) < 0.25) > 0.8


def test_overlapping_buildings_stay_together() -> None:
    grid_of(SQUARE, buildings=[box(k * 25, 150, k * 25 + 40, 180) for k in range(1, 17)])


def test_one_large_building_forces_one_large_cell() -> None:
    one, _ = grid_of(SQUARE, buildings=[box(40, 40, 260, 240)])
    assert one.grid.area_m2.max() > 20_000
    assert one.metrics is not None
    odd = (one.grid.area_m2 > 20_000) | (one.grid.area_m2 < 3_000)
    assert one.metrics.forced == int(odd.sum())


def test_a_building_larger_than_its_community_leaves_one_cell() -> None:
    one, _ = grid_of(SQUARE, buildings=[box(-50, -50, 600, 500)])
    assert len(one.grid.cells) == 1
    assert one.metrics is not None
    assert one.metrics.astride_buildings == 1


@pytest.mark.parametrize(
    "lines",
    [
        [LineString([(2000, 0), (3000, 100)])],
        [LineString([(0, 0), (500, 0), (500, 400), (0, 400), (0, 0)])],
        [LineString([(0, 2), (500, 1)]), LineString([(0, 0), (500, 0)])],
        [LineString([(10, 10), (490, 390), (490, 10), (10, 390)])],
        [LineString([(100, -50), (100, 450)])] * 3,
        [LineString([(100, 200), (100, 200)])],
        [LineString([(k, -5), (k, 405)]) for k in range(0, 500, 4)],
    ],
    ids=["outside", "the border", "beside it", "self-crossing", "doubled", "a point", "crowded"],
)
def test_odd_lines_leave_a_sound_partition(lines: list[BaseGeometry]) -> None:
    one, _ = grid_of(SQUARE, lines)
    assert len(one.grid.cells) == 20
    assert one.grid.area_m2.min() > 3_000
    assert one.grid.area_m2.max() < 20_000


def test_parts_alone_are_a_barrier_set_too() -> None:
    one, _ = grid_of(SQUARE, parts=[Point(x, y) for x in range(5, 500, 20) for y in (30, 50)])
    assert one.metrics is not None
    assert one.metrics.parts.sum() == 50
    assert (np.abs(one.grid.area_m2 / 10_000 - 1) < 0.15).all()


def test_community_too_large_for_its_serials_gets_larger_cells() -> None:
    community = drawn(box(0, 0, 900, 700))
    barriers = barriers_of(drawn(LineString([(300, -9), (310, 709)])))
    [one] = grid_city(community, barriers=barriers, max_cells=20)
    assert_watertight(community, [one])
    assert one.grid.enlarged
    assert len(one.grid.cells) <= 20


@st.composite
def neighbourhoods(draw: st.DrawFn) -> tuple[BaseGeometry, list[BaseGeometry], list[BaseGeometry]]:
    """A star-shaped community, lines across it and boxes at any angle, apart or not."""
    corners = draw(st.lists(st.floats(0.5, 1.0), min_size=3, max_size=12))
    size = draw(st.floats(100, 350))
    angles = np.arange(len(corners)) * (2 * np.pi / len(corners))
    radii = size * np.array(corners)
    shape = Polygon(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))
    place = st.floats(-350, 350)
    point = st.tuples(place, place)
    lines = [
        LineString(draw(st.lists(point, min_size=2, max_size=4, unique=True)))
        for _ in range(draw(st.integers(0, 5)))
    ]
    houses = []
    for _ in range(draw(st.integers(0, 12))):
        x, y = draw(point)
        wide, deep = draw(st.floats(3, 60)), draw(st.floats(3, 30))
        turn = draw(st.floats(0, math.pi))
        corner = np.array([(-wide, -deep), (wide, -deep), (wide, deep), (-wide, deep)]) / 2
        way = np.array([(math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))])
        houses.append(Polygon(corner @ way + (x, y)))
    return shape, lines, houses


@given(neighbourhoods())
@settings(max_examples=40, deadline=None)
def test_any_neighbourhood_is_filled_and_no_building_cut(
    drawing: tuple[BaseGeometry, list[BaseGeometry], list[BaseGeometry]],
) -> None:
    shape, lines, houses = drawing
    grid_of(shape, lines, houses)


@pytest.mark.parametrize(
    ("given_", "word"),
    [
        ({"lines": [Point(116, 39)]}, "Number 0 of the lines is Point"),
        ({"lines": [None]}, "Number 0 of the lines is NoneType"),
        ({"buildings": [Polygon([(116, 39), (117, 40), (117, 39), (116, 40)])]}, "is not valid"),
        ({"buildings": [Polygon()]}, "Number 0 of the buildings is empty"),
        ({"parts": [Point(116, 39), Point(float("nan"), 39)]}, "Number 1 of the parts"),
        ({"lines": [LineString([(116, 39), (math.inf, 39)])]}, "not a finite number"),
        ({"lines": [LineString([(500_000, 4_400_000), (500_100, 4_400_000)])]}, "not in degrees"),
    ],
)
def test_unfit_barriers_are_refused_by_their_number(
    given_: dict[str, list[BaseGeometry]], word: str
) -> None:
    with pytest.raises(BadGeometry, match=word):
        barriers_of(**given_)
