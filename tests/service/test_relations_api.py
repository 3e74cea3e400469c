"""Relations over HTTP and from the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import httpx
import pytest
import shapely
from typer.testing import CliRunner

from gridsvc.cli import relations as command
from gridsvc.cli.app import app
from gridsvc.errors import BadFile, BadInput
from gridsvc.settings import get_settings
from gridsvc.spatial.crs import from_wgs84
from tests.service import joint_city as city
from tests.service.conftest import refusal

PATH = "/v1/relations"
STREETS, DISTRICTS = {"layer": "streets"}, {"layer": "districts"}


def question(relation: str, a: Any, b: Any, **more: Any) -> dict[str, Any]:
    return {"relation": relation, "a": a, "b": b, **more}


def site(*shapes: Any) -> dict[str, Any]:
    return {
        "geojson": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"name": f"site {number}", "code": f"S{number}"},
                    "geometry": shapely.geometry.mapping(shape),
                }
                for number, shape in enumerate(shapes, 1)
            ],
        }
    }


def test_an_uploaded_site_is_shared_between_the_districts(client: httpx.Client) -> None:
    astride = shapely.geometry.shape(city.astride(30, 10))

    answer = client.post(PATH, json=question("shares", site(astride), DISTRICTS))

    assert answer.status_code == 200, answer.text
    rows = answer.json()["pairs"]
    assert rows[0]["a"] == {"code": "S1", "name": "site 1", "feature": 1}
    assert [row["b"] and row["b"]["code"] for row in rows] == [None, city.WEST, city.EAST]
    assert [row["share_of_a"] for row in rows] == pytest.approx([0.0, 0.75, 0.25], abs=1e-6)


_ASTRIDE = shapely.geometry.shape(city.astride(30, 10))
_WIDE = shapely.box(116.305, 39.883, 116.335, 39.897)


@pytest.mark.parametrize(
    "footprint",
    [
        _ASTRIDE,
        shapely.affinity.rotate(_ASTRIDE, 33.0),
        shapely.affinity.rotate(_WIDE, 12.0),
        _WIDE - shapely.box(116.31, 39.885, 116.33, 39.895),
        shapely.union(_ASTRIDE, shapely.box(116.333, 39.898, 116.346, 39.905)),
        shapely.box(116.33, 39.885, 116.36, 39.91),
        shapely.box(116.4, 39.95, 116.41, 39.96),
        shapely.box(116.301, 39.881, 116.302, 39.882),
    ],
)
@pytest.mark.parametrize("level", ["district", "street"])
def test_straddle_and_relations_share_a_footprint_alike(
    client: httpx.Client, footprint: Any, level: str
) -> None:
    outline = {"geometry": shapely.geometry.mapping(footprint), "level": level}
    layer = {"layer": f"{level}s"}

    straddled = client.post("/v1/straddle", json=outline).json()
    related = client.post(PATH, json=question("shares", site(footprint), layer)).json()

    one = {part["code"]: (part["share"], part["area_m2"]) for part in straddled["shares"]}
    one[""] = straddled["unclaimed_share"], straddled["unclaimed_m2"]
    other = {
        row["b"]["code"] if row["b"] else "": (row["share_of_a"], row["shared_m2"])
        for row in related["pairs"]
    }
    assert one.keys() == other.keys()
    for code, (share, m2) in one.items():
        assert share == pytest.approx(other[code][0], abs=1e-9)
        assert m2 == pytest.approx(other[code][1], rel=1e-9, abs=1e-6)
    assert sum(share for share, _ in one.values()) == pytest.approx(1.0, abs=1e-9)


def test_unit_grids_and_parts_are_layers_too(client: httpx.Client) -> None:
    grids = {"layer": "unit_grids"}
    in_west = question("within", {"layer": "parts", "codes": [city.WEST]}, grids)
    touching = question("touches", grids, STREETS, limit=3)

    parts = client.post(PATH, json=in_west).json()
    first = client.post(PATH, json=touching).json()
    rest = client.post(PATH, json=touching | {"limit": 100, "cursor": first["next"]}).json()

    assert {row["a"]["code"] for row in parts["pairs"]} == {city.OWNED, city.UNOWNED, city.SHARED}
    assert {row["b"]["code"][:3] for row in parts["pairs"]} == {city.LEAD[6:]}
    assert parts["pairs"][0]["a"]["district"] == city.WEST
    # Of eight grids in a row of four by two, the inner ones touch three other streets, the outer
    # ones one.
    pairs = first["pairs"] + rest["pairs"]
    assert (len(pairs), rest["next"]) == (4 * 3 + 4 * 1, None)
    assert len({json.dumps([row["a"], row["b"]]) for row in pairs}) == 16


def test_an_upload_in_another_datum_is_brought_to_wgs84(client: httpx.Client) -> None:
    # 500 m of shift: taken as WGS84 it would lie on the other side of the border.
    lon, lat = from_wgs84(city.BORDER_LON - 0.001, city.MIDDLE_LAT, "gcj02")
    point = {"geojson": {"type": "Point", "coordinates": [lon, lat]}, "crs": "gcj02"}

    pairs = client.post(PATH, json=question("within", point, DISTRICTS)).json()["pairs"]

    assert [row["b"]["code"] for row in pairs] == [city.WEST]


IN_A = "a.geojson"


def sent(geojson: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"geojson": geojson, **more}


def _point(x: Any, y: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


_BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
_MIXED = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}]}


@pytest.mark.parametrize(
    ("a", "type", "field", "word"),
    [
        ({}, "bad-input", "a", "Give either"),
        (STREETS | site(shapely.Point(1, 1)), "bad-input", "a", "Give either"),
        (sent({"type": "FeatureCollection", "features": []}), "bad-geometry", IN_A, "no feature"),
        (sent({"type": "FeatureCollection"}), "bad-geometry", IN_A, "no list"),
        (sent({"type": "Feature", "geometry": None}), "bad-geometry", IN_A, "1 has no"),
        (sent(_BOW), "bad-geometry", IN_A, "Self-intersection"),
        (sent(_MIXED), "bad-geometry", IN_A, "GeometryCollection"),
        (sent(_point("x", 1)), "bad-coordinate", IN_A, "number"),
        (sent(_point(39.9, 116.3)), "bad-coordinate", IN_A, "swapped"),
        (sent(_point(1, 1), crs="EPSG:4214"), "unknown-crs", "crs", "Beijing"),
        (sent(_point(1, 1), as_of="2020-01-01"), "bad-input", "a.as_of", "no as_of"),
        (STREETS | {"crs": "wgs84"}, "bad-input", "a.crs", "already"),
        (STREETS | {"as_of": "then"}, "bad-input", "a.as_of", "then"),
        (STREETS | {"levle": 1}, "bad-input", "a.levle", "levle"),
        ({"layer": "reports"}, "bad-input", "a.layer", "districts"),
    ],
)
def test_a_bad_side_is_refused_with_its_field(
    client: httpx.Client, a: Any, type: str, field: str, word: str
) -> None:
    problem = refusal(client.post(PATH, json=question("within", a, STREETS)), 422)

    assert problem["type"] == f"urn:gridsvc:problem:{type}"
    assert problem["field"] == field
    assert word in problem["detail"]


def test_a_question_that_is_too_wide_is_a_problem_with_numbers(
    serve: Callable[..., httpx.Client],
) -> None:
    problem = refusal(
        serve(relations_timeout_s=0.001).post(PATH, json=question("touches", STREETS, STREETS)), 422
    )

    assert problem["type"] == "urn:gridsvc:problem:too-wide"
    assert (problem["members_a"], problem["members_b"], problem["pairs"]) == (4, 4, 16)
    assert "a.codes" in problem["detail"]


def comb(shift: float) -> shapely.Polygon:
    """A comb that a shifted one crosses at every tooth."""
    xs = [116.0 + shift + n * 1e-5 for n in range(20_000)]
    teeth = [(x, 40.0 if n % 2 else 39.0 + shift) for n, x in enumerate(xs)]
    return shapely.Polygon([(xs[0], 38.9), *teeth, (xs[-1], 38.9)])


def test_no_more_questions_than_allowed_are_answered_at_a_time(
    serve: Callable[..., httpx.Client],
) -> None:
    client = serve(relations_at_once=1, relations_timeout_s=3)
    combs = [comb(shift) for shift in (0.0, 3e-6)]
    slow = question("shares", site(combs[0]), site(combs[1]))
    answers: list[int] = []

    def insist() -> None:
        while not answers or answers[-1] == 503:
            answers.append(client.post(PATH, json=slow).status_code)

    thread = threading.Thread(target=insist)
    thread.start()
    try:
        seen = set()
        while thread.is_alive():
            seen.add(client.post(PATH, json=question("touches", STREETS, STREETS)).status_code)
    finally:
        thread.join()

    # The slow one ran until its time was over, and all that time the others were told to wait.
    assert answers[-1] == 422
    assert 503 in seen
    assert client.post(PATH, json=question("touches", STREETS, STREETS)).status_code == 200


@pytest.fixture
def run(city_database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command in the city; gives its result."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    get_settings.cache_clear()
    yield lambda *words: CliRunner().invoke(app, ["relate", *words])
    get_settings.cache_clear()


def test_the_command_relates_a_file_with_a_layer(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "sites.gpkg"
    frame = geopandas.GeoDataFrame(
        geometry=[shapely.geometry.shape(city.astride(30, 10))], crs="EPSG:4326"
    ).to_crs("EPSG:4548")
    frame.to_file(file)

    result = run(str(file), "shares", "districts", "--json")
    table = run(str(file), "shares", "districts")

    assert (result.exit_code, table.exit_code) == (0, 0), result.output
    rows = json.loads(result.stdout)["pairs"]
    assert [row["share_of_a"] for row in rows] == pytest.approx([0.0, 0.75, 0.25], abs=1e-5)
    assert "西城区" in table.stdout
    assert "nobody's" in table.stdout


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("streats", "touches", "streets"), BadFile),
        (("streets", "touches", "streets", "--crs", "wgs84"), BadInput),
    ],
)
def test_the_command_says_what_is_wrong(run: Any, words: Any, error: type[Exception]) -> None:
    result = run(*words)

    assert isinstance(result.exception, error)
    assert command.__doc__
