"""Declared coordinates become WGS84: checked against geocoordinates-rs and PROJ."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import geocoordinates_ffi as oracle
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj.crs import BoundCRS
from pyproj.crs.coordinate_operation import ToWGS84Transformation

from gridsvc.errors import BadCoordinate, UnknownCrs
from gridsvc.spatial import crs
from gridsvc.spatial.crs_text import Parameters

METRES_PER_DEGREE = 111_320.0


def metres_apart(lon_a, lat_a, lon_b, lat_b):
    east = (np.asarray(lon_a) - lon_b) * np.cos(np.radians(lat_b))
    return np.hypot(east, np.asarray(lat_a) - lat_b) * METRES_PER_DEGREE


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(20231)
    return rng.uniform(115.4, 117.5, 100_000), rng.uniform(39.4, 41.1, 100_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "forward"),
    [("gcj02", oracle.wgs84_to_gcj02), ("bd09", oracle.wgs84_to_bd09)],
)
def test_a_shifted_point_comes_back_to_where_the_oracle_took_it_from(points, name, forward):
    lon, lat = points
    shifted = [forward(oracle.Wgs84(lat=y, lon=x)) for x, y in zip(lon, lat, strict=True)]
    x = np.array([point.lon for point in shifted])
    y = np.array([point.lat for point in shifted])
    back_lon, back_lat = crs.to_wgs84(x, y, name)
    assert metres_apart(back_lon, back_lat, lon, lat).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "refined", "kind"),
    [
        ("gcj02", oracle.gcj02_to_wgs84_refined, oracle.Gcj02),
        ("bd09", oracle.bd09_to_wgs84_refined, oracle.Bd09),
    ],
)
def test_the_inverse_agrees_with_the_oracle_s_own_inverse(points, name, refined, kind):
    lon, lat = points[0][:5000], points[1][:5000]
    ours = crs.to_wgs84(lon, lat, name)
    theirs = [refined(kind(lat=y, lon=x)) for x, y in zip(lon, lat, strict=True)]
    allowed = np.array([point.max_error_m for point in theirs]) + 1e-6
    apart = metres_apart(*ours, [p.lon for p in theirs], np.array([p.lat for p in theirs]))
    assert (apart <= allowed).all()


@given(st.floats(74, 134), st.floats(18.5, 53), st.sampled_from(["gcj02", "bd09"]))
def test_going_out_and_coming_back_ends_within_a_micrometre_all_over_china(lon, lat, name):
    assume(abs(lon - 105) > 0.01)  # the published formula has a kink on that meridian
    back = crs.to_wgs84(*crs.from_wgs84(lon, lat, name), name)
    assert metres_apart(*back, lon, lat) < 1e-6


def test_seoul_declared_as_gcj02_is_shifted_and_as_wgs84_is_not():
    seoul = (126.978, 37.5665)
    assert crs.to_wgs84(*seoul, "wgs84") == seoul
    assert metres_apart(*crs.to_wgs84(*seoul, "gcj02"), *seoul) > 100


def test_a_phone_in_beijing_is_some_five_hundred_metres_off(points):
    lon, lat = points
    for name, least, most in (("gcj02", 500, 620), ("bd09", 1285, 1445)):
        apart = metres_apart(*crs.from_wgs84(lon, lat, name), lon, lat)
        assert least < apart.min() < apart.max() < most


def test_survey_coordinates_of_zone_39_agree_with_proj(points):
    lon, lat = points
    projection = pyproj.Transformer.from_crs(4490, 4548, always_xy=True)
    x, y = projection.transform(lon, lat)
    assert x.min() > 300_000
    assert y.min() > 4_000_000
    back = crs.to_wgs84(x, y, "EPSG:4548")
    assert metres_apart(*back, lon, lat).max() < 1e-6


def test_epsg_4326_is_read_longitude_first():
    assert crs.to_wgs84(116.4, 39.9, "EPSG:4326") == (116.4, 39.9)


def test_cgcs2000_is_taken_as_wgs84_unchanged():
    assert crs.to_wgs84(116.4, 39.9, "EPSG:4490") == (116.4, 39.9)


@pytest.mark.parametrize(
    "text", ["gcj02", "GCJ-02", " Gcj-02 ", "bd09", "BD-09", "wgs84", "WGS-84"]
)
def test_names_are_read_in_any_case_with_or_without_a_hyphen(text):
    assert crs.parse_crs(text).name == text.strip().lower().replace("-", "")


def test_wkt_of_a_projected_system_is_read():
    wkt = pyproj.CRS(4548).to_wkt("WKT1_ESRI")
    assert crs.to_wgs84(500_000, 4_400_000, wkt) == pytest.approx(
        crs.to_wgs84(500_000, 4_400_000, "EPSG:4548"), abs=1e-12
    )


@pytest.mark.parametrize("code", [4214, 4610, 4555, 2385, 2412])
@pytest.mark.parametrize("as_wkt", [False, True])
def test_a_datum_with_only_a_ballpark_to_wgs84_is_refused(code, as_wkt):
    text = pyproj.CRS(code).to_wkt() if as_wkt else f"EPSG:{code}"
    with pytest.raises(UnknownCrs, match="ballpark"):
        crs.parse_crs(text)


def test_an_old_datum_with_the_user_s_own_parameters_is_taken():
    own = BoundCRS(4214, 4326, ToWGS84Transformation(4214, 15.8, -154.4, -82.3))
    told = crs.parse_crs(own.to_wkt(), Parameters.NUMBERS)
    lon, lat = crs.to_wgs84(116.4, 39.9, told)
    assert 10 < metres_apart(lon, lat, 116.4, 39.9) < 300


@pytest.mark.parametrize(
    "text", ["", "mars", "EPSG:", "EPSG:0", "EPSG:999999", "4326", "PROJCS[broken", "EPSG:5773"]
)
def test_an_unknown_system_is_refused_with_what_can_be_sent(text):
    with pytest.raises(UnknownCrs, match="EPSG:n or WKT") as caught:
        crs.parse_crs(text)
    assert caught.value.field == "crs"


def test_arrays_keep_their_shape_and_numbers_stay_numbers():
    lon, lat = crs.to_wgs84(np.full((3, 2), 116.4), np.full((3, 2), 39.9), "gcj02")
    assert lon.shape == lat.shape == (3, 2)
    assert lon.dtype == lat.dtype == np.float64
    assert all(isinstance(value, float) for value in crs.to_wgs84(116.4, 39.9, "gcj02"))
    assert crs.to_wgs84([], [], "EPSG:4548")[0].shape == (0,)


def test_a_point_that_the_system_cannot_express_becomes_nan():
    lon, lat = crs.to_wgs84([500_000.0, math.inf], [4_400_000.0, 0.0], "EPSG:4548")
    assert np.isfinite([lon[0], lat[0]]).all()
    assert np.isnan([lon[1], lat[1]]).all()


def test_a_geometry_is_brought_to_wgs84_vertex_by_vertex():
    line = shapely.LineString([(116.4, 39.9), (116.5, 39.8)])
    moved = crs.geometry_to_wgs84(line, "bd09")
    expected = np.column_stack(crs.to_wgs84([116.4, 116.5], [39.9, 39.8], "bd09"))
    assert np.array_equal(shapely.get_coordinates(moved), expected)


def test_a_geometry_with_a_vertex_outside_the_system_is_refused():
    with pytest.raises(BadCoordinate, match="EPSG:4548"):
        crs.geometry_to_wgs84(shapely.Point(1e12, 1e12), "EPSG:4548")


def test_threads_share_the_transformers():
    lon = np.linspace(115.5, 117.4, 2000)
    lat = np.linspace(39.5, 41.0, 2000)
    expected = crs.from_wgs84(lon, lat, "EPSG:4548")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: crs.from_wgs84(lon, lat, "EPSG:4548"), range(64)))
    assert all(np.array_equal(answer, expected) for answer in answers)


def test_swapped_coordinates_are_named_as_such():
    with pytest.raises(BadCoordinate) as caught:
        crs.check_lon_lat(39.9, 116.4)
    assert caught.value.detail == (
        "latitude 116.4 is out of range; latitude and longitude seem to be swapped: "
        "send lon=116.4, lat=39.9."
    )


@pytest.mark.parametrize(
    ("lon", "lat", "word", "field"),
    [
        ("116.4", 39.9, "must be a number", "point.lon"),
        (116.4, None, "must be a number", "point.lat"),
        (True, 39.9, "must be a number", "point.lon"),
        (math.nan, 39.9, "finite", "point.lon"),
        (116.4, math.inf, "finite", "point.lat"),
        (10**400, 39.9, "finite", "point.lon"),
        (200.0, 39.9, "longitude 200 is out of range", "point.lon"),
        (116.4, -91.0, "latitude -91 is out of range", "point.lat"),
    ],
)
def test_a_coordinate_that_cannot_be_one_is_refused_by_name(lon, lat, word, field):
    with pytest.raises(BadCoordinate, match=word) as caught:
        crs.check_lon_lat(lon, lat, field="point")
    assert caught.value.field == field


def test_good_coordinates_come_back_as_floats():
    assert crs.check_lon_lat(116, np.float32(39.5)) == (116.0, 39.5)
    assert crs.check_lon_lat(500_000, 4_400_000, "EPSG:4548") == (500_000.0, 4_400_000.0)


def test_easting_and_northing_that_are_no_place_are_refused():
    with pytest.raises(BadCoordinate, match="easting first"):
        crs.check_lon_lat(1e12, 1e12, "EPSG:4548")


PLAIN = pyproj.CRS(4548).to_wkt("WKT1_GDAL")
BOUND = BoundCRS(4214, 4326, ToWGS84Transformation(4214, 15.8, -154.4, -82.3)).to_wkt()
GRID = BOUND[: BOUND.index("ABRIDGEDTRANSFORMATION")] + (
    'ABRIDGEDTRANSFORMATION["x",METHOD["NTv2",ID["EPSG",9615]],'
    'PARAMETERFILE["Latitude and longitude difference file","/tmp/pipe"]]]'
)
TEXT_FOR_PROJ = "+proj=longlat +ellps=krass +nadgrids=/tmp/pipe +no_defs"
DEGREES = pyproj.CRS(4326).to_wkt("WKT1_GDAL")

#: Each makes PROJ open a path, or run a text of its own.
LEADING_AWAY = {
    "parameter file": GRID,
    "parameter file in small letters": GRID.replace("PARAMETERFILE[", "parameterfile ("),
    "behind a quotation mark": GRID.replace('"x"', '"a ""b"" [c"'),
    "behind a printed quotation mark": "\N{LEFT DOUBLE QUOTATION MARK}" + GRID,
    "extension": DEGREES[:-1] + f',EXTENSION["PROJ4","{TEXT_FOR_PROJ}"]]',
    "extension of heights": DEGREES[:-1] + ',EXTENSION["PROJ4_GRIDS","/tmp/pipe"]]',
    "remark": DEGREES[:-1] + f',REMARK["PROJ CRS string: {TEXT_FOR_PROJ}"]]',
    "method": PLAIN.replace(
        '"Transverse_Mercator"', '"PROJ-based operation method: +proj=hgridshift +grids=/tmp/pipe"'
    ),
    "web maps with a grid": pyproj.CRS(3857).to_wkt("WKT1_GDAL").replace("@null", "/tmp/pipe"),
    "operation": 'CONCATENATEDOPERATION["x",SOURCECRS[' + DEGREES + "]]",
    "a second system": DEGREES + "," + GRID,
}


@pytest.mark.parametrize("allowed", [Parameters.PLAIN, Parameters.NUMBERS])
@pytest.mark.parametrize("text", LEADING_AWAY.values(), ids=LEADING_AWAY.keys())
def test_a_system_that_leads_to_files_or_runs_a_text_is_refused(text, allowed):
    with pytest.raises(UnknownCrs, match="more than a plain system"):
        crs.parse_crs(text, allowed)


@pytest.mark.parametrize("text", [*LEADING_AWAY.values(), TEXT_FOR_PROJ, "init=/tmp/pipe:1", "{"])
def test_what_a_file_says_of_its_system_is_never_run(text):
    with pytest.raises(UnknownCrs):
        crs.crs_of_file(text)


def test_strangers_name_no_bound_system_and_no_text_without_end():
    with pytest.raises(UnknownCrs, match="BOUNDCRS"):
        crs.parse_crs(BOUND)
    with pytest.raises(UnknownCrs, match="characters"):
        crs.parse_crs(PLAIN + " " * 10_000 + "]")


@pytest.mark.parametrize("code", [4490, 4548, 3857, 32650, 2154, 27700, 7415])
@pytest.mark.parametrize("dialect", ["WKT1_GDAL", "WKT1_ESRI", "WKT2_2015", "WKT2_2019"])
def test_a_system_of_epsg_is_read_from_its_wkt_in_every_dialect(code, dialect):
    wkt = pyproj.CRS(code).to_wkt(dialect)
    if wkt is None:
        pytest.skip("PROJ writes no such WKT of it")
    named = crs.from_wgs84(116.4, 39.9, f"EPSG:{code}")
    assert crs.from_wgs84(116.4, 39.9, wkt) == pytest.approx(named, abs=1e-6)
