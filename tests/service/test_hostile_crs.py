"""A CRS that would make PROJ open a path: refused on every way in, and nothing waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyproj
import pytest

from gridsvc.callers import Role
from tests.service.conftest import Person, refusal, report

RING = [[116.31, 39.88], [116.32, 39.88], [116.32, 39.89], [116.31, 39.88]]
OUTLINE = {"type": "Polygon", "coordinates": [RING]}
POINT = {"lon": 116.31, "lat": 39.885}


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nobody writes to: whoever opens it waits for ever."""
    made = tmp_path / "pipe"
    os.mkfifo(made)
    return made


def leading_to(path: Path) -> str:
    longlat = pyproj.CRS(4214).to_wkt()
    return (
        f"BOUNDCRS[SOURCECRS[{longlat}],TARGETCRS[{pyproj.CRS(4326).to_wkt()}],"
        'ABRIDGEDTRANSFORMATION["x",METHOD["NTv2",ID["EPSG",9615]],'
        f'PARAMETERFILE["Latitude and longitude difference file","{path}"]]]'
    )


#: Every way in of a CRS: method, path, and the rest of the request.
WAYS: dict[str, Callable[[str], tuple[str, str, dict[str, Any]]]] = {
    "locate": lambda crs: ("GET", "/v1/locate", {"params": POINT | {"crs": crs}}),
    "parts": lambda crs: ("GET", "/v1/parts", {"params": {"near": "116.31,39.885", "crs": crs}}),
    "batch": lambda crs: (
        "POST",
        "/v1/locate/batch",
        {"json": {"points": [[116.31, 39.885]], "crs": crs}},
    ),
    "CSV": lambda crs: (
        "POST",
        "/v1/locate/batch",
        {
            "content": b"lon,lat\n116.31,39.885\n",
            "params": {"crs": crs},
            "headers": {"Content-Type": "text/csv"},
        },
    ),
    "straddle": lambda crs: ("POST", "/v1/straddle", {"json": {"geometry": OUTLINE, "crs": crs}}),
    "relations": lambda crs: (
        "POST",
        "/v1/relations",
        {
            "json": {
                "relation": "touches",
                "a": {"geojson": OUTLINE, "crs": crs},
                "b": {"layer": "districts"},
            }
        },
    ),
    "report": lambda crs: ("POST", "/v1/reports", {"json": report(location=POINT | {"crs": crs})}),
    "similar": lambda crs: (
        "POST",
        "/v1/reports/similar",
        {"json": report(location=POINT | {"crs": crs})},
    ),
    "footprint": lambda crs: (
        "POST",
        "/v1/reports",
        {"json": report(footprint=OUTLINE, footprint_crs=crs)},
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_path_in_a_crs_is_refused_and_never_opened(
    as_: Callable[..., Person],
    pipe: Path,
    way: Callable[[str], tuple[str, str, dict[str, Any]]],
) -> None:
    somebody = as_(Role.ADMIN)
    method, path, rest = way(leading_to(pipe))
    problem = refusal(somebody.send(method, path, timeout=30, **rest), 422)
    assert problem["type"].endswith("unknown-crs")


def test_plain_wkt_is_taken(client: httpx.Client) -> None:
    plain = client.get("/v1/locate", params=POINT | {"crs": pyproj.CRS(4490).to_wkt()}).json()
    assert plain["district"] == client.get("/v1/locate", params=POINT).json()["district"]
