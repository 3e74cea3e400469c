"""``Idempotency-Key``: a repeated write gets the first answer, and nothing happens twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Header
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from gridsvc.api import clock
from gridsvc.callers import Caller
from gridsvc.cases.intake.repository import claim_key, keep_answer
from gridsvc.errors import IdempotencyMismatch

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
    session: Session,
    caller: Caller,
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
    holder = str(caller.token_id)
    canonical = json.dumps(jsonable_encoder(request), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    known = claim_key(session, holder, key, digest, clock.utc_now())
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
