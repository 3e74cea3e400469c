"""A playing of the story: what it did and said stays its own, however often it is interrupted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.callers import Role
from gridsvc.cases.intake.repository import claim_key, keep_answer, known_keys
from gridsvc.db.base import transaction
from gridsvc.demo.client import Client
from gridsvc.registry.access.service import issue_token

#: The holder of what playings say, among those of idempotency keys.
_HOLDER = "demonstration"
_ACTORS = uuid.UUID("6f2f4b0e-7c51-4c7a-9d5e-2b8f0c8a1d17")


@dataclass(frozen=True, slots=True)
class Playing:
    """The ``number``-th playing in the life of a database, counted from 1.

    Idempotency keys belong to a token. The actors' tokens have the same ids in every process that
    plays it: what one wrote before it was killed gives the next one the first answer.
    """

    number: int
    http: httpx.Client
    token_key: bytes
    sessions: sessionmaker[Session]

    def actor(self, name: str, role: Role, *, area: str = "", body: str | None = None) -> Client:
        """Somebody who takes part under a name of their own, with a token valid for a day."""
        token = issue_token(
            self.token_key,
            role=role,
            area=area,
            body=body,
            token_id=uuid.uuid5(_ACTORS, f"{self.number} {name}"),
            valid_for=dt.timedelta(days=1),
            now=dt.datetime.now(dt.UTC),
        )
        return Client(self.http, token)

    def once(self, what: str, ask: Callable[[], str]) -> str:
        """What ``ask`` gave when ``what`` was first asked for in this playing."""
        with transaction(self.sessions) as session:
            key = _key(self.number, what)
            known = claim_key(session, _HOLDER, key, "", dt.datetime.now(dt.UTC))
            if known is not None:
                return str(known.answer["said"])
            said = ask()
            keep_answer(session, _HOLDER, key, 200, {"said": said})
            return said

    def begin(self) -> None:
        """Record that it is under way: it is taken up until it has ended."""
        self.once("begun", str)

    def end(self) -> None:
        """Record that it was played to its end."""
        self.once("ended", str)


def last_playing(sessions: sessionmaker[Session]) -> tuple[int, bool]:
    """The number of the last playing that has begun, 0 for none, and whether it has ended."""
    number = 0
    with transaction(sessions) as session:
        while known_keys(session, _HOLDER, [_key(number + 1, "begun")]):
            number += 1
        return number, bool(known_keys(session, _HOLDER, [_key(number, "ended")]))


def _key(number: int, what: str) -> str:
    return f"{number} {what}"
