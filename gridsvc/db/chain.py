"""The hash by which entries of a chain hold the one before: traces, and the audit log."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: Precedes the first entry of every chain.
BEGINNING = "0" * 64


def chained_hash(columns: Mapping[str, Any]) -> str:
    """SHA-256 of an entry's columns but the hash itself, as canonical JSON."""
    return hashlib.sha256(canonical(plain(columns))).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON of one form alone: sorted names, no blanks, UTF-8."""
    form = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return form.encode()


def plain(value: Any) -> Any:
    """The value as JSON has it, every moment in UTC and every whole number written alike.

    PostgreSQL gives 1e16 back as an integer.
    """
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))
    return value
