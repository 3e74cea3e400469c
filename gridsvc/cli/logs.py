"""The log of a command, and of each process that it starts."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs() -> None:
    """Log to the standard error, one line an entry; a process that is started does it again."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            # Plain: other formatters print local variables, where contacts and keys may stand.
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
    )
