"""Exports over HTTP, read back by GDAL."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyogrio
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.maps.exports import feature_collection, select
from tests import cities
from tests import maps_city as city

BEIJING = cities.city()


@pytest.fixture
def client(database: str, session: Session, tmp_path: Path) -> Iterator[httpx.Client]:
    city.make_city(session)
    with city.served(database, tmp_path) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.mark.parametrize(
    ("layer", "features"),
    [
        ("districts", 2),
        ("streets", 3),
        ("communities", 4),
        ("unit_grids", 200),
        ("parts", 200),
        ("joint_cases", 1),
        ("disputes", 1),
    ],
)
def test_gdal_reads_every_feature_of_a_layer(
    client: httpx.Client, layer: str, features: int
) -> None:
    answer = client.get(f"/exports/{layer}.geojson")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    found = pyogrio.read_dataframe(io.BytesIO(answer.content))
    assert len(found) == features
    assert found.crs.to_epsg() == 4326
    assert found.geometry.is_valid.all()


def test_coordinates_come_out_as_exactly_as_they_went_in(
    client: httpx.Client, session: Session
) -> None:
    crooked = shapely.Polygon(
        [
            (116.3 + 1 / 7e6, 39.88 + 1 / 3e7),
            (116.31 + 1 / 9e8, 39.88),
            (116.31, 39.889999999999993),
        ]
    )
    session.execute(
        text("update unit_grid set geometry = st_geomfromwkb(:wkb, 4326) where code = '02000001'"),
        {"wkb": shapely.to_wkb(crooked)},
    )
    session.commit()

    features = client.get("/exports/unit_grids.geojson").json()["features"]
    (found,) = (it for it in features if it["properties"]["code"] == "02000001")
    ring = [tuple(vertex) for vertex in found["geometry"]["coordinates"][0]]
    assert ring == list(crooked.exterior.coords)


def test_a_box_and_a_district_narrow_an_export(client: httpx.Client) -> None:
    west, south = city.BORDER_LON - 0.0005, 39.8802
    corner = f"{west},{south},{city.BORDER_LON + 0.0005},39.8808"

    both = client.get("/exports/unit_grids.geojson", params={"bbox": corner}).json()["features"]
    assert {it["properties"]["district_code"] for it in both} == {"110102", "110106"}
    assert len(both) == 2
    params = {"bbox": corner, "district": "110106"}
    one = client.get("/exports/unit_grids.geojson", params=params).json()["features"]
    assert [it["properties"]["code"] for it in one] == ["00200001"]


def test_a_joint_case_belongs_to_both_of_its_districts(client: httpx.Client) -> None:
    for district in ("110102", "110106"):
        answer = client.get("/exports/joint_cases.geojson", params={"district": district}).json()
        assert answer["features"][0]["properties"]["areas"] == ["110102020", "110106002"]


def test_before_the_first_edition_an_export_is_empty_but_whole(client: httpx.Client) -> None:
    answer = client.get("/exports/streets.geojson", params={"as_of": "2019-06-01"})

    assert answer.json() == {"type": "FeatureCollection", "name": "streets", "features": []}


def test_rows_leave_the_database_some_hundred_at_a_time(
    client: httpx.Client, session: Session
) -> None:
    del client  # has made the city
    grown = text(
        "insert into unit_grid select district_code, lpad((n * 1000 + serial)::text, 8, '9'),"
        " edition_id, street_code, community_code, serial, national_id, national_id_2013, geometry,"
        " area_m2, nominal_m2, compactness, first_date, end_date, state, void_reason,"
        " successor_code from unit_grid, generate_series(1, 20) n"
    )
    session.execute(grown)
    session.commit()
    connection = session.connection()
    chosen = select(connection, BEIJING, "unit_grids", moment=city.BLOWN)

    stream = feature_collection(connection, BEIJING, chosen)
    pieces = [next(stream), next(stream)]
    assert connection.scalar(text("select count(*) from pg_cursors")) == 1
    pieces += stream

    assert len(json.loads(b"".join(pieces))["features"]) == 4200
    assert max(piece.count(b'"Feature"') for piece in pieces) <= 500


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"bbox": "116,39"}, 422, "bbox"),
        ({"bbox": "116,39,117,nan"}, 422, "bbox"),
        ({"bbox": "117,39,116,40"}, 422, "bbox"),
        ({"bbox": "116,40,117,39"}, 422, "bbox"),
        ({"bbox": "39.8,116.3,39.9,116.4"}, 422, "bbox"),
        ({"district": "1101"}, 422, "district"),
        ({"district": "110199"}, 404, "district"),
        ({"as_of": "yesterday"}, 422, "as_of"),
        ({"box": "116,39,117,40"}, 400, "box"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(
    client: httpx.Client, query: dict[str, str], status: int, field: str
) -> None:
    answer = client.get("/exports/parts.geojson", params=query)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


def test_a_swapped_box_is_told_so(client: httpx.Client) -> None:
    answer = client.get("/exports/parts.geojson", params={"bbox": "39.8,116.3,39.9,116.4"})

    assert "swapped" in answer.json()["detail"]


def test_an_unknown_layer_is_named_with_those_that_exist(client: httpx.Client) -> None:
    answer = client.get("/exports/rivers.geojson")

    assert answer.status_code == 404
    assert "unit_grids" in answer.json()["detail"]
