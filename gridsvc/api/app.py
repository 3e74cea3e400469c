"""The application: its parts, its routes, its rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi_offline import FastAPIOffline

from gridsvc import __version__
from gridsvc.api import exports, map, problems, tiles
from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import refuse_unknown_parameters
from gridsvc.api.front_door import FrontDoor
from gridsvc.api.intake_door import IntakeDoor
from gridsvc.api.limits import BodyLimit
from gridsvc.api.problems import Problem
from gridsvc.api.state import Service
from gridsvc.api.v1 import (
    areas,
    assessments,
    callbacks,
    cases,
    codes,
    disputes,
    editions,
    evidence,
    health,
    locate,
    merging,
    messages,
    no_mans_land,
    opening,
    parts,
    point,
    relations,
    repairs,
    reports,
    social_grids,
    whistle_calls,
    whistles,
)
from gridsvc.api.v1.arrow import ARROW
from gridsvc.city import City
from gridsvc.db.engine import create_engine, database_url, session_factory
from gridsvc.errors import BadInput, GridsvcError, TooLarge, UnknownParameter
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import Settings, get_settings

__all__ = ["create_app", "make_service"]

#: The database role of the service: it may write the trace, never change it.
SERVICE_ROLE = "gridsvc_service"

_ROUTES = (
    health,
    locate,
    areas,
    social_grids,
    editions,
    repairs,
    codes,
    parts,
    reports,
    callbacks,
    assessments,
    cases,
    opening,
    merging,
    evidence,
    messages,
    whistle_calls,
    whistles,
    disputes,
    no_mans_land,
    relations,
    tiles,
    exports,
    map,
)

_DESCRIPTION = """Whose place is this? A report by point, code or footprint is routed to its unit
grid, community and street; where a border runs through it, a joint whistle calls both sides."""


def make_service(settings: Settings) -> Service:
    """The shared parts of a process. Raises MissingPrerequisite, Unavailable."""
    engine = create_engine(database_url(settings), role=SERVICE_ROLE)
    # A fault in a procedure or a table is told at the start, not to the first reporter.
    city = City.load(settings)
    keys = settings.var_dir / "keys"
    return Service(
        settings=settings,
        city=city,
        engine=engine,
        sessions=session_factory(engine),
        atlases=AtlasStore(engine, city, utc_now),
        token_key=secret_key(keys, "token", settings.token_key),
        reporter_key=secret_key(keys, "reporter", settings.reporter_key),
    )


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; a server calls it once a process."""
    service = make_service(settings or get_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(service.atlases.watch)
        yield
        service.atlases.close()
        service.engine.dispose()

    app: FastAPI = FastAPIOffline(
        title="gridsvc",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
    )
    app.state.service = service
    app.add_middleware(
        BodyLimit,
        max_bytes=service.settings.max_body_bytes,
        max_stream_bytes=service.settings.max_stream_bytes,
        streamed=frozenset({ARROW}),
    )
    app.add_middleware(IntakeDoor, service=service)
    app.add_middleware(FrontDoor, service=service)
    problems.install(app)
    app.include_router(point.router)
    for module in _ROUTES:
        app.include_router(
            module.router,
            dependencies=[Depends(refuse_unknown_parameters)],
            responses=problems.problems(UnknownParameter),
        )
    _document_problem(app)
    return app


#: A fault of the service, a database that does not answer: no route can promise to be without.
_ANY_OTHER = problems.problems(GridsvcError)[500] | {"description": "Any other problem"}


def _document_problem(app: FastAPI) -> None:
    """Let the API document tell errors as they are: problem documents, not FastAPI's own form."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].setdefault("default", _ANY_OTHER)
                if "requestBody" in operation:
                    operation["responses"].setdefault("413", problems.problems(TooLarge)[413])
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    operation["responses"]["422"] = problems.problems(BadInput)[422]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way
