"""`locate_batch`: the codes of every row, and what is said of rows that are no place."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import shapely

from gridsvc.bulk.batch import BulkIndex, faults_of, locate_batch
from gridsvc.errors import BadFile
from gridsvc.registry.placement.service import place_many
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.crs import from_wgs84
from tests.unit.bulk.bulk_world import ADDED, by_geos, points


def _batch(lon: object, lat: object) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(range(len(lon))), "lon": lon, "lat": lat})  # type: ignore[arg-type]


def test_every_code_is_the_one_that_geos_gives(atlas: Atlas) -> None:
    lon, lat = points(3_000)
    located = locate_batch(_batch(lon, lat), BulkIndex(atlas))
    for name, level in zip(ADDED, ("district", "street", "community", "unit_grid"), strict=False):
        assert located.column(name).to_pylist() == by_geos(level, lon, lat), level


@pytest.mark.parametrize("accuracy_m", [0.0, 30.0, 400.0])
def test_near_border_is_what_placing_point_by_point_says(atlas: Atlas, accuracy_m: float) -> None:
    lon, lat = points(20_000, seed=5)
    index = BulkIndex(atlas, accuracy_m=accuracy_m)
    expected = place_many(atlas, lon, lat, accuracy_m).near_border
    assert 0.005 < expected.mean() < 0.9
    for rows in (slice(0, 7_000), slice(7_000, None), slice(None)):  # cells are known the last time
        near = locate_batch(_batch(lon[rows], lat[rows]), index).column("near_border")
        assert near.to_pylist() == expected[rows].tolist()


def test_the_nearer_border_decides_by_its_own_accuracy(atlas: Atlas) -> None:
    street = atlas.areas["street"]
    vague = replace(street, edition=replace(street.edition, accuracy_m=500.0))
    mixed = replace(atlas, areas={**atlas.areas, "street": vague})
    lon, lat = points(40_000, seed=6)
    expected = place_many(mixed, lon, lat, 10.0).near_border
    near = locate_batch(_batch(lon, lat), BulkIndex(mixed, accuracy_m=10.0)).column("near_border")
    assert near.to_pylist() == expected.tolist()


def test_columns_of_the_input_stay_as_they_are_and_in_order(atlas: Atlas) -> None:
    lon, lat = points(100)
    given = pa.record_batch({"lat": lat, "名": ["x"] * 100, "lon": lon, "n": [None] * 100})
    located = locate_batch(given, BulkIndex(atlas))
    assert located.schema.names == [*given.schema.names, *ADDED]
    assert located.select(given.schema.names).equals(given)


def test_texts_and_numbers_give_the_same_codes(atlas: Atlas) -> None:
    lon, lat = points(500)
    texts = [f" {x!r}" for x in lon.tolist()], [f"+{y!r}" for y in lat.tolist()]
    as_texts = locate_batch(_batch(*texts), BulkIndex(atlas))
    as_numbers = locate_batch(_batch(lon, lat), BulkIndex(atlas))
    assert as_texts.select(ADDED).equals(as_numbers.select(ADDED))


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "EPSG:4548"])
def test_a_declared_crs_is_brought_to_wgs84(atlas: Atlas, crs: str) -> None:
    lon, lat = points(500)
    lon, lat = lon[100:], lat[100:]
    there = locate_batch(_batch(*from_wgs84(lon, lat, crs)), BulkIndex(atlas, crs=crs))
    here = locate_batch(_batch(lon, lat), BulkIndex(atlas))
    assert there.select(ADDED[:4]).equals(here.select(ADDED[:4]))


def test_a_row_that_is_no_place_has_no_codes_and_a_reason(atlas: Atlas) -> None:
    lon = ["116.3", "abc", None, "39.9", "190", "116.3", "", "nan"]
    lat = ["39.9", "39.9", "39.9", "116.3", "39.9", "95", "39.9", "39.9"]
    located = locate_batch(_batch(lon, lat), BulkIndex(atlas))
    assert located.column("district_code").null_count == 7
    assert located.column("near_border").to_pylist()[1:] == [None] * 7
    reasons = {fault.row: fault.reason for fault in faults_of(located, "wgs84")}
    assert reasons == {
        1: "lon must be a number, but is 'abc'.",
        2: "lon is empty.",
        3: "latitude 116.3 is out of range; latitude and longitude seem to be swapped: send"
        " lon=116.3, lat=39.9.",
        4: "longitude 190 is out of range; send degrees from -180 to 180.",
        5: "latitude 95 is out of range; send degrees from -90 to 90.",
        6: "lon is empty.",
        7: "lon must be a number, but is 'nan'.",
    }


def test_a_place_outside_all_areas_is_no_bad_row(atlas: Atlas) -> None:
    located = locate_batch(_batch([10.0], [50.0]), BulkIndex(atlas))
    assert located.select(ADDED).to_pylist() == [{**dict.fromkeys(ADDED[:4]), "near_border": False}]
    assert not faults_of(located, "wgs84")


def test_geometries_are_placed_like_lon_and_lat(atlas: Atlas) -> None:
    lon, lat = points(300)
    shapes = [*shapely.points(lon, lat), shapely.box(0, 0, 1, 1), shapely.Point(), None]
    wkb = [None if shape is None else shapely.to_wkb(shape) for shape in shapes]
    geo = {"version": "1.1.0", "primary_column": "spot", "columns": {"spot": {"encoding": "WKB"}}}
    schema = pa.schema([("spot", pa.binary())], metadata={"geo": json.dumps(geo)})
    located = locate_batch(pa.record_batch([pa.array(wkb)], schema=schema), BulkIndex(atlas))
    plain = locate_batch(_batch(lon, lat), BulkIndex(atlas))
    assert located.slice(0, 300).select(ADDED).equals(plain.select(ADDED))
    assert [(fault.row, fault.reason) for fault in faults_of(located, "wgs84")] == [
        (300, "The geometry is a Polygon; a Point is needed."),
        (301, "The geometry is empty."),
        (302, "The geometry is empty."),
    ]


def test_without_points_the_columns_are_named(atlas: Atlas) -> None:
    with pytest.raises(BadFile, match="no column lat"):
        locate_batch(pa.record_batch({"lon": np.zeros(1)}), BulkIndex(atlas))


def test_a_column_that_would_be_there_twice_is_refused(atlas: Atlas) -> None:
    batch = _batch([116.3], [39.9]).append_column("grid_code", pa.array(["x"]))
    with pytest.raises(BadFile, match="already is a column grid_code"):
        locate_batch(batch, BulkIndex(atlas))
