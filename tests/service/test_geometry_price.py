"""Geometry of a stranger has a price: counted before the work, refused with what was counted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI, Request

from gridsvc.api.leaving import until_gone
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, report
from tests.waiting import PATIENCE_S

NEAR = np.array([city.beside_border(-300)[name] for name in ("lon", "lat")])


def polygon(places: np.ndarray[Any, Any]) -> dict[str, Any]:
    ring = places.tolist()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def tangle(vertices: int) -> dict[str, Any]:
    """An outline that crosses itself about a third of its vertices squared times half."""
    rng = np.random.default_rng(vertices)
    return polygon(rng.uniform(-0.002, 0.002, (vertices, 2)) + NEAR)


def star(vertices: int) -> dict[str, Any]:
    """A clean outline whose rays all come near each other."""
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    reach = np.where(np.arange(vertices) % 2, 0.02, 0.001)
    rays = np.column_stack([reach * np.cos(turn), reach * np.sin(turn)])
    return polygon(rays + NEAR)


def straddled(client: httpx.Client, outline: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/straddle", json={"geometry": outline, "level": "street"})


def related(client: httpx.Client, outline: dict[str, Any]) -> httpx.Response:
    sides = {"a": {"geojson": outline}, "b": {"layer": "streets"}}
    return client.post("/v1/relations", json={"relation": "intersects", **sides})


@pytest.mark.parametrize("ask", [straddled, related])
@pytest.mark.parametrize(
    ("outline", "words"),
    [(tangle(3_000), "crosses itself more than 500"), (star(9_998), "5,000,000 times")],
    ids=["tangle", "star"],
)
def test_a_dear_outline_is_refused_with_what_was_counted(
    client: httpx.Client,
    ask: Callable[[httpx.Client, dict[str, Any]], httpx.Response],
    outline: dict[str, Any],
    words: str,
) -> None:
    problem = refusal(ask(client, outline), 422)
    assert problem["type"].endswith("too-wide")
    assert words in problem["detail"]


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/reports/similar"])
def test_a_report_with_a_dear_footprint_is_refused(citizen: Person, path: str) -> None:
    body = report(footprint=tangle(3_000))
    assert citizen.refused(path, body, status=422, type="too-wide")["field"] == "footprint"


def test_a_footprint_that_is_not_small_is_worked_on_elsewhere_and_answered_alike(
    client: httpx.Client,
) -> None:
    mended = straddled(client, tangle(45)).json()
    assert "repaired" in mended["mended"]
    assert sum(part["share"] for part in mended["shares"]) + mended["unclaimed_share"] == (
        pytest.approx(1)
    )
    whole = straddled(client, star(2_000)).json()
    assert whole["mended"] is None
    assert whole["straddles"]


def test_a_layer_with_too_many_vertices_is_refused(serve: Callable[..., httpx.Client]) -> None:
    client = serve(relations_max_vertices=100)
    assert "vertices" in refusal(related(client, star(200)), 413)["detail"]


def test_work_is_ended_when_its_client_leaves(serve: Callable[..., httpx.Client]) -> None:
    begun, gone = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return gone.wait(2 * PATIENCE_S)

    def with_work(app: FastAPI) -> None:
        @app.post("/work")
        async def _work(request: Request) -> bool:
            return await until_gone(request, work, gone.set)

    url = serve(with_work).base_url
    with socket.create_connection((url.host, url.port)) as leaving:
        leaving.sendall(b"POST /work HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}")
        assert begun.wait(PATIENCE_S)
        assert not gone.is_set()
    assert gone.wait(PATIENCE_S)
