import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from gridsvc.errors import BadGeometry
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding import CommunityGrid, grid_communities, grid_community

# Metres per degree at the place of the examples, to 0.1 %.
EAST, NORTH = 85_390.0, 111_030.0


def in_beijing(shape: BaseGeometry) -> BaseGeometry:
    """A drawing in metres, put down in Beijing."""
    return shapely.transform(shape, lambda xy: xy / [EAST, NORTH] + [116.4, 39.9])


def polygon(*corners: tuple[float, float]) -> BaseGeometry:
    return in_beijing(Polygon(corners))


def rectangle(width: float, height: float, west: float = 0.0, south: float = 0.0) -> BaseGeometry:
    return in_beijing(box(west, south, west + width, south + height))


def assert_fills(community: BaseGeometry, grid: CommunityGrid) -> None:
    """No gap, no overlap, nothing outside, every cell one sound polygon, every vertex kept."""
    cells = np.array(grid.cells)
    assert all(cell.geom_type == "Polygon" for cell in cells)
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(cells)
    assert shapely.area(cells).sum() == pytest.approx(community.area, rel=1e-9)
    union = shapely.coverage_union_all(cells)
    assert shapely.difference(union, shapely.buffer(community, 1e-9)).is_empty
    own = {tuple(vertex) for vertex in shapely.get_coordinates(community)}
    assert own <= {tuple(vertex) for vertex in shapely.get_coordinates(cells)}


def spread(grid: CommunityGrid) -> float:
    return float(grid.area_m2.max() / grid.area_m2.min() - 1.0)


SHAPES = {
    "square": (rectangle(500, 500), 25, 0.70),
    "l": (polygon((0, 0), (600, 0), (600, 200), (200, 200), (200, 600), (0, 600)), 20, 0.66),
    "u": (
        polygon(
            (0, 0), (500, 0), (500, 600), (400, 600), (400, 100), (100, 100), (100, 600), (0, 600)
        ),
        15,
        0.65,
    ),
    "comb": (
        in_beijing(
            shapely.union_all(
                [box(0, 0, 1500, 150), *(box(k, 100, k + 90, 700) for k in range(0, 1500, 200))]
            )
        ),
        62,
        0.50,
    ),
    "spiral": (
        in_beijing(
            shapely.LineString(
                [(0, 0), (1000, 0), (1000, 1000), (200, 1000), (200, 250), (700, 250), (700, 700)]
            ).buffer(60, cap_style="flat", join_style="mitre")
        ),
        54,
        0.48,
    ),
    "disc": (in_beijing(shapely.Point(0, 0).buffer(400)), 50, 0.60),
    "strip": (rectangle(3_000, 30), 9, 0.23),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_is_filled_by_equal_compact_cells(name: str) -> None:
    community, expected, least_compactness = SHAPES[name]
    grid = grid_community(community)
    assert_fills(community, grid)
    assert len(grid.cells) == expected
    assert spread(grid) < 0.02
    assert grid.outside_tolerance == 0
    assert not grid.enlarged
    assert grid.compactness.min() > least_compactness


def test_hole_stays_free_and_cells_around_it_are_equal() -> None:
    community = in_beijing(
        box(0, 0, 700, 600).difference(shapely.Point(300, 330).buffer(120, quad_segs=4))
    )
    grid = grid_community(community)
    assert_fills(community, grid)
    assert spread(grid) < 0.02
    assert grid.compactness.min() > 0.5


def test_several_holes_of_all_sizes_stay_free() -> None:
    shape = box(0, 0, 1000, 1000)
    for x, y, radius in [(200, 200, 90), (700, 300, 2), (500, 520, 200), (850, 900, 60)]:
        shape = shape.difference(shapely.Point(x, y).buffer(radius, quad_segs=3))
    community = in_beijing(shape)
    grid = grid_community(community)
    assert_fills(community, grid)
    assert spread(grid) < 0.02


def test_hole_inside_a_single_cell_becomes_a_hole_of_the_cell() -> None:
    community = in_beijing(box(0, 0, 100, 100).difference(box(40, 40, 60, 60)))
    grid = grid_community(community)
    assert_fills(community, grid)
    assert len(grid.cells) == 1
    assert len(grid.cells[0].interiors) == 1


def test_hole_that_touches_the_outer_ring_at_a_vertex_stays_free() -> None:
    community = polygon((0, 0), (600, 0), (600, 500), (0, 500)).difference(
        polygon((0, 0), (200, 100), (100, 200))
    )
    assert_fills(community, grid_community(community))


def test_tiny_island_is_a_cell_of_its_own() -> None:
    island = box(700, 0, 710, 10)
    community = in_beijing(MultiPolygon([box(0, 0, 500, 400), island]))
    grid = grid_community(community)
    assert_fills(community, grid)
    assert len(grid.cells) == 21
    assert grid.outside_tolerance == 1
    assert grid.area_m2.min() == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    ("width", "expected"),
    [(20, 1), (100, 1), (135, 1), (150, 2), (235, 2), (260, 3), (540, 5), (549, 6)],
)
def test_small_community_gets_the_number_of_cells_nearest_by_ratio(
    width: float, expected: int
) -> None:
    community = rectangle(width, 100)
    grid = grid_community(community)
    assert_fills(community, grid)
    assert len(grid.cells) == expected


@given(st.floats(45_500, 2e6))
@settings(max_examples=15, deadline=None)
def test_from_five_cells_on_every_cell_is_within_ten_percent(area: float) -> None:
    grid = grid_community(rectangle(math.sqrt(area * 1.3), math.sqrt(area / 1.3)))
    assert len(grid.cells) >= 5
    assert grid.outside_tolerance == 0


def test_community_too_large_for_its_serials_gets_larger_cells_and_says_so() -> None:
    community = rectangle(600, 500)
    grid = grid_community(community, max_cells=12)
    assert_fills(community, grid)
    assert len(grid.cells) == 12
    assert grid.enlarged
    assert grid.nominal_m2 == pytest.approx(25_000, rel=0.05)
    assert grid.area_m2.mean() == pytest.approx(25_000, rel=0.01)


def test_another_size_can_be_asked_for() -> None:
    grid = grid_community(rectangle(600, 500), target_m2=50_000.0)
    assert len(grid.cells) == 6
    assert not grid.enlarged


def test_serials_run_west_to_east_in_rows_from_north_to_south() -> None:
    community = rectangle(200, 200)
    grid = grid_community(community)
    centres = [cell.centroid for cell in grid.cells]
    assert len(centres) == 4
    assert centres[0].x < centres[1].x
    assert centres[2].x < centres[3].x
    assert min(centres[0].y, centres[1].y) > max(centres[2].y, centres[3].y)


def test_serials_of_a_drawn_example_are_the_ones_counted_by_hand() -> None:
    # Three parts of one cell each and a row of two: the one in the north comes first, though it
    # lies in the east; two that differ by 40 m in latitude are in one row, by 60 m are not.
    squares = {
        "north-east": box(500, 1000, 600, 1100),
        "second row, west, 40 m lower": box(0, 760, 100, 860),
        "second row, east": box(300, 800, 400, 900),
        "third row": box(150, 700, 250, 790),
    }
    community = in_beijing(MultiPolygon([squares[name] for name in sorted(squares)]))
    grid = grid_community(community)
    order = [
        next(name for name, square in squares.items() if in_beijing(square).contains(cell.centroid))
        for cell in grid.cells
    ]
    assert order == list(squares)


def test_cells_of_neighbours_match_along_their_border() -> None:
    west = polygon((0, 0), (400, 30), (420, 300), (380, 520), (0, 500))
    east = polygon((400, 30), (1100, 0), (1000, 600), (380, 520), (420, 300))
    # Many communities end on one long straight border from its other side.
    north = polygon((0, 500), (380, 520), (1000, 600), (1000, 1300), (0, 1200))
    grids = grid_communities([west, east, north])
    for community, grid in zip([west, east, north], grids, strict=True):
        assert_fills(community, grid)
    cells = np.array([cell for grid in grids for cell in grid.cells])
    assert shapely.coverage_is_valid(cells)


def test_border_vertices_are_missing_when_neighbours_are_cut_apart() -> None:
    west, east = rectangle(500, 700), rectangle(300, 700, west=500)
    apart = [*grid_community(west).cells, *grid_community(east).cells]
    together = [cell for grid in grid_communities([west, east]) for cell in grid.cells]
    assert shapely.coverage_is_valid(np.array(together))
    assert not shapely.coverage_is_valid(np.array(apart))


@pytest.mark.slow
def test_answer_is_the_same_bit_for_bit_whatever_the_number_of_workers() -> None:
    communities = [shape for shape, _, _ in SHAPES.values()]
    first, second = (
        grid_communities([in_beijing_apart(c, k) for k, c in enumerate(communities)], workers=w)
        for w in (1, 4)
    )
    for a, b in zip(first, second, strict=True):
        assert [cell.wkb for cell in a.cells] == [cell.wkb for cell in b.cells]
        assert a.area_m2.tobytes() == b.area_m2.tobytes()


def in_beijing_apart(shape: BaseGeometry, number: int) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: xy + np.array([0.05 * number, 0.0]))


def test_no_communities_give_no_grids() -> None:
    assert grid_communities([]) == []


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        (Polygon(), "empty"),
        (shapely.Point(116.4, 39.9), "Point"),
        (Polygon([(116, 39), (117, 40), (117, 39), (116, 40)]), "not valid"),
    ],
)
def test_what_is_no_sound_area_is_refused_by_its_number(shape: BaseGeometry, word: str) -> None:
    with pytest.raises(BadGeometry, match=rf"Community 1 .*{word}"):
        grid_communities([rectangle(100, 100), shape])


def test_more_islands_than_serials_are_refused() -> None:
    islands = in_beijing(MultiPolygon([box(k * 200, 0, k * 200 + 100, 100) for k in range(4)]))
    with pytest.raises(BadGeometry, match="4 separate parts"):
        grid_community(islands, max_cells=3)


@st.composite
def stars(draw: st.DrawFn) -> BaseGeometry:
    """Concave polygons, some with a hole, of 1 to about 150 cells."""
    corners = draw(st.lists(st.floats(0.35, 1.0), min_size=3, max_size=25))
    size = draw(st.floats(80, 800))
    turn = draw(st.floats(0, 6.28))
    angles = turn + np.arange(len(corners)) * (2 * np.pi / len(corners))
    radii = size * np.array(corners)
    shape = Polygon(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))
    if draw(st.booleans()):
        shape = shape.difference(shapely.Point(0, 0).buffer(size * 0.12, quad_segs=2))
    return in_beijing(shape)


@given(stars())
@settings(max_examples=60, deadline=None)
def test_any_shape_is_filled_by_nearly_equal_cells(community: BaseGeometry) -> None:
    grid = grid_community(community)
    assert_fills(community, grid)
    if community.geom_type == "Polygon":
        assert spread(grid) < 0.06


def test_true_area_of_the_cells_is_that_of_their_community() -> None:
    # An edge straight in degrees is bent in the metric plane, so the community's long edges are
    # divided before its area is taken; otherwise it would be 14 m² off.
    community = polygon((0, 0), (1500, 100), (1300, 900), (300, 700))
    grid = grid_community(community)
    true = float(area_m2(shapely.segmentize(community, 1e-4)))
    assert grid.area_m2.sum() == pytest.approx(true, rel=1e-6)
