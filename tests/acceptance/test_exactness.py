"""The service's answers against GEOS by brute force, on real Beijing, point by point."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from pyproj import Geod
from sqlalchemy import Engine, text

from gridsvc.spatial.crs import from_wgs84

Points = npt.NDArray[np.float64]

_SEED = 20181
_GEOD = Geod(ellps="WGS84")
_COLUMNS = {
    "district": "district_code",
    "street": "street_code",
    "community": "community_code",
    "unit_grid": "grid_code",
}


def _levels(engine: Engine) -> dict[str, tuple[list[str], npt.NDArray[np.object_]]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select a.level, a.code, st_asbinary(a.geometry) from area a"
                " join edition e on e.id = a.edition_id where e.state = 'active'"
                " union all select 'unit_grid', district_code || code, st_asbinary(geometry)"
                " from unit_grid where state = 'valid' order by 1, 2"
            )
        ).all()
    levels = {}
    for level in _COLUMNS:
        chosen = [row for row in rows if row[0] == level]
        levels[level] = (
            [row[1] for row in chosen],
            shapely.from_wkb([bytes(row[2]) for row in chosen]),
        )
    return levels


def _stratified(levels: dict[str, tuple[list[str], npt.NDArray[np.object_]]]) -> Points:
    """110,000 points: random, outside, on vertices, on edges, and 1 m, 1 cm, 1 µm beside them."""
    rng = np.random.default_rng(_SEED)
    west, south, east, north = shapely.total_bounds(levels["district"][1])
    random = rng.uniform((west - 0.1, south - 0.1), (east + 0.1, north + 0.1), (40_000, 2))
    strata = [random]
    for _, shapes in levels.values():
        rings = shapely.get_rings(shapely.get_parts(shapes))
        vertices, of_ring = shapely.get_coordinates(rings, return_index=True)
        same = np.flatnonzero(of_ring[1:] == of_ring[:-1])
        chosen = rng.choice(same, 3_500)
        start, end = vertices[chosen], vertices[chosen + 1]
        on_edge = start + rng.uniform(0, 1, (len(chosen), 1)) * (end - start)
        across = np.stack([start[:, 1] - end[:, 1], end[:, 0] - start[:, 0]], axis=1)
        across /= np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-30)[:, None]
        strata += [start, on_edge, (start + end) / 2]
        strata += [on_edge + across * metres / 111_000 for metres in (1.0, -0.01, 1e-6)]
    return np.concatenate(strata)


def test_batch_answers_as_geos_does_on_more_than_a_hundred_thousand_points(
    http: httpx.Client, city_engine: Engine, token: Any
) -> None:
    levels = _levels(city_engine)
    points = _stratified(levels)
    assert len(points) > 100_000
    sent = {"points": points.tolist()}
    answer = http.post("/v1/locate/batch", json=sent, headers=token("analyst"))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    for level, (codes, shapes) in levels.items():
        tree = shapely.STRtree(shapes)
        point, area = tree.query(shapely.points(points), predicate="intersects")
        expected = np.full(len(points), len(codes))
        np.minimum.at(expected, point, area)
        named = [*(code[-8:] if level == "unit_grid" else code for code in codes), None]
        column = _COLUMNS[level]
        wrong = [
            (points[i].tolist(), results[i][column], named[expected[i]])
            for i in range(len(points))
            if results[i][column] != named[expected[i]]
        ]
        assert not wrong, (level, len(wrong), wrong[:3])


def test_a_point_on_a_shared_edge_is_claimed_by_all_that_touch_it(
    http: httpx.Client, city_engine: Engine
) -> None:
    codes, shapes = _levels(city_engine)["district"]
    tree = shapely.STRtree(shapes)
    corners = shapely.get_coordinates(shapes[codes.index("110102")])[::40]
    for lon, lat in corners:
        claims = http.get("/v1/locate", params={"lon": lon, "lat": lat}).json()["claims"]
        touched = tree.query(shapely.Point(lon, lat), predicate="intersects")
        assert [area["code"] for area in claims["district"]] == sorted(codes[i] for i in touched)


def test_border_distance_is_the_geodesic_one_to_a_thousandth(
    http: httpx.Client, city_engine: Engine
) -> None:
    _, shapes = _levels(city_engine)["district"]
    border = shapely.get_coordinates(
        shapely.segmentize(shapely.get_rings(shapely.get_parts(shapes)), 1e-5)
    )
    rng = np.random.default_rng(_SEED)
    for lon, lat in rng.uniform((116.2, 39.8), (116.5, 40.0), (25, 2)):
        near = border[np.hypot(*(border - (lon, lat)).T).argsort()[:20_000]]
        here = np.broadcast_to((lon, lat), near.shape).T
        nearest = _GEOD.inv(*here, *near.T)[2].min()
        answer = http.get("/v1/locate", params={"lon": lon, "lat": lat}).json()["border"]
        districts = [n["distance_m"] for n in answer["neighbours"] if n["level"] == "district"]
        if answer["level"] == "district":
            assert answer["distance_m"] == pytest.approx(nearest, rel=1e-3, abs=0.05)
        for distance in districts[:1]:
            assert distance == pytest.approx(nearest, rel=1e-3, abs=0.05)


def test_a_phone_in_gcj02_and_a_survey_in_cgcs2000_mean_the_same_place(
    http: httpx.Client,
) -> None:
    lon, lat = 116.35, 39.89
    expected = http.get("/v1/locate", params={"lon": lon, "lat": lat}).json()
    for crs in ("gcj02", "bd09", "EPSG:4490", "EPSG:4548"):
        x, y = from_wgs84(lon, lat, crs)
        answer = http.get("/v1/locate", params={"lon": x, "lat": y, "crs": crs}).json()
        assert answer["unit_grid"] == expected["unit_grid"], crs
        assert answer["point"]["coordinates"] == pytest.approx([lon, lat], abs=1e-9)
