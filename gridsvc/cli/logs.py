"""The log of a command, and of each process that it starts."""

from __future__ import annotations

import logging
import sys

import structlog

from gridsvc import faults


def configure_logs() -> None:
    """Log to the standard error, one line an entry; a process that is started does it again."""
    logging.setLogRecordFactory(faults.log_record)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            # Messages of exceptions and local variables hold contacts, words and keys.
            faults.in_entry,
            structlog.dev.ConsoleRenderer(),
        ],
    )
