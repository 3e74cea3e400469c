"""Vector tiles over HTTP, read back by GDAL."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path

import geopandas
import httpx
import pyogrio
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions.service import activate_edition
from tests import cities
from tests import maps_city as city


@pytest.fixture
def client(database: str, session: Session, tmp_path: Path) -> Iterator[httpx.Client]:
    city.make_city(session)
    with city.served(database, tmp_path) as address, httpx.Client(base_url=address) as client:
        yield client


def address(lon: float, lat: float, z: int) -> tuple[int, int]:
    turned = math.asinh(math.tan(math.radians(lat)))
    return int((lon + 180) / 360 * 2**z), int((1 - turned / math.pi) / 2 * 2**z)


def path(layer: str, z: int, lon: float = city.BORDER_LON, lat: float = city.PLACE_LAT) -> str:
    x, y = address(lon, lat, z)
    return f"/tiles/{layer}/{z}/{x}/{y}.mvt"


def read(content: bytes, layer: str, folder: Path) -> geopandas.GeoDataFrame:
    """The features of one layer of a tile, in the tile's own units, as GDAL reads them."""
    file = folder / "tile.mvt"
    file.write_bytes(content)
    return pyogrio.read_dataframe(file, layer=layer, CLIP="NO")


@pytest.mark.parametrize(
    ("layer", "z", "columns"),
    [
        ("districts", 8, {"code", "name", "level", "accuracy_m", "approximate"}),
        ("streets", 13, {"code", "name", "level", "accuracy_m", "approximate"}),
        ("communities", 13, {"code", "name", "level", "accuracy_m", "approximate"}),
        ("unit_grids", 15, {"code", "national_id", "area_m2"}),
        ("parts", 15, {"code", "class_code", "class", "state"}),
        ("whistles", 15, {"id", "ground", "state", "areas"}),
        ("disputes", 15, {"id", "kind", "level", "state", "areas", "area_m2"}),
    ],
)
def test_a_tile_of_each_layer_can_be_read_with_its_properties(
    client: httpx.Client, tmp_path: Path, layer: str, z: int, columns: set[str]
) -> None:
    answer = client.get(path(layer, z))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    found = read(answer.content, layer, tmp_path)
    assert len(found) > 0
    assert columns <= set(found.columns)


def test_an_approximate_street_says_so_and_how_far_it_may_be_off(
    client: httpx.Client, tmp_path: Path
) -> None:
    streets = read(client.get(path("streets", 13)).content, "streets", tmp_path)

    assert set(streets["code"]) >= {"110102020", "110106002"}
    assert set(streets["approximate"]) == {True}
    assert set(streets["accuracy_m"]) == {400.0}


def test_each_area_is_labelled_in_one_tile_only(client: httpx.Client, tmp_path: Path) -> None:
    z = 14
    x, y = address(116.30, 39.90, z)
    labelled: list[str] = []
    for column in range(x - 1, x + 4):
        for row in range(y - 1, y + 4):
            answer = client.get(f"/tiles/streets/{z}/{column}/{row}.mvt")
            if answer.status_code == 200 and b"streets_label" in answer.content:
                labelled += list(read(answer.content, "streets_label", tmp_path)["code"])

    assert sorted(labelled) == ["110102007", "110102020", "110106002"]


def test_neighbouring_tiles_leave_no_crack(client: httpx.Client, tmp_path: Path) -> None:
    z, units = 16, 4096
    x, y = address(city.BORDER_LON - 0.005, city.PLACE_LAT, z)
    left, right = (
        shapely.union_all(
            read(
                client.get(f"/tiles/unit_grids/{z}/{column}/{y}.mvt").content,
                "unit_grids",
                tmp_path,
            ).geometry.values
        )
        for column in (x, x + 1)
    )

    assert shapely.box(0, 0, units, units).difference(left).area == 0
    assert left.bounds[2] >= units + 100
    assert right.bounds[0] <= -100


def test_the_joint_case_has_its_sides_and_its_footprint(
    client: httpx.Client, tmp_path: Path
) -> None:
    content = client.get(path("whistles", 16)).content

    whistles = read(content, "whistles", tmp_path)
    assert list(whistles["areas"]) == ["110102020,110106002"]
    assert list(whistles["state"]) == ["closed"]
    assert len(read(content, "footprints", tmp_path)) == 1


def test_parts_are_thinned_at_zoom_14_and_whole_at_15(client: httpx.Client, tmp_path: Path) -> None:
    lon = city.BORDER_LON + 0.003
    few = read(client.get(path("parts", 14, lon)).content, "parts", tmp_path)
    many = read(client.get(path("parts", 15, lon)).content, "parts", tmp_path)

    assert {code[-1] for code in few["code"]} == {"0"}
    assert len({code[-1] for code in many["code"]}) > 5


def test_a_removed_part_is_not_drawn(client: httpx.Client, tmp_path: Path) -> None:
    lon, lat = city.BORDER_LON + 0.0085, 39.8805
    codes = set(read(client.get(path("parts", 15, lon, lat)).content, "parts", tmp_path)["code"])

    assert "00210008" in codes
    assert "00210009" not in codes


def test_a_known_tile_is_not_sent_again_until_an_edition_changes(
    client: httpx.Client, session: Session
) -> None:
    first = client.get(path("districts", 10))
    assert "max-age" in first.headers["cache-control"]
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(path("districts", 10), headers=known)
    assert (again.status_code, again.content) == (304, b"")

    load_edition(
        session,
        id="district-2025",
        level="district",
        title="One district",
        source="made up for a test",
        licence="CC0",
        accuracy_m=1.0,
        approximate=False,
        effective_from=dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
        areas=[NewArea("110102", "西城区", city.box(116.30, 39.88, 116.34, 39.90))],
        at=cities.now(),
    )
    activate_edition(
        session, "district-2025", why="one district", without_audit="made up", at=cities.now()
    )
    session.commit()
    changed = client.get(path("districts", 10), headers=known)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_tile_of_parts_changes_with_its_parts(client: httpx.Client, session: Session) -> None:
    first = client.get(path("parts", 16))
    known = {"If-None-Match": first.headers["etag"]}
    assert client.get(path("parts", 16), headers=known).status_code == 304

    session.execute(text("update part set state = 'missing'"))
    session.commit()
    assert client.get(path("parts", 16), headers=known).status_code == 200


@pytest.mark.parametrize("where", ["/tiles/districts/9/0/0.mvt", "/tiles/streets/8/210/96.mvt"])
def test_a_tile_with_nothing_in_it_is_empty(client: httpx.Client, where: str) -> None:
    answer = client.get(where)

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("where", "status", "field"),
    [
        ("/tiles/districts/3/8/0.mvt", 422, "x"),
        ("/tiles/districts/3/0/-1.mvt", 422, "y"),
        ("/tiles/districts/23/0/0.mvt", 422, "z"),
        ("/tiles/districts/3/a/0.mvt", 422, "x"),
        ("/tiles/rivers/3/0/0.mvt", 404, "layer"),
        ("/tiles/districts/3/0/0.mvt?year=2020", 400, "year"),
    ],
)
def test_an_address_outside_the_world_is_a_problem(
    client: httpx.Client, where: str, status: int, field: str
) -> None:
    answer = client.get(where)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
