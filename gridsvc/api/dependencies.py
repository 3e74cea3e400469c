"""What routes ask for: the service, a transaction, the atlas, the caller, and to write once."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from starlette.types import Scope

from gridsvc.api import clock
from gridsvc.api.allowances import Allowance
from gridsvc.api.listening import Listening
from gridsvc.api.pools import Pools
from gridsvc.api.quotas import Pace
from gridsvc.api.rights import right_of
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.reports import receipt_of
from gridsvc.cases.intake.repository import claim_key, keep_answer
from gridsvc.cases.log.service import LogKey
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.db.base import transaction
from gridsvc.errors import BadInput, IdempotencyMismatch, NotAuthenticated
from gridsvc.registry.access import audit
from gridsvc.registry.access.keys import KeyRing
from gridsvc.registry.access.service import Tokens
from gridsvc.registry.access.uses import Uses
from gridsvc.registry.placement.store import Atlas, AtlasStore, DatedAtlas
from gridsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that every request of a process shares."""

    settings: Settings
    city: City
    engine: Engine
    sessions: sessionmaker[Session]
    atlases: AtlasStore
    tokens: Tokens
    uses: Uses
    reporter_keys: KeyRing
    log_key: LogKey
    pools: Pools
    allowances: Mapping[str, Allowance]
    pace: Pace
    listening: Listening


async def service_of(request: Request) -> Service:
    """The service of this application."""
    service: Service = request.app.state.service
    return service


#: Reads the token of a request and documents that there is one.
bearer = HTTPBearer(auto_error=False, description="A token made by 'gridsvc token create'.")


CurrentService = Annotated[Service, Depends(service_of)]


async def _body_of(request: Request) -> bytes:
    return await request.body()


#: The body as it came. It stands before what opens a transaction: none may wait for a slow sender.
RawBody = Annotated[bytes, Depends(_body_of)]


def db_session(service: CurrentService) -> Iterator[Session]:
    """A transaction of the request's own."""
    with transaction(service.sessions) as session:
        yield session
        audit.write_noted(session)


#: One transaction a request, committed before the answer is sent: what was acknowledged is kept.
DbSession = Annotated[Session, Depends(db_session, scope="function")]


def public_session(service: CurrentService) -> Iterator[Session]:
    """A transaction of the request's own, for questions of anybody."""
    with transaction(service.pools.public) as session:
        yield session


#: The same for a question that anybody may ask: nothing can be written in it, nor read of people.
PublicSession = Annotated[Session, Depends(public_session, scope="function")]


def parse_as_of(value: str | None, calendar: Calendar) -> dt.datetime | None:
    """A day or an RFC 3339 time, in UTC; a bare day means its end in the city. Raises BadInput.

    Other offsets are not passed on: PostgreSQL knows none of 16 hours or more.
    """
    if value is None:
        return None
    try:
        if len(value) == 10:
            return calendar.ends(dt.date.fromisoformat(value))
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BadInput(
            f"'as_of' is {value!r}; send a day (2026-11-21) or an RFC 3339 time.", field="as_of"
        ) from None
    raise BadInput("'as_of' has no time zone; add 'Z' or an offset.", field="as_of")


async def _as_of(
    service: CurrentService,
    as_of: Annotated[
        str | None, Query(description="Answer from the editions in force then; a day or a time.")
    ] = None,
) -> dt.datetime | None:
    return parse_as_of(as_of, service.city.calendar)


AsOf = Annotated[dt.datetime | None, Depends(_as_of)]


async def _moment(as_of: AsOf) -> dt.datetime:
    return as_of or clock.utc_now()


#: The moment that was asked for, else the present one.
Moment = Annotated[dt.datetime, Depends(_moment)]


async def current_atlas(service: CurrentService, as_of: AsOf) -> Atlas:
    """The atlas of the day that was asked for, else the present one. Raises NotFound."""
    present = service.atlases.present
    if as_of is None and present is not None:
        return present
    return await run_in_threadpool(service.atlases.get, as_of)


CurrentAtlas = Annotated[Atlas, Depends(current_atlas)]


async def _atlas_of_day(service: CurrentService, as_of: AsOf) -> Atlas | None:
    return None if as_of is None else await run_in_threadpool(service.atlases.get, as_of)


#: The atlas of the day that was asked for; None for answers as they were stored.
AtlasOfDay = Annotated[Atlas | None, Depends(_atlas_of_day)]


async def _then(service: CurrentService, as_of: AsOf, atlas: AtlasOfDay) -> DatedAtlas | None:
    return None if as_of is None or atlas is None else DatedAtlas(atlas, service.city.day(as_of))


#: The same with the day itself.
Then = Annotated[DatedAtlas | None, Depends(_then)]


def let_in(
    scope: Scope,
    service: Service,
    session: Session,
    credentials: HTTPAuthorizationCredentials | None,
) -> Caller:
    """The holder of a request's token, whom the table of rights lets in at its route.

    Raises NotAuthenticated, NotAllowed.
    """
    if credentials is None:
        raise NotAuthenticated(
            "This needs a token: send 'Authorization: Bearer ...' with one made by"
            " 'gridsvc token create'."
        )
    now = clock.utc_now()
    caller = service.tokens.read(session, credentials.credentials)
    service.uses.note(caller, now)
    right = right_of(scope, caller)
    if right.audit:
        act = f"{scope['method']} {scope['route'].path}"
        done = audit.Done(now, caller.subject, caller.role.value, act, scope["path"])
        audit.note(session, done)
    return caller


def _caller(
    request: Request,
    service: CurrentService,
    session: DbSession,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    return let_in(request.scope, service, session, credentials)


#: The holder of the request's token; without one, or in a role that may not, it is refused.
CurrentCaller = Annotated[Caller, Depends(_caller)]


def _perhaps_caller(
    request: Request,
    service: CurrentService,
    session: DbSession,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller | None:
    return None if credentials is None else let_in(request.scope, service, session, credentials)


#: The holder of the request's token, None without one: staff are told more.
PerhapsCaller = Annotated[Caller | None, Depends(_perhaps_caller)]


def current_occasion(
    service: CurrentService, session: DbSession, caller: CurrentCaller
) -> Occasion:
    """The request's transaction, city, caller and moment. Raises NotAuthenticated, NotAllowed."""
    return Occasion(session, service.city, caller, clock.utc_now())


#: The request's transaction, city, caller and moment, for what is done in cases.
CurrentOccasion = Annotated[Occasion, Depends(current_occasion)]


def parts_whole(service: Service, caller: Caller | None) -> bool:
    """Whether owners, maintainers and notes of parts are told: to staff, or as open data."""
    return service.settings.open_parts or (caller is not None and caller.staff)


def _reporting_occasion(
    service: CurrentService, session: DbSession, name: str, caller: PerhapsCaller
) -> Occasion:
    if caller is None:
        # Nobody's token: what the receipt's secret does not open, they may not do.
        receipt = receipt_of(name)
        holder = uuid.uuid5(uuid.NAMESPACE_URL, f"receipt:{receipt}")
        caller = Caller(f"receipt {receipt[:80]}", Role.CITIZEN, "", None, holder)
    return Occasion(session, service.city, caller, clock.utc_now())


#: The same for whoever holds a token, or no more than the secret of the report's receipt.
ReportingOccasion = Annotated[Occasion, Depends(_reporting_occasion)]


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any value of the caller's own; the same value is answered the same way.",
    ),
]


class _Answer(JSONResponse):
    """JSON by orjson: the framework's own way takes several times as long."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=_plain)


def _plain(value: Any) -> Any:
    """What orjson does not know itself; the times in a model as those outside of one."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    return jsonable_encoder(value)


def once(
    occasion: Occasion,
    key: str | None,
    request: Any,
    write: Callable[[], Any],
    *,
    status: int = 200,
) -> JSONResponse:
    """Write, and keep the answer under the key in the same transaction; or repeat it.

    ``request`` is what the key stands for; keys are the token's own, so that two phones that
    count from 1 never meet. Two requests at the same moment: the second waits.
    Raises IdempotencyMismatch when the key was used with another request.
    """
    if key is None:
        return _Answer(write(), status_code=status)
    session, holder = occasion.session, str(occasion.caller.token_id)
    canonical = json.dumps(jsonable_encoder(request), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    known = claim_key(session, holder, key, digest, occasion.now)
    if known is not None:
        if known.request_hash != digest:
            raise IdempotencyMismatch(
                f"The Idempotency-Key '{key}' was already used with a different request; choose a"
                " new one for a new request.",
                field="Idempotency-Key",
            )
        return JSONResponse(
            known.answer, status_code=known.status, headers={"Idempotency-Replayed": "true"}
        )
    response = _Answer(write(), status_code=status)
    keep_answer(session, holder, key, status, orjson.loads(response.body))
    return response
