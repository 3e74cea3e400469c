"""Where a page of a list ends, as a text that is handed back for the next one."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, DateTime, Uuid

from gridsvc.errors import BadInput


def cursor_of(order: str, values: Sequence[Any]) -> str:
    """The cursor behind a row, whose values are those that it is sorted by."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *values])).rstrip(b"=").decode()


def values_of(cursor: str, order: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    """The values that :func:`cursor_of` wrote down. Raises BadInput."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        of_order, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if of_order != order or len(values) != len(columns):
            raise ValueError("a cursor of another list or order")
        return [_read(value, column) for value, column in zip(values, columns, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        raise BadInput(
            "Invalid cursor; pass `next` of the previous page, with the same `order`.",
            field="cursor",
        ) from None


def _read(value: Any, column: ColumnElement[Any]) -> Any:
    if value is None:
        return None
    if isinstance(column.type, Uuid):
        return uuid.UUID(value)
    if isinstance(column.type, DateTime):
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a moment without an offset")
        return moment.astimezone(dt.UTC)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a code")
    return value
