"""The service's clock."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """The present moment, with its time zone."""
    return dt.datetime.now(dt.UTC)
