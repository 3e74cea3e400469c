"""What people send: read, mended with a word, or refused with a reason, whoever asks."""

from __future__ import annotations

import json
import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.errors import BadCoordinate, BadGeometry, GridsvcError, TooLarge, UnknownCrs
from gridsvc.spatial.crs import from_wgs84
from gridsvc.spatial.reading import read_footprint, read_geometry, read_layer

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


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("Point", [116.3, 39.9, 50.0]),
        ("MultiPoint", [[116.3, 39.9], [116.4, 39.9, 7]]),
        ("LineString", SQUARE[:2]),
        ("MultiLineString", [SQUARE[:2], SQUARE[2:]]),
        ("Polygon", [SQUARE, HOLE]),
        ("MultiPolygon", [[SQUARE, HOLE], []]),
    ],
)
def test_every_type_of_geometry_is_read_without_heights(kind, coordinates):
    found = read_geometry({"type": kind, "coordinates": coordinates}, "wgs84")
    assert found.geom_type == kind
    assert not found.is_empty
    assert not found.has_z


FAULTS = [
    ("Point", [], BadGeometry, "empty"),
    ("Point", ["x", 1], BadCoordinate, "number"),
    ("Point", [True, 1], BadCoordinate, "number"),
    ("Point", [39.9, 116.3], BadCoordinate, "swapped"),
    ("Point", [116.3], BadGeometry, "lon, lat"),
    ("Point", 7, BadGeometry, "coordinates"),
    ("MultiPoint", [], BadGeometry, "empty"),
    ("LineString", [SQUARE[0]], BadGeometry, "two positions"),
    ("MultiLineString", [7], BadGeometry, "lists"),
    ("Polygon", [SQUARE[:4]], BadGeometry, "first position"),
    ("MultiPolygon", [[]], BadGeometry, "empty"),
    ("Point", [10**400, 1], BadCoordinate, "finite"),
    ("Surface", SQUARE, BadGeometry, "Surface"),
    ("GeometryCollection", SQUARE, BadGeometry, "features of their own"),
]


@pytest.mark.parametrize(("kind", "coordinates", "error", "says"), FAULTS)
def test_whoever_reads_refuses_the_same(kind, coordinates, error, says):
    geojson = {"type": kind, "coordinates": coordinates}
    with pytest.raises(error, match=says):
        read_geometry(geojson, "wgs84")
    with pytest.raises(error, match=rf"Feature 1.*{says}|{says}"):
        read_layer(geojson, "wgs84", max_vertices=1_000, field="a")
    if kind in ("Polygon", "MultiPolygon"):
        with pytest.raises(error, match=says):
            read(geojson)


def test_projected_coordinates_are_numbers_too():
    x, y = from_wgs84(116.3, 39.9, "EPSG:4548")
    found = read_geometry({"type": "Point", "coordinates": [x, y]}, "EPSG:4548")
    assert (found.x, found.y) == pytest.approx((116.3, 39.9), abs=1e-9)
    for bad in (math.nan, math.inf, 10**400):
        with pytest.raises(BadCoordinate, match="finite"):
            read_geometry({"type": "Point", "coordinates": [bad, y]}, "EPSG:4548")
    with pytest.raises(BadCoordinate, match="EPSG:4548"):
        read_geometry({"type": "Point", "coordinates": [1e12, 1e12]}, "EPSG:4548")


def test_the_features_of_a_layer_keep_their_number_their_label_and_their_name():
    def feature(**members):
        return {"type": "Feature", "geometry": polygon(SQUARE), **members}

    layer = {
        "type": "FeatureCollection",
        "features": [
            feature(id=7, properties={"name": "one\0"}),
            feature(properties={"code": "S2"}),
            feature(properties=None),
        ],
    }
    found = read_layer(layer, "wgs84", max_vertices=1_000, field="a")
    assert [(it.number, it.label, it.name) for it in found] == [
        (1, "7", "one"),
        (2, "S2", None),
        (3, None, None),
    ]
    layer["features"][1] = feature(geometry=None)
    with pytest.raises(BadGeometry, match="Feature 2 has no geometry"):
        read_layer(layer, "wgs84", max_vertices=1_000, field="a")
    layer["features"] = ["x"]
    with pytest.raises(BadGeometry, match="Feature 1 is not a GeoJSON feature"):
        read_layer(layer, "wgs84", max_vertices=1_000, field="a")
