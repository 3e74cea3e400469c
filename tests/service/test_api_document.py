"""The document of the interface: every answer has a model, and real answers are as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.datastructures import DefaultPlaceholder
from pydantic import ValidationError

from gridsvc.answers import Named, as_built
from tests.service.answers import JSON, api_routes, model_of, true_to_models


def _without_model(app: FastAPI) -> Iterator[str]:
    """Routes that answer JSON, as all do that name no other class, and do not say which."""
    for route in api_routes(app):
        if isinstance(route.response_class, DefaultPlaceholder) and model_of(route) is None:
            documented: dict[str, Any] = route.responses.get(200, {}).get("content", {})
            if not documented or JSON in documented:
                yield route.path


def test_every_route_that_answers_json_has_a_model(serve: Callable[..., httpx.Client]) -> None:
    apps: list[FastAPI] = []
    client = serve(apps.append)
    (app,) = apps
    routes = list(api_routes(app))
    assert len(routes) > 80
    assert list(_without_model(app)) == []
    document = client.get("/openapi.json").json()
    for route in routes:
        model = model_of(route)
        for method in route.methods or ():
            answers = document["paths"][route.path_format][method.lower()]["responses"]
            content = answers[str(route.status_code or 200)].get("content", {})
            if model is None:
                assert content.keys() != {JSON}, route.path
            else:
                schema = content[JSON]["schema"]
                assert schema == {"$ref": f"#/components/schemas/{model.__name__}"}, route.path


def test_a_route_without_a_model_is_found() -> None:
    router = APIRouter()

    @router.get("/bare")
    def bare() -> dict[str, Any]:
        return {}

    app = FastAPI()
    app.include_router(router)
    assert list(_without_model(app)) == ["/bare"]


def test_an_answer_that_its_model_does_not_describe_is_refused() -> None:
    router = APIRouter()

    @router.get("/named", response_model=as_built(Named))
    def named() -> dict[str, Any]:
        return {}

    app = FastAPI()
    app.include_router(router)
    check, request = true_to_models(app), httpx.Request("GET", "http://localhost/named")
    check(httpx.Response(200, json={"code": "110101", "name": ""}, request=request))
    for wrong in ({"code": "110101"}, {"code": "110101", "name": "", "more": 1}):
        with pytest.raises(ValidationError):
            check(httpx.Response(200, json=wrong, request=request))
