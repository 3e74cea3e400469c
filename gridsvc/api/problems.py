"""Errors as ``application/problem+json`` (RFC 9457): never a stack trace, always what to do.

What people read of them, title and detail, is in the language that ``Accept-Language`` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from gridsvc.errors import (
    BadInput,
    GridsvcError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooSlow,
)
from gridsvc.texts import LANGUAGES, said_in
from gridsvc.whole import full, is_full

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: What a route about one thing refuses that needs a token.
TOKEN_PROBLEMS = (NotAuthenticated, NotAllowed, NotFound)

#: What a sender wrote is quoted, never sent back whole: no word and no sentence is longer.
_LONGEST_WORD = 200
_LONGEST_TEXT = 2_000
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class Problem(BaseModel):
    """A problem document."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the kind of problem, a URN.")
    title: str
    status: int
    detail: str = Field(description="What was wrong, and what to do.")
    field: str | None = Field(default=None, description="The offending input, as a dotted path.")


def problems(*errors: type[GridsvcError]) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route that raises these errors."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        known = responses.get(error.status)
        description = error.title if known is None else f"{known['description']}; {error.title}"
        responses[error.status] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses


def problem_response(error: GridsvcError, scope: Scope) -> JSONResponse:
    """The response that tells the sender of the request in ``scope`` of an error."""
    language = language_of(scope)
    headers = {
        "Content-Language": language,
        "Vary": "Accept-Language",
        # Also where no middleware of ours is on the way.
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after_s"])
    told = error.problem()
    quoting = {name: _quotable(told[name]) for name in ("title", "detail", "field") if name in told}
    for name in ("title", "detail"):
        quoting[name] = said_in(language, quoting[name])
    return JSONResponse(
        told | quoting, status_code=error.status, media_type=MEDIA_TYPE, headers=headers
    )


def language_of(scope: Scope) -> str:
    """The one of our languages that ``Accept-Language`` weighs most, of equals the first."""
    accepted = Headers(scope=scope).get("accept-language", "")
    best, most = LANGUAGES[0], 0.0
    for item in accepted.split(","):
        tag, _, weight = item.partition(";")
        language = tag.strip().lower().partition("-")[0]
        try:
            q = float(weight.replace(" ", "").removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in LANGUAGES and q > most:
            best, most = language, q
    return best


def _quotable(text: str) -> str:
    """A sentence that can be sent and read, whatever it quotes."""
    sound = _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
    short = _LONG_WORD.sub(lambda word: f"{word[0][: _LONGEST_WORD // 2]}...{word[0][-2:]}", sound)
    return short if len(short) <= _LONGEST_TEXT else f"{short[:_LONGEST_TEXT]}..."


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    async def on_known(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, GridsvcError):
            raise error
        if error.status >= 500:
            _log.error("request failed", type=error.type, detail=error.detail)
        return problem_response(error, request.scope)

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        return problem_response(validation_problem(error.errors()), request.scope)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        response = problem_response(_from_http(error), request.scope)
        response.headers.update(error.headers or {})
        return response

    async def on_unknown(request: Request, error: Exception) -> JSONResponse:
        _log.exception("request failed", path=request.url.path, exc_info=error)
        if is_full(error):
            return problem_response(full(), request.scope)
        internal = GridsvcError("An internal error occurred; nothing was changed. Try again.")
        return problem_response(internal, request.scope)

    app.add_exception_handler(GridsvcError, on_known)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_unknown)


def validation_problem(errors: Sequence[Any]) -> BadInput:
    """The error that tells of the first of Pydantic's ``errors``."""
    first = errors[0]
    path = [str(step) for step in first["loc"] if step not in ("body", "query", "path", "header")]
    field = ".".join(path) or None
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", first["msg"])
        return BadInput(f"The body is not valid JSON: {reason}.")
    name = field or "body"
    if first["type"] == "missing":
        return BadInput(f"'{name}' is missing; it is required.", field=field)
    if len(errors) > 1:
        return BadInput(f"'{name}': {first['msg']} ({len(errors) - 1} more).", field=field)
    return BadInput(f"'{name}': {first['msg']}.", field=field)


def _from_http(error: HTTPException) -> GridsvcError:
    if error.status_code == 404:
        return NotFound("There is nothing at this address; /docs lists what there is.")
    if error.status_code == 405:
        return _MethodNotAllowed("This address does not support this method; see /docs.")
    if error.status_code == TooLarge.status:
        return TooLarge(str(error.detail))
    if error.status_code == TooSlow.status:
        return TooSlow(str(error.detail))
    failed = BadInput if error.status_code < 500 else GridsvcError
    return failed(str(error.detail))


class _MethodNotAllowed(GridsvcError):
    status = 405
    type = "method-not-allowed"
    title = "The method is not allowed here"
