"""Tokens: signed, expiring, revocable; each with a role and an area prefix."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import jwt
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotAuthenticated
from gridsvc.registry.access import repository

_ALGORITHM = "HS256"
_ISSUER = "gridsvc"
_AREA = re.compile(r"\d{0,12}")


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
    """A token for a role inside an area prefix. Raises BadInput for a wrong prefix.

    ``token_id`` is what it is revoked by and what owns its idempotency keys; a new one when None.
    A street's token names the whole street, since it acts for that street's office; a
    department's names its body.
    """
    if not _AREA.fullmatch(area):
        raise BadInput(f"The area prefix {area!r} must be 0 to 12 digits.", field="area")
    if role is Role.STREET and len(area) != 9:
        raise BadInput("A street's token needs the street's 9-digit code as area.", field="area")
    if role is Role.DEPARTMENT and body is None:
        raise BadInput("A department's token needs the code of its body.", field="body")
    token_id = token_id or uuid7()
    claims = {
        "iss": _ISSUER,
        "jti": str(token_id),
        "sub": subject or _subject(role, body or area, token_id),
        "role": role.value,
        "area": area,
        "body": body,
        "iat": now,
        "exp": now + valid_for,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def _subject(role: Role, holder: str | None, token_id: uuid.UUID) -> str:
    """Who a token without a named subject stands for: a post, or one citizen and no other."""
    return f"{role.value}:{token_id if role is Role.CITIZEN else holder or 'city'}"


def holder_of(key: bytes, token: str) -> Caller:
    """Whom a token was made for, revoked since or not. Raises NotAuthenticated with the reason."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": ["exp", "jti", "sub"]},
        )
        return Caller(
            subject=claims["sub"],
            role=Role(claims["role"]),
            area=_text(claims["area"]),
            body=claims["body"],
            token_id=uuid.UUID(claims["jti"]),
        )
    except jwt.ExpiredSignatureError:
        raise NotAuthenticated("The token has expired; ask for a new one.") from None
    except jwt.ImmatureSignatureError:
        raise NotAuthenticated(
            "The token was made later than it is here; check the clocks, or wait."
        ) from None
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise NotAuthenticated(
            "The token is not one of this service; make one with 'gridsvc token create'."
        ) from None


def read_token(session: Session, key: bytes, token: str) -> Caller:
    """The caller that a token stands for. Raises NotAuthenticated with the reason."""
    caller = holder_of(key, token)
    if repository.is_revoked(session, caller.token_id):
        raise NotAuthenticated("The token was revoked; ask for a new one.")
    return caller


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a claim that must be text is none")
    return value


def revoke_token(session: Session, key: bytes, token: str, *, now: dt.datetime) -> uuid.UUID:
    """Take a token back at once. Raises NotAuthenticated when it is none of ours."""
    caller = read_token(session, key, token)
    expires = jwt.decode(token, key, algorithms=[_ALGORITHM], issuer=_ISSUER)["exp"]
    repository.add_revoked(
        session, caller.token_id, now, dt.datetime.fromtimestamp(expires, tz=dt.UTC)
    )
    return caller.token_id
