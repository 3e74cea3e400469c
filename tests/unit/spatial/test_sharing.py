"""What areas share: shares that sum to 1, whoever asks, and the border between two areas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from gridsvc.errors import BadGeometry
from gridsvc.registry.districts import read_districts
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.sharing import border_length_m, shares
from tests.plane import PLANE

_GEOD = Geod(ellps="WGS84")


def halves() -> tuple[list[Any], list[str]]:
    """Two areas west and east of 116.4; the east one has more vertices on the common border."""
    east = [(116.4, 39.9), (116.4, 39.8), (116.5, 39.8), (116.5, 40.0), (116.4, 40.0)]
    return [shapely.box(116.3, 39.8, 116.4, 40.0), shapely.Polygon(east)], ["110102", "110106"]


def test_a_footprint_across_a_border_is_shared() -> None:
    footprint = shapely.box(116.399, 39.899, 116.403, 39.901)
    found = shares(footprint, *halves())
    assert [part.code for part in found.parts] == ["110102", "110106"]
    assert [part.share for part in found.parts] == pytest.approx([0.25, 0.75], rel=1e-6)
    assert found.footprint_m2 == pytest.approx(float(area_m2(footprint)), rel=1e-6)
    assert found.unclaimed_m2 == found.overlapping_m2 == 0.0
    assert found.border_length_m == pytest.approx(
        _GEOD.inv(116.4, 39.899, 116.4, 39.901)[2], rel=1e-6
    )


def test_a_common_parallel_with_more_vertices_on_one_side_makes_no_overlap() -> None:
    lon = np.linspace(116.0, 117.0, 50)
    south = shapely.Polygon([(116, 39), (117, 39), *((x, 40.0) for x in lon[::-1])])
    north = shapely.box(116, 40, 117, 41)
    found = shares(shapely.box(116.1, 39.9, 116.9, 40.1), [south, north], ["s", "n"])
    assert found.overlapping_m2 == 0.0
    assert found.unclaimed_m2 == 0.0
    assert sum(part.share for part in found.parts) == pytest.approx(1.0, abs=1e-12)


def test_what_nobody_claims_is_said() -> None:
    footprint = shapely.box(116.29, 39.85, 116.31, 39.9)
    found = shares(footprint, *halves())
    assert found.unclaimed_share == pytest.approx(0.5, rel=1e-6)
    assert found.unclaimed_m2 == pytest.approx(found.footprint_m2 / 2.0, rel=1e-6)
    (only,) = found.parts
    assert only.code == "110102"
    assert only.share == pytest.approx(0.5, rel=1e-6)
    lost = shares(shapely.box(0, 0, 0.01, 0.01), *halves())
    assert lost.parts == ()
    assert lost.unclaimed_share == 1.0
    assert lost.border_length_m == 0.0


def test_what_two_areas_cover_is_split_equally_between_them() -> None:
    areas = [shapely.box(116.0, 39.0, 116.02, 39.01), shapely.box(116.01, 39.0, 116.03, 39.01)]
    found = shares(shapely.box(116.0, 39.0, 116.03, 39.01), areas, ["a", "b"])
    assert [part.share for part in found.parts] == pytest.approx([0.5, 0.5], rel=1e-6)
    assert found.overlapping_m2 == pytest.approx(found.footprint_m2 / 3.0, rel=1e-5)
    assert sum(part.area_m2 for part in found.parts) == pytest.approx(
        found.footprint_m2 + found.overlapping_m2, rel=1e-9
    )


def test_an_area_that_only_touches_the_footprint_has_no_share() -> None:
    found = shares(shapely.box(116.38, 39.9, 116.4, 39.91), *halves())
    assert [part.code for part in found.parts] == ["110102"]
    assert found.border_length_m == 0.0


def test_a_hole_in_a_footprint_is_not_shared() -> None:
    outer = shapely.box(116.35, 39.88, 116.45, 39.92)
    footprint = outer - shapely.box(116.36, 39.89, 116.44, 39.91)
    found = shares(footprint, *halves())
    assert found.footprint_m2 == pytest.approx(float(area_m2(footprint)), rel=1e-5)
    assert found.border_length_m == pytest.approx(
        2.0 * _GEOD.inv(116.4, 39.88, 116.4, 39.89)[2], rel=1e-4
    )


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(115.5, 117.3),
    y=st.floats(39.5, 41.0),
    size=st.floats(1e-5, 0.1),
    turn=st.floats(0.0, 90.0),
)
def test_shares_of_any_footprint_sum_to_one(x: float, y: float, size: float, turn: float) -> None:
    found = read_districts()
    footprint = shapely.affinity.rotate(shapely.box(x, y, x + size, y + size / 3), turn)
    answer = shares(footprint, [one.geometry for one in found], [one.code for one in found])
    total = sum(part.share for part in answer.parts) + answer.unclaimed_share
    assert total == pytest.approx(1.0, abs=1e-9)
    assert answer.footprint_m2 == pytest.approx(float(area_m2(footprint)), rel=1e-4)
    for part in answer.parts:
        shape = next(one.geometry for one in found if one.code == part.code)
        expected = float(area_m2(shapely.intersection(footprint, shape)))
        assert part.area_m2 == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    "footprint",
    [
        shapely.Polygon(),
        shapely.Point(116.4, 39.9),
        shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
    ],
)
def test_a_footprint_that_cannot_be_shared_is_refused(footprint: Any) -> None:
    with pytest.raises(BadGeometry, match="footprint"):
        shares(footprint, *halves())


@pytest.mark.parametrize("turn", [0.0, 17.0, 45.0])
def test_what_each_area_covers_is_its_area_in_the_metric_plane(turn: float) -> None:
    footprint = shapely.affinity.rotate(shapely.box(116.398, 39.898, 116.403, 39.901), turn)
    areas, codes = halves()
    for part in shares(footprint, areas, codes).parts:
        piece = shapely.intersection(footprint, areas[codes.index(part.code)])
        flat = PLANE.project(shapely.segmentize(piece, 1e-6))
        assert part.area_m2 == pytest.approx(flat.area, rel=1e-8)


def test_faces_that_are_known_already_give_the_same_shares() -> None:
    footprint = shapely.box(116.399, 39.899, 116.403, 39.901)
    areas, codes = halves()
    lines = shapely.union_all([shapely.boundary(it) for it in (footprint, *areas)])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    assert shares(footprint, areas, codes, faces=faces) == shares(footprint, areas, codes)


def line(*places: tuple[float, float]) -> Any:
    return shapely.MultiLineString([places])


def test_a_border_that_both_draw_alike_is_as_long_as_it_is_drawn() -> None:
    drawn = line((116.4, 39.9), (116.4, 39.91))
    with_ends = line((116.4, 39.9 - 1e-6), (116.4, 39.91 + 1e-6))
    whole = _GEOD.inv(116.4, 39.9, 116.4, 39.91)[2]
    assert border_length_m(drawn, with_ends) == pytest.approx(whole, rel=1e-9)


def test_a_border_drawn_twice_is_measured_once_and_crossings_are_none() -> None:
    near = shapely.MultiLineString(
        [[(116.4, 39.9), (116.4, 39.91)], [(116.5, 39.9), (116.5, 39.9 + 2e-6)]]
    )
    whole = _GEOD.inv(116.4, 39.9, 116.4, 39.91)[2]
    assert border_length_m(shapely.MultiLineString(), near) == pytest.approx(whole, rel=1e-9)
    corner = line((116.4, 39.9), (116.4, 39.9 + 2e-6))
    assert border_length_m(shapely.Point(116.4, 39.9), corner) == 0.0
    assert border_length_m(shapely.MultiLineString(), shapely.MultiLineString()) == 0.0
