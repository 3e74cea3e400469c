"""What a log may say of a fault: where it happened and of what kind, not what was being said.

The message of an exception quotes what it could not use: a row that a constraint refused, the
statement with the words of a reporter in it. So a log has the frames, the kinds, and of a fault of
the database its code and names.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from structlog.typing import EventDict

from gridsvc.errors import GridsvcError

_NAMES = ("schema_name", "table_name", "column_name", "constraint_name")


def told(error: BaseException) -> str:
    """The lines that tell of an exception and of those that led to it, the first one first."""
    lines: list[str] = []
    for one in reversed(list(_chain(error))):
        lines += traceback.format_tb(one.__traceback__)
        lines.append(f"{type(one).__module__}.{type(one).__qualname__}{_named(one)}\n")
    return "".join(lines).rstrip()


def in_entry(_: object, __: str, entry: EventDict) -> EventDict:
    """Tell of an exception in an entry of the log; a processor of structlog."""
    found = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        entry["exception"] = told(error)
    return entry


def log_record(*given: Any, **more: Any) -> logging.LogRecord:
    """The same for what uvicorn and others log by themselves; a factory of records."""
    record = logging.LogRecord(*given, **more)
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text, record.exc_info = told(record.exc_info[1]), None
    return record


def tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What ends a command, on the standard error; a ``sys.excepthook``."""
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(f"{told(error)}\n")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _named(error: BaseException) -> str:
    """What can be told of it beside its kind; of our own errors, the sentence."""
    if isinstance(error, GridsvcError):
        return f": {error.detail}"
    if isinstance(error, OSError):
        return f": {error.strerror} {error.filename or ''}".rstrip()
    diagnosis = getattr(error, "diag", None)
    code = getattr(error, "pgcode", None)
    if code is None or diagnosis is None:
        return ""
    names = [getattr(diagnosis, name, None) for name in _NAMES]
    return f": {code} {'.'.join(name for name in names if name)}".rstrip()
