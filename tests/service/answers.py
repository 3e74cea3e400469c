"""The answers of a service, each held to the model by which its route documents it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gridsvc.answers import AsBuilt

__all__ = ["api_routes", "model_of", "true_to_models"]

JSON = "application/json"


def api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """The documented routes of an application and its routers, in the order of matching."""
    for route in app.routes:
        included: Any = getattr(route, "original_router", None)
        inner = [route] if included is None else included.routes
        yield from (one for one in inner if isinstance(one, APIRoute) and one.include_in_schema)


def model_of(route: APIRoute) -> type[BaseModel] | None:
    """The model that documents what a route answers."""
    if isinstance(route.response_model, type) and issubclass(route.response_model, BaseModel):
        return route.response_model
    return next(
        (one.model for one in get_args(route.response_model) if isinstance(one, AsBuilt)), None
    )


def true_to_models(app: FastAPI) -> Callable[[httpx.Response], None]:
    """A hook of a client: refuses a good JSON answer that its model does not describe."""
    routes = list(api_routes(app))

    def check(response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "")
        if not response.is_success or not kind.startswith(JSON):
            return
        path, method = response.request.url.path, response.request.method
        for route in routes:
            if method in (route.methods or ()) and route.path_regex.match(path):
                model = model_of(route)
                assert model is not None, f"{method} {route.path} has no model"
                model.model_validate_json(response.read(), strict=True, extra="forbid")
                return

    return check
