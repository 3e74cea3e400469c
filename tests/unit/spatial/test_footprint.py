"""Footprints: read, mended with a word, or refused with a reason."""

from __future__ import annotations

import json
import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.errors import BadCoordinate, BadGeometry, GridsvcError, TooLarge, UnknownCrs
from gridsvc.spatial.crs import from_wgs84
from gridsvc.spatial.footprint import read_footprint

SQUARE = [[116.3, 39.8], [116.4, 39.8], [116.4, 39.9], [116.3, 39.9], [116.3, 39.8]]
HOLE = [[116.32, 39.82], [116.32, 39.84], [116.34, 39.84], [116.34, 39.82], [116.32, 39.82]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def read(geojson, crs="wgs84", most=100):
    return read_footprint(geojson, crs, max_vertices=most)


def test_a_sound_outline_is_taken_as_it_is():
    found = read(polygon(SQUARE, HOLE))
    assert found.mended is None
    assert found.geometry.equals(shapely.MultiPolygon([shapely.Polygon(SQUARE, [HOLE])]))


def test_a_multipolygon_and_a_feature_are_outlines_too():
    many = {"type": "MultiPolygon", "coordinates": [[SQUARE]]}
    assert read(many).geometry.equals(read(polygon(SQUARE)).geometry)
    assert read({"type": "Feature", "geometry": many}).geometry.equals(read(many).geometry)


def test_heights_are_left_out():
    lifted = [[*place, 12.5] for place in SQUARE]
    assert not read(polygon(lifted)).geometry.has_z


def test_a_declared_datum_is_undone():
    shifted = [list(from_wgs84(*place, "gcj02")) for place in SQUARE]
    found = read(polygon(shifted), "gcj02").geometry
    assert shapely.hausdorff_distance(found, read(polygon(SQUARE)).geometry) < 1e-9


def test_a_bow_tie_is_cut_at_its_crossing_and_the_mending_is_told():
    bow = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
    found = read(polygon(bow))
    assert "Self-intersection" in found.mended
    assert found.geometry.is_valid
    assert len(found.geometry.geoms) == 2
    assert found.geometry.area == pytest.approx(0.005, rel=1e-9)


def test_vertices_are_counted_over_all_rings():
    read(polygon(SQUARE, HOLE), most=10)
    with pytest.raises(TooLarge, match="more than 9 vertices"):
        read(polygon(SQUARE, HOLE), most=9)


@pytest.mark.parametrize(
    ("geojson", "error", "says"),
    [
        ({}, BadGeometry, "Polygon"),
        ({"type": "Feature", "geometry": None}, BadGeometry, "Polygon"),
        ({"type": "LineString", "coordinates": SQUARE}, BadGeometry, "LineString"),
        ({"type": "Polygon"}, BadGeometry, "no ground|coordinates|list"),
        ({"type": "Polygon", "coordinates": []}, BadGeometry, "empty"),
        ({"type": "MultiPolygon", "coordinates": []}, BadGeometry, "empty"),
        ({"type": "MultiPolygon", "coordinates": 7}, BadGeometry, "coordinates"),
        (polygon([]), BadGeometry, "four positions"),
        (polygon(SQUARE[:3]), BadGeometry, "four positions"),
        (polygon(SQUARE[:4]), BadGeometry, "repeat its first position"),
        (polygon([[1], [1], [1], [1]]), BadGeometry, "position"),
        (polygon([SQUARE[0]] * 5), BadGeometry, "no ground"),
        (polygon([[200, 39], [201, 39], [201, 40], [200, 39]]), BadCoordinate, "200"),
        (polygon([[39, 116], [39, 117], [40, 117], [39, 116]]), BadCoordinate, "swapped"),
        (polygon([["x", 1]] * 4), BadCoordinate, "number"),
        (
            polygon([[math.nan, 39.0], *SQUARE[1:4], [math.nan, 39.0]]),
            GridsvcError,
            "number|begins",
        ),
        (polygon([[179, 39], [-179, 39], [-179, 40], [179, 39]]), BadGeometry, "180th"),
    ],
)
def test_what_is_no_outline_is_refused_with_its_reason(geojson, error, says):
    with pytest.raises(error, match=says) as refused:
        read(geojson)
    assert refused.value.status in (413, 422)


def test_an_unknown_crs_is_said():
    with pytest.raises(UnknownCrs, match="mars"):
        read(polygon(SQUARE), "mars")


positions = st.lists(
    st.tuples(st.floats(116.3, 116.4), st.floats(39.8, 39.9)), min_size=3, max_size=12
)


@given(positions)
def test_whatever_is_drawn_becomes_sound_ground_or_is_refused(places):
    ring = [list(place) for place in [*places, places[0]]]
    try:
        found = read(polygon(ring))
    except BadGeometry:
        return
    assert found.geometry.is_valid
    assert found.geometry.area > 0
    again = read(json.loads(shapely.to_geojson(found.geometry)), most=1000)
    assert again.mended is None
