"""Routes that are asked all day: in the stack of all others, solved in one turn.

FastAPI runs each dependency of a route in a thread of its own turn and wraps the whole in exit
stacks, which costs more than a placement or a report does. A :class:`DirectRoute` is declared and
documented as any other and passes the same middleware, rules and handlers of errors; only the
arguments of its endpoint are found here, in FastAPI's order, by a plan that is made once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextvars import copy_context
from inspect import iscoroutinefunction
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials
from pydantic_core import PydanticUndefined
from sqlalchemy.orm import Session
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from gridsvc.api import clock, rules
from gridsvc.api.dependencies import (
    Service,
    bearer,
    current_atlas,
    current_occasion,
    let_in,
    parse_as_of,
    service_of,
)
from gridsvc.cases.core.act import Occasion
from gridsvc.db.base import transaction
from gridsvc.registry.access import audit
from gridsvc.registry.placement.store import Atlas


class _Asked(NamedTuple):
    """A request as far as it was read; ``query`` has the last of a repeated parameter."""

    scope: Scope
    service: Service
    query: dict[str, str]
    body: Any = PydanticUndefined
    credentials: HTTPAuthorizationCredentials | None = None
    session: Session | None = None


_Find = Callable[[_Asked], Any]


def _occasion(asked: _Asked) -> Occasion:
    if asked.session is None:
        raise AssertionError("tokens are looked up in a transaction")
    caller = let_in(asked.scope, asked.service, asked.session, asked.credentials)
    return Occasion(asked.session, asked.service.city, caller, clock.utc_now())


def _atlas(asked: _Asked) -> Atlas:
    day = parse_as_of(asked.query.get("as_of"), asked.service.city.calendar)
    atlases = asked.service.atlases
    return atlases.present if day is None and atlases.present else atlases.get(day)


#: The dependencies that an endpoint in the event loop may have, and how each is met.
_IN_LOOP: Mapping[Any, _Find] = {service_of: lambda asked: asked.service}

#: Those that an endpoint in a thread may have.
_IN_THREAD: Mapping[Any, _Find] = {
    **_IN_LOOP,
    current_atlas: _atlas,
    current_occasion: _occasion,
}


class DirectRoute(APIRoute):
    """A route without path parameters whose endpoint gives a Response.

    An ``async`` endpoint runs in the event loop and takes its query as a model. Any other runs in
    one thread and one transaction, committed before the answer is sent, and takes a JSON body.
    Raises TypeError for an endpoint that depends on what cannot be met here.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        super().__init__(path, endpoint, **declared)
        in_loop = iscoroutinefunction(endpoint)
        table = _IN_LOOP if in_loop else _IN_THREAD
        needs = self.dependant.dependencies
        unmet = [str(one.name) for one in needs if one.call not in table]
        if unmet or self.dependant.path_params or (in_loop and self.body_field):
            raise TypeError(f"{path} cannot be a direct route: {unmet or 'path or body'}")
        self._needed = [(str(one.name), table[one.call]) for one in needs]
        self._sent: list[tuple[Any, tuple[str, ...], _Find]] = [
            *((one, ("query",), lambda asked: asked.query) for one in self.dependant.query_params),
            *(
                (one, ("header", one.alias), _header(one.alias))
                for one in self.dependant.header_params
            ),
            *((one, ("body",), lambda asked: asked.body) for one in self.dependant.body_params),
        ]
        (self._method,) = self.methods or {"GET"}
        self._known = rules.known_parameters(self.dependant)
        self.app = self._answer_in_loop if in_loop else self._answer_in_thread

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, but without a pattern where the path is this route's own."""
        if scope["path"] == self.path and scope.get("method") == self._method:
            return Match.FULL, {"endpoint": self.endpoint, "path_params": {}, "route": self}
        return super().matches(scope)

    async def alone(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET of this path without looking for its route, errors as the app tells them."""
        scope.update({"route": self, "endpoint": self.endpoint, "path_params": {}})
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            handlers = scope["app"].exception_handlers
            known = (handlers[kind] for kind in type(error).__mro__[:-2] if kind in handlers)
            handle = next(known, None)
            if handle is None:
                raise
            await (await handle(Request(scope), error))(scope, receive, send)

    async def _answer_in_loop(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _Asked(scope, scope["app"].state.service, self._query(scope))
        response = await self.endpoint(**self._arguments(asked))
        await response(scope, receive, send)

    async def _answer_in_thread(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            raise HTTPException(400, "The body ended early") from None
        credentials = await bearer(request)
        response = await asyncio.get_running_loop().run_in_executor(
            scope["app"].state.service.pools.writers,
            copy_context().run,
            *(self._respond, scope, body, credentials),
        )
        await response(scope, receive, send)

    def _respond(
        self, scope: Scope, body: bytes, credentials: HTTPAuthorizationCredentials | None
    ) -> Response:
        given = _json(Headers(scope=scope).get("content-type", ""), body)
        service: Service = scope["app"].state.service
        query = self._query(scope)
        with transaction(service.pools.intake) as session:
            asked = _Asked(scope, service, query, given, credentials, session)
            response: Response = self.endpoint(**self._arguments(asked))
            audit.write_noted(session)
        return response

    def _query(self, scope: Scope) -> dict[str, str]:
        """The query, which obeys the rules."""
        query = read_query(scope["query_string"])
        rules.obey(scope, query, self._known)
        return query

    def _arguments(self, asked: _Asked) -> dict[str, Any]:
        """What the endpoint is called with.

        Raises as the dependencies do, then RequestValidationError for what was sent.
        """
        arguments = {name: find(asked) for name, find in self._needed}
        faults: list[Any] = []
        for field, place, find in self._sent:
            value = find(asked)
            if value is not PydanticUndefined:
                arguments[field.name], wrong = field.validate(value, loc=place)
                faults += wrong
            elif field.field_info.is_required():
                faults.append({"type": "missing", "loc": place, "msg": "Field required"})
        if faults:
            raise RequestValidationError(faults)
        return arguments


def read_query(query_string: bytes) -> dict[str, str]:
    """Names and values, as ``parse_qsl`` gives them; of a repeated name the last.

    Coordinates have nothing to decode; looking for it costs three times what splitting does.
    """
    text = query_string.decode("latin-1")
    if "%" in text or "+" in text:
        return dict(parse_qsl(text, keep_blank_values=True))
    parts = [field.partition("=") for field in text.split("&") if field]
    return {name: value for name, _, value in parts}


def _header(name: str) -> _Find:
    return lambda asked: Headers(scope=asked.scope).get(name, PydanticUndefined)


def _json(media_type: str, body: bytes) -> Any:
    """A body as FastAPI reads it; undefined where it is empty.

    One that does not say that it is JSON stays bytes, which no model takes.
    Raises RequestValidationError, HTTPException.
    """
    kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
    if not body:
        return PydanticUndefined
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": error.msg}
        raise RequestValidationError([fault]) from None
    except (ValueError, RecursionError):  # no text at all, or nested without end
        raise HTTPException(400, "There was an error parsing the body") from None
