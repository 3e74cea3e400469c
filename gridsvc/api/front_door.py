"""Answers ``GET /v1/locate`` at the door, before the framework looks for its route.

Routing, the request object and the exit stacks of FastAPI cost twice what the whole placement
does, and this one question is asked all day. Whatever is not plain (another day, a parameter that
is wrong or unknown) goes on to the route, which documents the question and says what is amiss.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from gridsvc.api.state import Service
from gridsvc.api.v1.point import PATH, PointQuery, answer
from gridsvc.errors import GridsvcError

__all__ = ["FrontDoor"]

_MOST_FIELDS = 8


class FrontDoor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            body = self._answer(scope["query_string"])
            if body is not None:
                headers = [
                    (b"content-length", b"%d" % len(body)),
                    (b"content-type", b"application/json"),
                ]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)

    def _answer(self, query_string: bytes) -> bytes | None:
        """The answer, None where the route must look at it."""
        atlas = self._service.atlases.present
        if atlas is None:
            return None
        try:
            text = query_string.decode("latin-1")
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
            query = PointQuery.model_validate(dict(fields))
            if query.as_of is not None:
                return None
            return answer(atlas, query, self._service.settings)
        except (ValidationError, GridsvcError, ValueError):
            return None
