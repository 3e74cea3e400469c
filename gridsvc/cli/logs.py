"""The log of a command, and of each process that it starts."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict

from gridsvc import faults
from gridsvc.callers import REQUEST_ID


def configure_logs() -> None:
    """Log to the standard error, one line an entry; a process that is started does it again.

    In a terminal for reading, in colours; elsewhere one JSON object a line, in UTC.
    """
    shown = sys.stderr.isatty()
    logging.setLogRecordFactory(faults.log_record)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(
                fmt="%Y-%m-%d %H:%M:%S" if shown else "iso", utc=not shown
            ),
            _add_request,
            # Messages of exceptions and local variables hold contacts, words and keys.
            faults.in_entry,
            structlog.dev.ConsoleRenderer()
            if shown
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _add_request(_: object, __: str, entry: EventDict) -> EventDict:
    """Name the request that an entry is about, where there is one."""
    request_id = REQUEST_ID.get()
    if request_id is not None:
        entry.setdefault("request_id", request_id)
    return entry
