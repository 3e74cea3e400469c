"""Faults of a set of areas are found with their size, and what can be mended is."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridsvc.errors import BadGeometry
from gridsvc.spatial.coverage import faults, is_watertight, match_edges, mend
from gridsvc.spatial.ellipsoid import area_m2
from tests.plane import PLANE

SHARED = Path(os.environ.get("GRIDSVC_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
LEFT = shapely.box(116.30, 39.90, 116.31, 39.91)
RIGHT = shapely.box(116.31, 39.90, 116.32, 39.91)
BOWTIE = shapely.Polygon([(116.30, 39.90), (116.31, 39.91), (116.31, 39.90), (116.30, 39.91)])


def faults_of(areas):
    return faults(areas, plane=PLANE)


def test_areas_that_fit_have_no_faults():
    found = faults_of([LEFT, RIGHT])
    assert found.none
    assert found.slivers == ()
    assert is_watertight([LEFT, RIGHT])


def test_an_overlap_is_named_with_both_areas_and_its_size():
    wide = shapely.box(116.305, 39.90, 116.32, 39.91)
    (overlap,) = faults_of([LEFT, wide]).overlaps
    assert (overlap.first, overlap.second) == (0, 1)
    half = shapely.box(116.305, 39.90, 116.31, 39.91)
    assert overlap.area_m2 == pytest.approx(float(area_m2(half)), rel=1e-4)
    assert shapely.equals(overlap.geometry, half)
    assert not is_watertight([LEFT, wide])


def test_a_hole_between_areas_is_a_gap_and_the_outside_is_not():
    outer = shapely.box(116.30, 39.90, 116.34, 39.94)
    lower = shapely.box(116.30, 39.90, 116.34, 39.92)
    hole = shapely.box(116.31, 39.925, 116.32, 39.93)
    upper = shapely.difference(shapely.difference(outer, lower), hole)
    found = faults_of([lower, upper])
    assert [shapely.equals(gap.geometry, hole) for gap in found.gaps] == [True]
    assert found.gaps[0].area_m2 == pytest.approx(float(area_m2(hole)), rel=1e-4)
    assert not is_watertight([lower, upper])


def test_a_strip_of_half_a_metre_is_a_sliver():
    near = shapely.box(116.310_005, 39.90, 116.32, 39.91)
    overlapping = shapely.box(116.309_995, 39.90, 116.32, 39.91)
    assert faults_of([LEFT, near]).slivers == ()
    (sliver,) = faults_of([LEFT, overlapping]).slivers
    assert sliver.kind == "overlap"
    assert sliver.width_m == pytest.approx(0.43, abs=0.02)
    assert faults_of([LEFT, shapely.box(116.3099, 39.90, 116.32, 39.91)]).slivers == ()


def test_a_broken_ring_is_named_with_its_reason_and_does_not_hide_an_overlap():
    found = faults_of([BOWTIE, LEFT])
    assert [(broken.index, broken.reason[:17]) for broken in found.invalid] == [
        (0, "Self-intersection")
    ]
    assert len(found.overlaps) == 1


def test_the_same_area_twice_is_a_duplicate_however_its_ring_begins():
    again = shapely.Polygon(np.roll(shapely.get_coordinates(LEFT)[:-1], 2, axis=0))
    found = faults_of([LEFT, RIGHT, again])
    assert found.duplicates == ((0, 2),)
    assert found.overlaps == ()
    assert not found.none


def test_a_sound_area_is_left_as_it_is():
    mended = mend(LEFT)
    assert mended.how == ()
    assert mended.changed_m2 == 0
    assert shapely.equals_exact(mended.geometry, shapely.MultiPolygon([LEFT]))


def test_a_self_crossing_area_becomes_its_two_halves():
    mended = mend(BOWTIE)
    assert shapely.is_valid(mended.geometry)
    assert len(mended.geometry.geoms) == 2
    assert mended.how[0].startswith("repaired: Self-intersection")
    assert float(area_m2(mended.geometry)) == pytest.approx(float(area_m2(LEFT)) / 2, rel=1e-3)


def test_lines_and_points_beside_an_area_are_dropped_and_said_so():
    line = shapely.LineString([(116.2, 39.9), (116.3, 39.9)])
    inner = shapely.GeometryCollection([RIGHT, line])
    mended = mend(shapely.GeometryCollection([LEFT, inner]))
    assert mended.how == ("dropped lines and points",)
    assert shapely.equals(mended.geometry, shapely.union(LEFT, RIGHT))


def test_heights_are_dropped():
    mended = mend(shapely.force_3d(LEFT, 45.0))
    assert mended.how == ("dropped heights",)
    assert not shapely.has_z(mended.geometry)


@pytest.mark.parametrize(
    ("geometry", "word"),
    [
        (None, "no geometry"),
        (shapely.Polygon(), "no geometry"),
        (shapely.Point(116.3, 39.9), "holds no polygon"),
        (shapely.Polygon([(116.3, 39.9), (116.4, 39.9), (116.3, 39.9)]), "holds no polygon"),
        (shapely.Polygon([(116.3, 39.9), (np.inf, 39.9), (116.4, 40.0)]), "finite"),
    ],
)
def test_what_holds_no_area_is_refused(geometry, word):
    with pytest.raises(BadGeometry, match=word):
        mend(geometry)


def test_a_vertex_on_a_neighbour_s_edge_is_given_to_the_neighbour():
    lower = shapely.box(116.31, 39.90, 116.32, 39.904)
    upper = shapely.box(116.31, 39.904, 116.32, 39.91)
    assert not is_watertight([LEFT, lower, upper])
    matched = match_edges([LEFT, lower, upper])
    assert is_watertight(matched)
    assert len(shapely.get_coordinates(matched[0])) == 6
    assert all(
        shapely.equals(now, before)
        for now, before in zip(matched, [LEFT, lower, upper], strict=True)
    )


def test_edges_of_holes_are_matched_too():
    ring = shapely.Polygon(
        shapely.box(116.2, 39.8, 116.4, 40.0).exterior.coords,
        [shapely.union(LEFT, RIGHT).simplify(0).exterior.coords],
    )
    assert not shapely.coverage_is_valid([ring, LEFT, RIGHT])
    assert is_watertight(match_edges([ring, LEFT, RIGHT]))


def test_several_vertices_on_one_edge_come_in_their_order():
    heights = [39.90, 39.902, 39.904, 39.906, 39.91]
    strips = [shapely.box(116.31, low, 116.32, high) for low, high in pairwise(heights)]
    assert is_watertight(match_edges([*strips, LEFT]))


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"real street polygons are not at {SHARED}")
def test_the_faults_of_real_streets_are_found():
    rows = json.loads((SHARED / "streets_inner_beijing.geojson").read_text("utf-8"))["features"]
    streets = [shapely.from_geojson(json.dumps(row["geometry"])) for row in rows]
    found = faults_of(streets)
    assert sum(overlap.area_m2 for overlap in found.overlaps) == pytest.approx(333, rel=0.05)
    assert len(found.invalid) == 1
    assert found.duplicates == ()
    assert all(shapely.is_valid([mend(street).geometry for street in streets]))
