"""What a line passes, against GEOS on the whole line and PROJ's lengths on the ellipsoid."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from gridsvc.errors import BadGeometry, TooLarge
from gridsvc.spatial.along import counted, passed, way_of
from gridsvc.spatial.plane import MetricPlane

GEOD = pyproj.Geod(ellps="WGS84")
PLANE = MetricPlane.at(116.4, 39.9)
#: Four boxes of 0.01° in a row; the first begins at 116.30.
ROW = [shapely.box(116.30 + n / 100, 39.88, 116.31 + n / 100, 39.90) for n in range(4)]


def metres(geometry: shapely.Geometry) -> float:
    """PROJ's length of what an overlay gave; its points have none."""
    lines = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == 1]
    return float(sum(GEOD.geometry_length(line) for line in lines))


def cells(random: np.random.Generator, count: int) -> list[shapely.Geometry]:
    """The Voronoi cells of random places: a coverage without a straight row in it."""
    places = shapely.MultiPoint(random.uniform((116.2, 39.8), (116.5, 40.0), (count, 2)))
    drawn = shapely.voronoi_polygons(places, extend_to=shapely.box(116.1, 39.7, 116.6, 40.1))
    return list(shapely.get_parts(drawn))


def winding(random: np.random.Generator) -> shapely.LineString:
    """A line of 40 bends across the cells, as a river winds."""
    lon = np.sort(random.uniform(116.21, 116.49, 40))
    return shapely.LineString(np.column_stack([lon, random.uniform(39.88, 39.92, 40)]))


@pytest.mark.system(29)
@pytest.mark.parametrize("seed", range(20))
def test_metres_in_300_cells_are_those_of_geos_and_proj(seed: int) -> None:
    random = np.random.default_rng(seed)
    areas, line = cells(random, 300), winding(random)
    way = way_of(line, 40.0, PLANE)
    found = passed(way, areas)
    assert way.length_m == pytest.approx(GEOD.geometry_length(line), rel=1e-6)
    crossed = 0
    for area, one in zip(areas, found, strict=True):
        expected = metres(shapely.intersection(line, area))
        if expected > 0.01:
            assert one is not None
            # The promise is 0.1 %; both are the same edges, so they are far nearer.
            assert one.metres == pytest.approx(expected, rel=1e-5, abs=1e-3)
            crossed += 1
        else:
            assert one is None or one.metres < 0.02
    assert crossed > 25
    once_m, more_m = counted([it for one in found if one for it in one.stretches])
    assert (once_m, more_m) == pytest.approx((way.length_m, 0.0), abs=0.05)


@pytest.mark.system(29)
@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_someone_who_walks_the_line(seed: int) -> None:
    random = np.random.default_rng(1_000 + seed)
    areas, line = cells(random, 60), winding(random)
    way = way_of(line, 10.0, PLANE)
    found = passed(way, areas)
    steps = np.arange(0.5, way.length_m, 25.0)
    for step in steps:
        here = shapely.Point(way.at(step))
        inside = np.flatnonzero(shapely.intersects(areas, here)).tolist()
        told = [
            n
            for n, one in enumerate(found)
            if one and any(start <= step <= end for start, end in one.stretches)
        ]
        assert told == inside, f"after {step:.1f} m"


@pytest.mark.parametrize("seed", range(5))
def test_whoever_the_width_reaches_is_whoever_lies_within_half_of_it(seed: int) -> None:
    random = np.random.default_rng(2_000 + seed)
    areas, line = cells(random, 300), winding(random)
    found = passed(way_of(line, 300.0, PLANE), areas)
    fine = PLANE.project(shapely.segmentize(line, 0.001))
    band = shapely.buffer(fine, 150.0, cap_style="flat", quad_segs=32)
    away = [shapely.area(shapely.intersection(PLANE.project(area), band)) for area in areas]
    sure = [n for n, m2 in enumerate(away) if m2 > 50.0]
    assert len([one for one in found if one and not one.stretches]) > 1
    assert set(sure) <= {n for n, one in enumerate(found) if one}
    assert all(found[n] is None for n, m2 in enumerate(away) if m2 == 0.0)


@pytest.mark.system(29)
def test_a_line_along_a_border_is_on_both_sides_of_it() -> None:
    line = shapely.LineString([(116.31, 39.881), (116.31, 39.899)])
    found = passed(way_of(line, 20.0, PLANE), ROW)
    whole = GEOD.geometry_length(line)
    assert [one and pytest.approx(one.metres, rel=1e-6) for one in found] == [
        whole,
        whole,
        None,
        None,
    ]
    assert counted([it for one in found if one for it in one.stretches]) == pytest.approx(
        (whole, whole), rel=1e-6
    )


def test_who_goes_back_passes_an_area_twice() -> None:
    there = [(116.305, 39.89), (116.315, 39.89), (116.305, 39.89)]
    one, other, *rest = passed(way_of(shapely.LineString(there), 20.0, PLANE), ROW)
    half = GEOD.line_length([116.305, 116.31], [39.89, 39.89])
    assert one is not None
    assert other is not None
    assert [len(it.stretches) for it in (one, other)] == [2, 1]
    assert (one.metres, other.metres) == pytest.approx((2 * half, 2 * half), rel=1e-6)
    assert rest == [None, None]


def test_an_area_that_only_the_width_reaches_is_told_where_it_is_nearest() -> None:
    # 8.5 m west of the border between the second and third box, then away from it.
    line = shapely.LineString([(116.312, 39.885), (116.3199, 39.89), (116.312, 39.895)])
    way = way_of(line, 20.0, PLANE)
    near = passed(way, ROW)[2]
    assert near is not None
    assert near.stretches == ()
    assert near.corridor_m2 > 0
    assert near.from_m == pytest.approx(way.length_m / 2, abs=1.0)
    assert passed(way_of(line, 10.0, PLANE), ROW)[2] is None


def test_nobody_beyond_the_ends_of_a_line_is_picked() -> None:
    line = shapely.LineString([(116.3001, 39.89), (116.3099, 39.89)])
    assert [one is not None for one in passed(way_of(line, 60.0, PLANE), ROW)] == [
        True,
        False,
        False,
        False,
    ]


def test_a_line_in_two_pieces_is_one_way_without_the_gap() -> None:
    pieces = shapely.MultiLineString(
        [[(116.302, 39.89), (116.308, 39.89)], [(116.332, 39.89), (116.338, 39.89)]]
    )
    first, *_, last = passed(way_of(pieces, 20.0, PLANE), ROW)
    assert first is not None
    assert last is not None
    assert last.from_m == pytest.approx(first.metres)
    assert first.metres == pytest.approx(GEOD.line_length([116.302, 116.308], [39.89, 39.89]))


@pytest.mark.parametrize(
    ("line", "width_m", "error"),
    [
        (shapely.Point(116.3, 39.9), 20.0, BadGeometry),
        (shapely.LineString([(116.3, 39.9), (116.3, 39.9)]), 20.0, BadGeometry),
        (shapely.LineString([(116.3, 39.9), (119.3, 39.9)]), 20.0, TooLarge),
        (shapely.LineString([(116.3, 39.9), (117.3, 39.9)]), 2_000.0, TooLarge),
        (shapely.LineString(np.linspace((116.3, 39.9), (116.4, 39.9), 20_001)), 20.0, TooLarge),
    ],
)
def test_what_is_not_a_line_for_people_is_refused(
    line: shapely.Geometry, width_m: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        way_of(line, width_m, PLANE)
