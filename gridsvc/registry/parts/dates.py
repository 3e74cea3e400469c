"""The day on which the register is written."""

from __future__ import annotations

import datetime as dt

__all__ = ["today"]

_BEIJING = dt.timezone(dt.timedelta(hours=8))


def today() -> dt.date:
    """The present day in UTC+8, where the register's days begin and end."""
    return dt.datetime.now(_BEIJING).date()
