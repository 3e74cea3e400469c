"""The queries of tokens: the register, and which were revoked."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.db.base import Prepared
from gridsvc.registry.access.models import RevokedToken, Token

_REVOKED = Prepared("revoked", "select 1 from revoked_token where id = :id", {"id": "uuid"})


def is_revoked(session: Session, token_id: uuid.UUID) -> bool:
    """Whether this token was taken back."""
    return bool(_REVOKED.ask(session, {"id": str(token_id)}))


def add_revoked(
    session: Session, token_id: uuid.UUID, now: dt.datetime, expires_at: dt.datetime
) -> bool:
    """Remember that this token was taken back; False when it already was."""
    added = session.execute(
        insert(RevokedToken)
        .values(id=token_id, revoked_at=now, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(RevokedToken.id)
    )
    return added.first() is not None


def token_by_id(session: Session, token_id: uuid.UUID) -> Token | None:
    """What the register says of a token, kept for this transaction."""
    return session.scalar(select(Token).where(Token.id == token_id).with_for_update())


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens are asked for: for areas that begin with all of ``prefixes``; None: any.

    ``live_at``: those that were neither expired nor revoked then.
    """

    prefixes: tuple[str, ...]
    role: str | None = None
    body: str | None = None
    live_at: dt.datetime | None = None


def token_with_end(
    session: Session, token_id: uuid.UUID
) -> tuple[Token, dt.datetime | None] | None:
    """What the register says of a token, with when it was revoked."""
    row = session.execute(_WITH_END.where(Token.id == token_id)).first()
    return None if row is None else (row[0], row[1])


_WITH_END = select(Token, RevokedToken.revoked_at).outerjoin(
    RevokedToken, RevokedToken.id == Token.id
)


def tokens_page(
    session: Session, wanted: TokenFilter, *, after: uuid.UUID | None, limit: int | None
) -> list[tuple[Token, dt.datetime | None]]:
    """Tokens in the order of their ids, with when each was revoked."""
    query = _WITH_END.order_by(Token.id).limit(limit)
    for prefix in wanted.prefixes:
        query = query.where(Token.area.startswith(prefix, autoescape=True))
    if wanted.role is not None:
        query = query.where(Token.role == wanted.role)
    if wanted.body is not None:
        query = query.where(Token.body == wanted.body)
    if wanted.live_at is not None:
        alive = Token.expires_at > wanted.live_at, RevokedToken.revoked_at.is_(None)
        query = query.where(*alive)
    if after is not None:
        query = query.where(Token.id > after)
    return [(entry, revoked_at) for entry, revoked_at in session.execute(query)]


def note_uses(session: Session, uses: Iterable[tuple[Caller, dt.datetime]]) -> None:
    """Write when tokens were last used; those that the register does not know are entered."""
    rows: list[dict[str, Any]] = [
        {
            "id": caller.token_id,
            "subject": caller.subject[:100],
            "role": caller.role.value,
            "area": caller.area,
            "body": caller.body,
            "expires_at": caller.expires_at,
            "last_used_at": at,
        }
        for caller, at in uses
    ]
    # In one order, so that no two processes wait for each other.
    new = insert(Token).values(sorted(rows, key=lambda row: row["id"]))
    session.execute(
        new.on_conflict_do_update(
            index_elements=[Token.id],
            set_={
                "last_used_at": func.greatest(Token.last_used_at, new.excluded.last_used_at),
                "expires_at": func.greatest(Token.expires_at, new.excluded.expires_at),
            },
        )
    )


def area_of_body(session: Session, code: str) -> str | None:
    """Where a body works; None for one that is not there."""
    found = session.execute(text("select area_code from body where code = :code"), {"code": code})
    return found.scalar()


def has_area(session: Session, prefix: str) -> bool:
    """Whether any area of any edition begins with a prefix."""
    query = text("select exists (select from area where starts_with(code, :prefix))")
    return bool(session.scalar(query, {"prefix": prefix}))
