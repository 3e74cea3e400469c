"""Takes plain ``POST /v1/reports`` in at the door, before the framework looks for its route.

FastAPI runs each dependency of a route (transaction, token, the route itself) in a thread of its
own turn; that costs more than everything that happens to the report. Here one thread does it all.
Whatever is not plain (no token, no length, a body that the model refuses) goes on to the route,
which documents the intake and says what is amiss.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import structlog
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.dependencies import may_write
from gridsvc.api.problems import problem_response
from gridsvc.api.state import Service
from gridsvc.api.v1.reports import PATH, ReportIn, filed
from gridsvc.db.engine import transaction
from gridsvc.errors import GridsvcError
from gridsvc.registry.access.service import read_token

__all__ = ["IntakeDoor"]

_log = structlog.get_logger(__name__)

_BEARER = b"bearer "
_MEDIA_TYPE = b"application/json"
#: As many as there are connections to the database, less those for everybody else.
_AT_ONCE = 16
_LONGEST_KEY = 200


class IntakeDoor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="intake")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the report in, or pass the request on with its body."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            headers = dict(scope["headers"])
            if not scope["query_string"] and self._is_plain(headers):
                messages = [await receive()]
                while messages[-1].get("more_body", False):
                    messages.append(await receive())
                response = await self._response(scope, headers, messages)
                if response is not None:
                    await response(scope, receive, send)
                    return
                receive = _replay(messages, receive)
        await self._app(scope, receive, send)

    def _is_plain(self, headers: dict[bytes, bytes]) -> bool:
        length = headers.get(b"content-length", b"")
        return (
            headers.get(b"authorization", b"")[: len(_BEARER)].lower() == _BEARER
            and headers.get(b"content-type", b"").partition(b";")[0] == _MEDIA_TYPE
            and len(headers.get(b"idempotency-key", b"-")) in range(1, _LONGEST_KEY + 1)
            and length.isdigit()
            and int(length) <= self._service.settings.max_body_bytes
        )

    async def _response(
        self, scope: Scope, headers: dict[bytes, bytes], messages: list[Message]
    ) -> Response | None:
        """The answer, None where the route must look at it."""
        if any(message["type"] != "http.request" for message in messages):
            return None
        try:
            body = b"".join(message.get("body", b"") for message in messages)
            given = ReportIn.model_validate(json.loads(body))
        except (ValidationError, ValueError, RecursionError):
            return None
        token = headers[b"authorization"][len(_BEARER) :].decode("latin-1")
        given_key = headers.get(b"idempotency-key")
        key = None if given_key is None else given_key.decode("latin-1")
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._file, scope, token, given, key
        )

    def _file(self, scope: Scope, token: str, given: ReportIn, key: str | None) -> Response:
        """File the report in one transaction, committed before the answer is sent."""
        service = self._service
        try:
            with transaction(service.sessions) as session:
                caller = may_write(read_token(session, service.token_key, token))
                return filed(service, service.atlases.get(), session, caller, given, key)
        except GridsvcError as error:
            if error.status >= 500:
                _log.error("request failed", type=error.type, detail=error.detail)
            return problem_response(error, scope)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Receive what was received already, then what follows."""
    kept = iter(messages)

    async def replayed() -> Message:
        message = next(kept, None)
        return await receive() if message is None else message

    return replayed
