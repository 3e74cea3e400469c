"""Seals what identifies a person, contacts and telephones, with the service's key (Fernet)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gridsvc.errors import Unavailable


def seal(key: bytes, contact: Mapping[str, Any]) -> bytes:
    """The contact, encrypted (Fernet) with a key of 32 bytes."""
    return _fernet(key).encrypt(json.dumps(dict(contact), ensure_ascii=False).encode())


def unseal(key: bytes, sealed: bytes, *older: bytes) -> dict[str, Any]:
    """The contact that :func:`seal` encrypted with one of the keys. Raises Unavailable."""
    try:
        ring = MultiFernet([_fernet(one) for one in (key, *older)])
        contact: dict[str, Any] = json.loads(ring.decrypt(sealed))
    except InvalidToken:
        raise Unavailable("The contact was sealed with another key; restore var/keys.") from None
    return contact


def _fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))
