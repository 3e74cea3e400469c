"""What routes ask for: a transaction, the atlas, the caller."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session
from starlette.types import Scope

from gridsvc.api import clock
from gridsvc.api.rights import right_of
from gridsvc.api.state import Service, service_of
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.city.calendar import Calendar
from gridsvc.db.engine import transaction
from gridsvc.errors import BadInput, NotAuthenticated
from gridsvc.registry.access import audit
from gridsvc.registry.placement.store import Atlas, DatedAtlas

#: Reads the token of a request and documents that there is one.
bearer = HTTPBearer(auto_error=False, description="A token made by 'gridsvc token create'.")


CurrentService = Annotated[Service, Depends(service_of)]


def db_session(service: CurrentService) -> Iterator[Session]:
    """A transaction of the request's own."""
    with transaction(service.sessions) as session:
        yield session
        audit.write_noted(session)


#: One transaction a request, committed before the answer is sent: what was acknowledged is kept.
DbSession = Annotated[Session, Depends(db_session, scope="function")]


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


def current_caller(
    request: Request,
    service: CurrentService,
    session: DbSession,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """The holder of the request's token. Raises NotAuthenticated, NotAllowed."""
    return let_in(request.scope, service, session, credentials)


#: The holder of the request's token; without one, or in a role that may not, it is refused.
CurrentCaller = Annotated[Caller, Depends(current_caller)]


def _perhaps_caller(
    request: Request,
    service: CurrentService,
    session: DbSession,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller | None:
    return None if credentials is None else let_in(request.scope, service, session, credentials)


#: The holder of the request's token, None without one: staff are told more.
PerhapsCaller = Annotated[Caller | None, Depends(_perhaps_caller)]


def _occasion(service: CurrentService, session: DbSession, caller: CurrentCaller) -> Occasion:
    return Occasion(session, service.city, caller, clock.utc_now())


#: The request's transaction, city, caller and moment, for what is done in cases.
CurrentOccasion = Annotated[Occasion, Depends(_occasion)]


def parts_whole(service: Service, caller: Caller | None) -> bool:
    """Whether owners, maintainers and notes of parts are told: to staff, or as open data."""
    return service.settings.open_parts or (caller is not None and caller.staff)


def _reporting_occasion(
    service: CurrentService, session: DbSession, name: str, caller: PerhapsCaller
) -> Occasion:
    if caller is None:
        # Nobody's token: what the receipt's secret does not open, they may not do.
        holder = uuid.uuid5(uuid.NAMESPACE_URL, f"receipt:{name}")
        caller = Caller(f"receipt {name[:80]}", Role.CITIZEN, "", None, holder)
    return Occasion(session, service.city, caller, clock.utc_now())


#: The same for whoever holds a token, or no more than the secret of the report's receipt.
ReportingOccasion = Annotated[Occasion, Depends(_reporting_occasion)]
