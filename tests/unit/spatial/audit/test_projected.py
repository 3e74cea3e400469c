"""Overlaps as other tools count them: each area projected by itself, then all pairs intersected."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from gridsvc.errors import BadInput, UnknownCrs
from gridsvc.spatial.audit import FaultKind, audit_areas, overlaps_when_projected
from tests.plane import PLANE

# Two areas on both sides of the parallel 39.9; the southern one has a vertex more in their border.
NORTH = shapely.Polygon([(116.3, 39.9), (116.4, 39.9), (116.4, 39.95), (116.3, 39.95)])
SOUTH = shapely.Polygon(
    [(116.3, 39.85), (116.4, 39.85), (116.4, 39.9), (116.35, 39.9), (116.3, 39.9)]
)


def test_a_straight_side_with_other_vertices_overlaps_in_the_plane_only():
    # Turned round, the vertex is the northern one's, and what was a gap is an overlap.
    mirrored = [
        shapely.transform(it, lambda xy: np.column_stack([xy[:, 0], 79.8 - xy[:, 1]]))
        for it in (SOUTH, NORTH)
    ]
    found = [overlaps_when_projected(pair, "EPSG:4548") for pair in ([SOUTH, NORTH], mirrored)]

    # The oracle: the triangle between the side and the vertex, by PROJ alone.
    plane = pyproj.Transformer.from_crs(4326, 4548, always_xy=True)
    corners = [plane.transform(lon, 39.9) for lon in (116.3, 116.35, 116.4)]
    bent = shapely.Polygon(corners).area
    assert bent > 100
    assert sorted(len(it.pairs) for it in found) == [0, 1]
    assert sum(it.area_m2.sum() for it in found) == pytest.approx(bent, abs=1e-3)
    assert audit_areas([SOUTH, NORTH], plane=PLANE).of(FaultKind.OVERLAP) == ()


def test_the_largest_pair_comes_first_and_a_broken_ring_is_repaired():
    bow_tie = shapely.Polygon([(116.3, 39.9), (116.4, 39.95), (116.4, 39.9), (116.3, 39.95)])
    above = shapely.box(116.3, 39.93, 116.4, 40.0)

    found = overlaps_when_projected([NORTH, bow_tie, above], "EPSG:4548")

    assert (np.diff(found.area_m2) <= 0).all()
    assert {tuple(it) for it in found.pairs.tolist()} == {(0, 1), (0, 2), (1, 2)}


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "EPSG:4490", "EPSG:2263"])
def test_degrees_and_feet_are_no_plane_in_metres(crs):
    with pytest.raises(BadInput, match="not a plane in metres"):
        overlaps_when_projected([NORTH], crs)


def test_an_unknown_system_is_refused():
    with pytest.raises(UnknownCrs):
        overlaps_when_projected([NORTH], "EPSG:999999")
