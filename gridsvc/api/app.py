"""The application: its parts, its routes, and what a request passes on its way to them.

From the outside in:

1. Starlette's ``ServerErrorMiddleware``: the last resort, a problem document of a fault of ours;
2. the middleware of :func:`_middleware`: rules that need no route;
3. Starlette's ``ExceptionMiddleware``: every other error becomes a problem document;
4. the routes, the direct ones first, and before each the rules of :mod:`gridsvc.api.rules`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware

from gridsvc import __version__
from gridsvc.api import docs_page, exports, map, problems, rules, tiles, watching
from gridsvc.api.allowances import read_allowances
from gridsvc.api.answering import Answering
from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import Service
from gridsvc.api.listening import Listening
from gridsvc.api.pools import Pools
from gridsvc.api.problems import Problem
from gridsvc.api.quotas import Pace, Quotas, networks
from gridsvc.api.v1 import (
    alarms,
    areas,
    assessments,
    audit,
    bodies,
    callbacks,
    campaigns,
    cases,
    classes,
    codes,
    contact_points,
    demand,
    demands,
    disputes,
    duty_changes,
    editions,
    evidence,
    following,
    funds,
    groups,
    health,
    help_requests,
    lanes,
    leader_notes,
    lines,
    lists,
    locate,
    log,
    members,
    merging,
    messages,
    no_mans_land,
    opening,
    own_reports,
    parts,
    personal,
    point,
    posting_months,
    postings,
    powers,
    procedures,
    rankings,
    recurring,
    recurring_lists,
    refusals,
    relations,
    repairs,
    reports,
    social_grids,
    staff,
    supervision,
    tasks,
    time_given,
    tokens,
    trials,
    whistle_calls,
    whistle_exits,
    whistles,
)
from gridsvc.cases.log.service import LogKey
from gridsvc.cases.log.writer import LogWriter
from gridsvc.city import City
from gridsvc.db.engine import database_url, public_url, session_factory
from gridsvc.errors import BadInput, GridsvcError, TooLarge, UnknownParameter
from gridsvc.registry.access.keys import KeyRing, secret_key
from gridsvc.registry.access.provider import Provider
from gridsvc.registry.access.service import Tokens
from gridsvc.registry.access.uses import Uses
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import Settings, get_settings

#: Asked all day, so looked up first: the others are tried one after the other.
_DIRECT = (point, reports)
_ROUTES = (
    health,
    watching,
    locate,
    areas,
    social_grids,
    staff,
    contact_points,
    members,
    help_requests,
    funds,
    demands,
    tasks,
    trials,
    recurring,
    recurring_lists,
    leader_notes,
    demand,
    supervision,
    editions,
    repairs,
    codes,
    parts,
    own_reports,
    following,
    groups,
    reports,
    log,
    personal,
    callbacks,
    assessments,
    rankings,
    campaigns,
    cases,
    lists,
    time_given,
    opening,
    merging,
    evidence,
    duty_changes,
    bodies,
    postings,
    posting_months,
    powers,
    classes,
    messages,
    procedures,
    whistle_calls,
    whistle_exits,
    whistles,
    disputes,
    lanes,
    lines,
    no_mans_land,
    alarms,
    refusals,
    relations,
    tokens,
    audit,
    tiles,
    exports,
    map,
    docs_page,
)

#: FastAPI works out what a route asks for once for each router that includes it, which takes most
#: of a second for all: this one is of the process, and every application has its routes.
_ALL = APIRouter(dependencies=[Depends(rules.follow)])
for _module in _ROUTES:
    _ALL.include_router(_module.router)

#: The figures are those of /metrics; to look for another collector takes a fiftieth of a look-up.
_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}

_DESCRIPTION = """Whose place is this? A report by point, code or footprint is routed to its unit
grid, community and street; where a border runs through it, a joint whistle calls both sides."""


def make_service(settings: Settings) -> Service:
    """The shared parts of a process. Raises MissingPrerequisite, Unavailable."""
    allowances = read_allowances(settings.allowances)
    pools = Pools.of(database_url(settings), public_url(settings))
    # A fault in a procedure or a table is told at the start, not to the first reporter.
    city = City.load(settings)
    keys = settings.var_dir / "keys"
    tokens = Tokens(KeyRing(keys, "token", settings.token_key), _provider(settings))
    sessions = session_factory(pools.general)
    return Service(
        settings=settings,
        city=city,
        engine=pools.general,
        sessions=sessions,
        atlases=AtlasStore(pools.boundaries, city, utc_now),
        tokens=tokens,
        uses=Uses(sessions),
        reporter_keys=KeyRing(keys, "reporter", settings.reporter_key),
        log_key=LogKey(settings.log_origin, secret_key(keys, "log", settings.log_key)),
        pools=pools,
        allowances=allowances,
        pace=Pace(allowances),
        listening=Listening(sessions, tokens, settings.event_streams),
    )


def _provider(settings: Settings) -> Provider | None:
    """The city's own identity provider, where it has one."""
    if settings.oidc_issuer is None:
        return None
    claims = settings.oidc_role_claim, settings.oidc_area_claim, settings.oidc_body_claim
    return Provider(settings.oidc_issuer, settings.oidc_audience, claims)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; a server calls it once a process."""
    service = make_service(settings or get_settings())
    log_writer = LogWriter(
        service.sessions,
        service.log_key,
        utc_now,
        every_s=service.settings.log_every_s,
        publish_to=service.settings.log_publish_to,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(service.atlases.watch)
        log_writer.start()
        service.uses.watch()
        yield
        await run_in_threadpool(service.uses.close)
        log_writer.close()
        service.atlases.close()
        service.pools.close()

    app: FastAPI = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        title="gridsvc",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=_middleware(service),
        telemetry=_TELEMETRY,
    )
    app.state.service = service
    problems.install(app)
    app.router.routes[:0] = [route for module in _DIRECT for route in module.direct.routes]
    app.router.routes.extend(_ALL.routes)
    _document_problem(app)
    return app


def _middleware(service: Service) -> list[Middleware]:
    """What every request passes before a route is looked for, from the outside in."""
    settings = service.settings
    return [
        Middleware(Answering),
        Middleware(
            Quotas,
            allowances=service.allowances,
            tokens=service.tokens,
            trusted=networks(settings.trusted_proxies),
            at_once=settings.requests_at_once,
            look_up=point.answer_alone,
        ),
        Middleware(
            rules.BodyLimit,
            max_bytes=settings.max_body_bytes,
            max_stream_bytes=settings.max_stream_bytes,
            streamed=frozenset({rules.ARROW}),
            timeout_s=settings.body_timeout_s,
        ),
    ]


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
                operation["responses"].setdefault("400", problems.problems(UnknownParameter)[400])
                if "requestBody" in operation:
                    operation["responses"].setdefault("413", problems.problems(TooLarge)[413])
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    operation["responses"]["422"] = problems.problems(BadInput)[422]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way
