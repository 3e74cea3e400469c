"""Tokens of a city's own identity provider (OpenID Connect), checked by the keys it publishes."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from typing import Any

import jwt

from gridsvc.callers import Caller, Role
from gridsvc.errors import BadInput, NotAuthenticated, Unavailable
from gridsvc.registry.access.holder import check_holder

#: Signatures by a key that the provider alone has; never one that we could make ourselves.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_TIMEOUT_S = 5.0
#: Its keys are asked for again when one is unknown, yet no more often: anybody can name a key.
_PAUSE_S = 30.0
_LEEWAY_S = 30


class Provider:
    """An issuer, the audience that its tokens must name, and its claims for role, area and body."""

    def __init__(self, issuer: str, audience: str, claims: tuple[str, str, str]) -> None:
        self._issuer, self._audience, self._claims = issuer, audience, claims
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = -_PAUSE_S
        self._lock = threading.Lock()

    def signed(self, token: str) -> bool:
        """Whether a token says that a provider signed it, not we."""
        try:
            return jwt.get_unverified_header(token).get("alg") in _ALGORITHMS
        except jwt.InvalidTokenError:
            return False

    def read(self, token: str, *, ask: bool) -> Caller:
        """The caller that a token stands for; ``ask`` for keys that are not known yet.

        Raises NotAuthenticated, Unavailable.

        The same person has the same id in all their tokens, so that what they opened stays theirs.
        """
        role, area, body = self._claims
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(str(jwt.get_unverified_header(token).get("kid", "")), ask),
                algorithms=_ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
            caller = Caller(
                subject=str(claims["sub"])[:100],
                role=Role(claims[role]),
                area=str(claims.get(area, "")),
                body=None if claims.get(body) is None else str(claims[body]),
                token_id=uuid.uuid5(uuid.NAMESPACE_URL, f"{self._issuer} {claims['sub']}"),
                expires_at=dt.datetime.fromtimestamp(claims["exp"], tz=dt.UTC),
            )
            check_holder(caller.role, caller.area, caller.body)
        except jwt.ExpiredSignatureError:
            raise NotAuthenticated("The token has expired; ask for a new one.") from None
        except BadInput as wrong:
            raise NotAuthenticated(f"The token reaches too far: {wrong.detail}") from None
        except (jwt.InvalidTokenError, KeyError, ValueError):
            raise NotAuthenticated(
                "The token of the identity provider does not hold: wrong issuer, audience, key or"
                " role."
            ) from None
        return caller

    def _key(self, name: str, ask: bool) -> jwt.PyJWK:
        """The provider's key of that name. Raises KeyError, Unavailable."""
        with self._lock:
            if ask and name not in self._keys and time.monotonic() - self._asked_at >= _PAUSE_S:
                self._asked_at = time.monotonic()
                self._keys = _published(self._issuer)
        return self._keys[name]


def _published(issuer: str) -> dict[str, jwt.PyJWK]:
    """The keys that an issuer publishes for signatures, by their names. Raises Unavailable."""
    import httpx  # rare

    try:
        with httpx.Client(timeout=_TIMEOUT_S) as http:
            about = http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            keys = http.get(about.raise_for_status().json()["jwks_uri"])
            listed = keys.raise_for_status().json()
        return {str(key.key_id): key for key in jwt.PyJWKSet.from_dict(listed).keys}
    except (httpx.HTTPError, jwt.PyJWTError, KeyError, ValueError) as error:
        raise Unavailable(
            "The identity provider does not tell its keys; try again in a moment."
        ) from error
