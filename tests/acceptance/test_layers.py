"""What analysts take away, read by GDAL; what apps look up, over the wire."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyogrio
import pyproj
import pytest
from sqlalchemy import Engine, text

from tests.acceptance.conftest import City

Token = Callable[..., dict[str, str]]


@pytest.mark.parametrize(
    ("layer", "count"), [("districts", 16), ("streets", 349), ("communities", 7535)]
)
def test_gdal_reads_a_whole_layer(
    http: httpx.Client, tmp_path: Path, layer: str, count: int
) -> None:
    file = tmp_path / f"{layer}.geojson"
    file.write_bytes(http.get(f"/exports/{layer}.geojson").content)
    table = pyogrio.read_dataframe(file)
    assert len(table) == count
    assert table.geometry.is_valid.all()
    assert table["code"].is_unique


@pytest.mark.system(2)
def test_gdal_reads_every_part_of_the_census(
    http: httpx.Client, tmp_path: Path, city: City
) -> None:
    file = tmp_path / "parts.geojson"
    asked = {"district": "110101"}
    with (
        http.stream("GET", "/exports/parts.geojson", params=asked) as answer,
        file.open("wb") as out,
    ):
        for chunk in answer.iter_bytes():
            out.write(chunk)
    table = pyogrio.read_dataframe(file, read_geometry=False)
    assert len(table) == city.printed["parts"]
    assert table["source"].str.startswith("made-up census").all()


@pytest.mark.system(3)
def test_a_part_is_found_by_its_code_and_by_its_place_and_reported(
    http: httpx.Client, token: Token
) -> None:
    beside = {"near": "116.41,39.92", "radius_m": 200}
    near = http.get("/v1/parts", params=beside, headers=token("city")).json()["parts"]
    assert near
    assert [part["distance_m"] for part in near] == sorted(part["distance_m"] for part in near)
    part = near[0]
    district, code = part["district_code"], part["code"]
    found = http.get(f"/v1/districts/{district}/codes/{code}").json()["matches"]
    assert [match["national_id"] for match in found] == [part["national_id"]]
    by_national_id = http.get(f"/v1/codes/{part['national_id']}").json()["matches"]
    assert [match["code"] for match in by_national_id] == [code]
    report = http.post(
        "/v1/reports",
        json={"channel": "12345", "part": {"district": district, "code": code}},
        headers=token("citizen"),
    )
    assert report.status_code == 201, report.text
    answer = report.json()
    assert answer["responsibility"]["ground"] == "asset_owner"
    assert answer["responsibility"]["lead"]["code"] == part["owner_body"]
    assert answer["placement"]["unit_grid"]["code"] == part["grid_code"]


@pytest.mark.system(3)
def test_with_20_m_of_error_the_right_part_is_among_the_candidates(
    http: httpx.Client, city_engine: Engine
) -> None:
    with city_engine.connect() as connection:
        parts = connection.execute(
            text(
                "select code, class_code, ST_X(at) as lon, ST_Y(at) as lat"
                " from part, lateral (select ST_ClosestPoint(geometry, geometry) as at) it"
                " where state <> 'removed' order by md5(national_id) limit 100"
            )
        ).all()
    assert len(parts) == 100
    dice, earth = np.random.default_rng(20), pyproj.Geod(ellps="WGS84")
    for part in parts:
        off = dice.uniform(0, 360), dice.uniform(0, 19.99)
        lon, lat, _ = earth.fwd(part.lon, part.lat, *off)
        asked = {"near": f"{lon},{lat}", "radius_m": 20, "class": part.class_code}
        found = {one["code"]: one for one in http.get("/v1/parts", params=asked).json()["parts"]}
        assert found[part.code]["distance_m"] == pytest.approx(off[1], abs=0.01)


def test_a_csv_comes_back_with_its_columns_and_the_codes(http: httpx.Client) -> None:
    given = "name,lon,lat\nXicheng,116.35,39.89\nnowhere,0,0\n"
    answer = http.post(
        "/v1/locate/batch", content=given.encode(), headers={"Content-Type": "text/csv"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["Xicheng", "nowhere"]
    assert rows[0]["district_code"] == "110102"
    assert len(rows[0]["grid_code"]) == 8
    assert rows[1]["district_code"] == ""


def test_the_map_and_its_tiles_are_served_and_name_no_other_host(http: httpx.Client) -> None:
    page = http.get("/map")
    assert page.status_code == 200
    assert "https://" not in page.text
    tile = http.get("/tiles/districts/9/421/194.mvt")
    assert tile.status_code in (200, 204)
    assert (
        http.get("/tiles/districts/8/210/97.mvt")
        .headers["content-type"]
        .startswith("application/vnd.mapbox-vector-tile")
    )


def test_the_interface_is_documented_without_another_host(http: httpx.Client) -> None:
    assert http.get("/openapi.json").json()["info"]["title"] == "gridsvc"
    assert "cdn" not in http.get("/docs").text


_ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return sink.getvalue()


def test_an_arrow_stream_comes_back_with_its_columns_and_the_same_codes_as_json(
    http: httpx.Client,
) -> None:
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(116.2, 116.5, 5_000), rng.uniform(39.8, 40.0, 5_000)
    table = pa.table({"name": [f"n{i}" for i in range(5_000)], "lon": lon, "lat": lat})
    answer = http.post("/v1/locate/batch", content=_arrow(table), headers=_ARROW)
    assert answer.status_code == 200, answer.text
    located = pa.ipc.open_stream(answer.content).read_all()
    assert located.select(["name", "lon", "lat"]) == table
    points = np.column_stack([lon, lat]).tolist()
    expected = http.post("/v1/locate/batch", json={"points": points}).json()["results"]
    assert located.drop_columns(["name", "lon", "lat"]).to_pylist() == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"no arrow", "not a complete Arrow stream"),
        (
            _arrow(pa.table({"lon": [1.0] * 9, "lat": [2.0] * 9}))[:-100],
            "not a complete Arrow stream",
        ),
        (_arrow(pa.table({"x": [1.0]})), "lon"),
        (_arrow(pa.table({"lon": [1.0, 39.9], "lat": [2.0, 116.4]})), "Row 1"),
    ],
)
def test_a_broken_arrow_stream_is_refused_with_the_reason(
    http: httpx.Client, body: bytes, words: str
) -> None:
    answer = http.post("/v1/locate/batch", content=body, headers=_ARROW)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
