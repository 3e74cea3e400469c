"""What every request must obey, whichever kind of route answers it.

:class:`BodyLimit` needs no route and is middleware, listed in :mod:`gridsvc.api.app`. What needs
one, :func:`obey`, ordinary routes follow as a dependency, direct ones by a call. :data:`Text` and
:data:`JsonObject` are checked where they enter, so that nothing fails in the middle.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.problems import problem_response
from gridsvc.errors import (
    BadInput,
    NotFound,
    TooLarge,
    TooSlow,
    UnknownParameter,
    UnsupportedMedia,
)

#: Bodies of this media type may be of any length.
ARROW = "application/vnd.apache.arrow.stream"
_BODILESS = ("GET", "HEAD", "OPTIONS")
#: So fast a body must come once the first seconds are over.
_SLOWEST_BYTES_A_S = 10_000
#: A footprint inside evidence is six levels deep.
_MOST_LEVELS = 20
#: The query parameters of each route's function, collected once.
_known: dict[Any, frozenset[str]] = {}


class BodyLimit:
    """ASGI middleware: more than ``max_bytes`` of body is a 413, announced or not.

    Bodies of the media types in ``streamed`` are read piece by piece and may have
    ``max_stream_bytes``. What is not there after ``timeout_s`` and the time that its bytes may take
    is a 408; a compressed body, which says nothing of its true size, a 415.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_stream_bytes: int,
        streamed: frozenset[str],
        timeout_s: float,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_stream_bytes = max_stream_bytes
        self._streamed = streamed
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.strip().lower() not in ("", "identity"):
            refused = UnsupportedMedia(
                f"The body is compressed ({encoding}); send it as it is, without Content-Encoding."
            )
            await problem_response(refused, scope)(scope, receive, send)
            return
        kind = headers.get(b"content-type", b"").partition(b";")[0].decode("latin-1")
        streamed = kind.strip().lower() in self._streamed
        asker = scope["asker"]
        known = asker.caller is not None or b"receipt-secret" in headers
        photo = known and kind.strip().lower().startswith("image/")
        of_caller = self._max_bytes if photo else asker.share.allowance.body_bytes
        most = self._max_stream_bytes if streamed else min(self._max_bytes, of_caller)
        refusal = f"The body is larger than {most:,} bytes; send less, or import the file."
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await problem_response(TooLarge(refusal), scope)(scope, receive, send)
            return
        seen, complete = 0, False
        begun = asyncio.get_running_loop().time()

        async def counted() -> Message:
            nonlocal seen, complete
            if complete:  # what comes now is that the client has gone, however late
                return await receive()
            try:
                async with asyncio.timeout_at(begun + self._timeout_s + seen / _SLOWEST_BYTES_A_S):
                    message = await receive()
            except TimeoutError:
                # FastAPI passes on no other exception from the reading of a body.
                raise HTTPException(
                    TooSlow.status,
                    f"Of the body only {seen:,} bytes have come; send it faster, or in parts.",
                    {"Connection": "close"},
                ) from None
            seen += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if seen > most:
                raise HTTPException(TooLarge.status, refusal, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)


async def follow(request: Request) -> None:
    """The rules as a dependency of ordinary routes; raises as :func:`obey` does."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None:
        return
    known = _known.get(dependant.call)
    if known is None:
        known = _known[dependant.call] = known_parameters(dependant)
    obey(request.scope, request.query_params, known)


def obey(scope: Scope, query: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse what no route takes; ``known`` are the names of the route's query parameters.

    Raises UnknownParameter for another name, so that no typing error is lost; BadInput and, in
    the path, NotFound for U+0000, which PostgreSQL cannot keep.
    """
    if "\0" in scope["path"]:
        raise NotFound("No address may contain the character U+0000; /docs lists what there is.")
    if not query.keys() <= known:
        unknown = min(query.keys() - known)
        raise UnknownParameter(
            f"This address has no query parameter '{unknown}';"
            f" it takes {', '.join(sorted(known)) or 'none'}.",
            field=unknown,
        )
    for name, value in query.items():
        if "\0" in value:
            raise BadInput(
                f"'{name}' contains the character U+0000, which text must not have.", field=name
            )


def known_parameters(dependant: Dependant) -> frozenset[str]:
    """The names of all query parameters of a route and its dependencies."""
    names = set[str]()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {one.alias or name for name, one in model.model_fields.items()}
        else:
            names.add(field.alias)
    return frozenset(names).union(*map(known_parameters, dependant.dependencies))


def _check_text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError(
            "unkeepable", "contains the character U+0000, which text must not have"
        )
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("unkeepable", "contains half a character (a lone surrogate)")
    return value


def _check_json(value: dict[str, Any]) -> dict[str, Any]:
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        level, item = waiting.pop()
        if level > _MOST_LEVELS:
            raise PydanticCustomError("unkeepable", f"is nested deeper than {_MOST_LEVELS} levels")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise PydanticCustomError("unkeepable", "contains a number that is not finite")
        elif isinstance(item, dict):
            waiting += ((level + 1, part) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting += ((level + 1, part) for part in item)
    return value


class Sent(BaseModel):
    """What somebody sends: these members and no others, so that no typing error is lost."""

    model_config = ConfigDict(extra="forbid")


#: Text that PostgreSQL and UTF-8 can hold.
Text = Annotated[str, AfterValidator(_check_text)]

#: A JSON object that can be kept and hashed: finite numbers, sound text, no depth without end.
JsonObject = Annotated[dict[str, Any], AfterValidator(_check_json)]
