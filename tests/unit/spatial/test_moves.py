"""Ground that changes hands, held against plain intersections by GEOS and by PostGIS's rules."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.moves import NOISE_M2, holder_at, moved_ground, redrawn

_GEOD = Geod(ellps="WGS84")


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(
        116.3 + west * 0.01, 39.9 + south * 0.01, 116.3 + east * 0.01, 39.9 + north * 0.01
    )


def by_pair(moves: Any) -> dict[tuple[str | None, str | None], float]:
    return {(move.before, move.after): move.area_m2 for move in moves.moves}


def geodesic_m2(shape: Any) -> float:
    """Karney's area, whose edges are geodesics; of small pieces it is the same to 1e-6."""
    return abs(_GEOD.geometry_area_perimeter(shapely.segmentize(shape, 0.0005))[0])


def voronoi(seed: int, count: int, prefix: str) -> dict[str, Any]:
    """A coverage of one square by the cells of points that are made up."""
    rng = np.random.default_rng(seed)
    square = box(0, 0, 4, 4)
    west, south, east, north = square.bounds
    points = shapely.points(rng.uniform(west, east, count), rng.uniform(south, north, count))
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=square)
    )
    cut = shapely.intersection(cells, square)
    kept = sorted((c for c in cut if c.area > 0), key=lambda c: c.centroid.coords[0])
    return {f"{prefix}{n:02d}": cell for n, cell in enumerate(kept)}


def test_a_border_that_moves_gives_its_strip_to_the_other_side() -> None:
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
    after = {"a": box(0, 0, 1.25, 1), "b": box(1.25, 0, 2, 1)}

    found = moved_ground(before, after)

    assert list(by_pair(found)) == [("b", "a")]
    assert by_pair(found)["b", "a"] == pytest.approx(geodesic_m2(box(1, 0, 1.25, 1)), rel=1e-6)
    lost = {change.code: (change.lost_m2, change.gained_m2) for change in found.changes}
    strip = by_pair(found)["b", "a"]
    assert lost == {"a": (0.0, pytest.approx(strip)), "b": (pytest.approx(strip), 0.0)}


def test_vertices_that_only_one_side_has_move_no_ground() -> None:
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
    after = {"a": box(0, 0, 1, 1), "b": shapely.segmentize(before["b"], 0.0013)}

    found = moved_ground(before, after)

    assert found.changes == ()
    assert sum(move.area_m2 for move in found.moves) < NOISE_M2


def test_a_new_code_on_the_same_ground_takes_all_of_it() -> None:
    found = moved_ground({"a": box(0, 0, 1, 1)}, {"b": box(0, 0, 1, 1)})
    whole = float(area_m2(box(0, 0, 1, 1)))
    assert by_pair(found) == {("a", "b"): pytest.approx(whole)}


def test_ground_that_nobody_holds_any_more_goes_to_nobody_and_comes_from_nobody() -> None:
    one, other = {"a": box(0, 0, 2, 1)}, {"a": box(0, 0, 1, 1)}
    assert list(by_pair(moved_ground(one, other))) == [("a", None)]
    assert list(by_pair(moved_ground(other, one))) == [(None, "a")]


def test_where_areas_overlap_the_smallest_code_holds_the_ground_as_in_a_look_up() -> None:
    before = {"a": box(0, 0, 2, 1), "b": box(1, 0, 3, 1)}
    after = {"a": box(0, 0, 1, 1), "b": box(1, 0, 3, 1)}
    found = moved_ground(before, after)
    assert by_pair(found) == {("a", "b"): pytest.approx(float(area_m2(box(1, 0, 2, 1))))}


def test_nothing_moves_between_equal_sets_or_none() -> None:
    areas = voronoi(1, 9, "c")
    assert moved_ground(areas, areas).moves == ()
    assert moved_ground({}, {}).moves == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12))
def test_moves_are_those_of_plain_intersections_and_balance(seed: int, n: int, m: int) -> None:
    before, after = voronoi(seed, n, "c"), voronoi(seed + 1, m, "c")

    found = moved_ground(before, after)

    brute = {
        (one, other): float(area_m2(shapely.intersection(before[one], after[other])))
        for one, other in product(before, after)
        if one != other
    }
    listed = by_pair(found)
    for pair, size in brute.items():
        assert listed.get(pair, 0.0) == pytest.approx(size, abs=1e-4)
    nobody = sum(size for pair, size in listed.items() if None in pair)
    assert nobody < 1e-4
    moved = sum(listed.values())
    assert found.unbalanced_m2 <= 1e-6 + 1e-11 * moved
    net: dict[str | None, float] = defaultdict(float)
    for (one, other), size in listed.items():
        net[one] -= size
        net[other] += size
    assert abs(sum(net.values())) < 1e-6
    for change in found.changes:
        assert net[change.code] == pytest.approx(change.after_m2 - change.before_m2, abs=1e-3)


def test_ground_drawn_anew_without_a_fault_is_claimed_once() -> None:
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1), "c": box(0, 1, 2, 2)}
    found = redrawn(before, before | {"a": box(0, 0, 0.97, 1), "b": box(0.97, 0, 2, 1)})
    assert found.region.equals(shapely.MultiPolygon([box(0.97, 0, 1, 1)]))
    assert (found.overlapping_m2, found.unclaimed_m2) == (0.0, 0.0)


def test_ground_given_away_without_a_taker_is_unclaimed() -> None:
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
    after = before | {"a": box(0, 0, 0.97, 1)}
    strip = pytest.approx(geodesic_m2(box(0.97, 0, 1, 1)), rel=1e-6)
    assert by_pair(moved_ground(before, after)) == {("a", None): strip}
    assert redrawn(before, after).unclaimed_m2 == strip


def test_ground_that_two_claim_afterwards_is_overlapping() -> None:
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
    found = redrawn(before, before | {"a": box(0, 0, 1.03, 1)})
    assert found.overlapping_m2 == pytest.approx(geodesic_m2(box(1, 0, 1.03, 1)), rel=1e-6)
    assert found.unclaimed_m2 == 0.0


def test_nothing_is_drawn_anew_between_equal_sets() -> None:
    areas = voronoi(1, 9, "c")
    assert redrawn(areas, areas).region.is_empty


@given(
    st.lists(
        st.tuples(st.integers(0, 800), st.integers(0, 800), st.integers(20, 900)),
        min_size=2,
        max_size=5,
    ),
    st.integers(20, 900),
)
def test_what_each_area_holds_changes_by_what_it_takes_and_gives(
    drawn: list[tuple[int, int, int]], size: int
) -> None:
    """Whatever is drawn: the smallest code has what several cover, and the sums agree."""
    before = {
        f"11010200{n}": box(x / 1e3, y / 1e3, (x + s) / 1e3, (y + s) / 1e3)
        for n, (x, y, s) in enumerate(drawn)
    }
    after = before | {"110102001": box(0.1, 0.1, 0.1 + size / 1e3, 0.1 + size / 1e3)}

    moves = moved_ground(before, after).above_noise

    for code in before:
        gained = sum(it.area_m2 for it in moves if it.after == code)
        lost = sum(it.area_m2 for it in moves if it.before == code)
        assert held_m2(after, code) - held_m2(before, code) == pytest.approx(
            gained - lost, abs=0.05
        )
    for it in moves:
        point = it.geometry.representative_point()
        assert holder_at(before, point) == it.before
        assert holder_at(after, point) == it.after


def held_m2(areas: dict[str, shapely.Polygon], code: str) -> float:
    smaller = shapely.union_all([area for it, area in areas.items() if it < code])
    return float(area_m2(areas[code].difference(smaller)))
