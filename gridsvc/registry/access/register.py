"""The register of tokens: made, renewed, listed and revoked, each by its id."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.access import repository
from gridsvc.registry.access.holder import check_holder
from gridsvc.registry.access.models import Token
from gridsvc.registry.access.service import signed, subject_of
from gridsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Life:
    """How long a token lives, and for how long it can be renewed, from its making on."""

    valid_for: dt.timedelta
    renewable_for: dt.timedelta

    @classmethod
    def of(cls, settings: Settings, wished: dt.timedelta | None = None) -> Life:
        """By the settings; one for which a span was named ends with it, and is not renewed."""
        if wished is not None:
            return cls(wished, wished)
        hours, days = settings.token_hours, settings.token_days
        return cls(dt.timedelta(hours=hours), dt.timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and what the register says of it."""

    token: str
    entry: Token


def make_token(
    session: Session,
    key: bytes,
    *,
    role: Role,
    area: str = "",
    body: str | None = None,
    subject: str | None = None,
    life: Life,
    made_by: str,
    now: dt.datetime,
) -> Issued:
    """A token, entered in the register. Raises BadInput for an unknown area or body as well."""
    check_holder(role, area, body)
    if area and not repository.has_area(session, area):
        raise BadInput(
            f"No area begins with {area}; see 'gridsvc edition list', or load the areas first.",
            field="area",
        )
    if body is not None:
        works_in = repository.area_of_body(session, body)
        if works_in is None:
            raise BadInput(f"No body has the code '{body}'.", field="body")
        if not area.startswith(works_in):
            raise BadInput(
                f"The body {body} works in {works_in}; its token may not read {area}.", field="area"
            )
    token_id = uuid7()
    entry = Token(
        id=token_id,
        subject=(subject or subject_of(role, body or area, token_id))[:100],
        role=role.value,
        area=area,
        body=body,
        made_by=made_by[:100],
        made_at=now,
        expires_at=now + life.valid_for,
        renewable_until=now + max(life.valid_for, life.renewable_for),
    )
    session.add(entry)
    return Issued(signed(key, _holder(entry), now=now), entry)


def renew_token(
    session: Session, key: bytes, caller: Caller, *, valid_for: dt.timedelta, now: dt.datetime
) -> Issued:
    """The same token with a later end, for its holder. Raises Conflict when that is over."""
    entry = repository.token_by_id(session, caller.token_id)
    if entry is None or entry.renewable_until is None or entry.renewable_until <= now:
        raise Conflict("This token can no longer be renewed; ask whoever gave it to you.")
    entry.expires_at = min(now + valid_for, entry.renewable_until)
    return Issued(signed(key, _holder(entry), now=now), entry)


def revoke_token(
    session: Session, token_id: uuid.UUID, *, by: Caller | None, now: dt.datetime
) -> Token:
    """Take a token back at once, for its holder or an admin of its area (None: the operator).

    Raises NotFound, NotAllowed, and Conflict when it was revoked before.
    """
    entry = repository.token_by_id(session, token_id)
    if entry is None:
        raise NotFound(f"The register has no token {token_id}; 'gridsvc token list' names them.")
    own = by is None or by.token_id == token_id
    if not (own or (by is not None and by.role is Role.ADMIN and by.covers(entry.area))):
        raise NotAllowed("A token is revoked by its holder, or by an admin of its area.")
    ends = max(entry.expires_at, entry.renewable_until or entry.expires_at)
    if not repository.add_revoked(session, token_id, now, ends):
        raise Conflict(f"Token {token_id} was already revoked.")
    return entry


def readable_token(
    session: Session, token_id: uuid.UUID, caller: Caller
) -> tuple[Token, dt.datetime | None]:
    """What the register says of a token, and when it was revoked; for those who may revoke it.

    Raises NotFound, NotAllowed.
    """
    found = repository.token_with_end(session, token_id)
    if found is None:
        raise NotFound(f"The register has no token {token_id}; 'gridsvc token list' names them.")
    own = caller.token_id == token_id
    if not (own or (caller.role is Role.ADMIN and caller.covers(found[0].area))):
        raise NotAllowed("A token is read by its holder, or by an admin of its area.")
    return found


def _holder(entry: Token) -> Caller:
    caller = Caller(entry.subject, Role(entry.role), entry.area, entry.body, entry.id)
    return replace(caller, expires_at=entry.expires_at)
