"""Tokens: signed, expiring, revocable; each with a role and an area prefix."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotAuthenticated
from gridsvc.registry.access import repository
from gridsvc.registry.access.holder import check_holder
from gridsvc.registry.access.keys import KeyRing
from gridsvc.registry.access.provider import Provider

_ALGORITHM = "HS256"
_ISSUER = "gridsvc"


def issue_token(
    key: bytes,
    *,
    role: Role,
    area: str = "",
    body: str | None = None,
    subject: str | None = None,
    token_id: uuid.UUID | None = None,
    valid_for: dt.timedelta,
    now: dt.datetime,
) -> str:
    """A token for a role inside an area prefix. Raises BadInput as :func:`check_holder` does.

    ``token_id`` is what it is revoked by and what owns its idempotency keys; a new one when None.
    """
    check_holder(role, area, body)
    token_id = token_id or uuid7()
    return signed(
        key,
        Caller(
            subject or subject_of(role, body or area, token_id),
            role,
            area,
            body,
            token_id,
            now + valid_for,
        ),
        now=now,
    )


def signed(key: bytes, caller: Caller, *, now: dt.datetime) -> str:
    """The token that stands for a caller until they expire."""
    claims = {
        "iss": _ISSUER,
        "jti": str(caller.token_id),
        "sub": caller.subject,
        "role": caller.role.value,
        "area": caller.area,
        "body": caller.body,
        "iat": now,
        "exp": caller.expires_at,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def subject_of(role: Role, holder: str | None, token_id: uuid.UUID) -> str:
    """Who a token without a named subject stands for: a post, or one citizen and no other."""
    return f"{role.value}:{token_id if role is Role.CITIZEN else holder or 'city'}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Reads the tokens that count here: our own, and those of a city's own identity provider."""

    ring: KeyRing
    provider: Provider | None = None

    @property
    def key(self) -> bytes:
        """The key that signs new tokens. Raises Unavailable."""
        return self.ring.current

    def holder(self, token: str, *, ask: bool = True) -> Caller:
        """Whom a token was made for, revoked since or not. Raises NotAuthenticated, Unavailable.

        ``ask``: for a key of the provider that is not known yet, which takes a while.
        """
        if self.provider is not None and self.provider.signed(token):
            return self.provider.read(token, ask=ask)
        return holder_of(self.ring.keys, token)

    def read(self, session: Session, token: str) -> Caller:
        """The caller that a token stands for. Raises NotAuthenticated, Unavailable."""
        caller = self.holder(token)
        if repository.is_revoked(session, caller.token_id):
            raise NotAuthenticated("The token was revoked; ask for a new one.")
        return caller


def holder_of(keys: Sequence[bytes], token: str) -> Caller:
    """Whom a token signed by one of our keys was made for, revoked since or not.

    Raises NotAuthenticated.
    """
    try:
        claims = _claims(keys, token)
        caller = Caller(
            subject=claims["sub"],
            role=Role(claims["role"]),
            area=_text(claims["area"]),
            body=claims["body"],
            token_id=uuid.UUID(claims["jti"]),
            expires_at=dt.datetime.fromtimestamp(claims["exp"], tz=dt.UTC),
        )
        check_holder(caller.role, caller.area, caller.body)
    except jwt.ExpiredSignatureError:
        raise NotAuthenticated("The token has expired; ask for a new one.") from None
    except jwt.ImmatureSignatureError:
        raise NotAuthenticated(
            "The token was made later than it is here; check the clocks, or wait."
        ) from None
    except BadInput as wrong:  # made before that was refused
        raise NotAuthenticated(f"The token reaches too far: {wrong.detail}") from None
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise NotAuthenticated(
            "The token is not one of this service; make one with 'gridsvc token create'."
        ) from None
    return caller


def _claims(keys: Sequence[bytes], token: str) -> dict[str, Any]:
    """The claims by the first key that signed them. Raises InvalidTokenError."""
    first, *others = keys
    try:
        return jwt.decode(
            token,
            first,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": ["exp", "jti", "sub"]},
        )
    except jwt.InvalidSignatureError:
        if not others:
            raise
        return _claims(others, token)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a claim that must be text is none")
    return value
