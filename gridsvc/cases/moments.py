"""When something happened: never in the future, never before its case."""

from __future__ import annotations

import datetime as dt

from gridsvc.errors import BadInput

__all__ = ["happened_at"]

#: Clocks of phones may be ahead by this much.
_CLOCK_SKEW = dt.timedelta(minutes=1)


def happened_at(
    given: dt.datetime | None, *, opened_at: dt.datetime, now: dt.datetime
) -> dt.datetime:
    """The time of an act: now unless one is given. Raises BadInput for an impossible one."""
    if given is None:
        return now
    if given.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="at")
    if given > now + _CLOCK_SKEW:
        raise BadInput(f"'at' is {given.isoformat()}, which lies in the future.", field="at")
    if given < opened_at - _CLOCK_SKEW:
        raise BadInput(
            f"'at' is {given.isoformat()}, before the case was opened ({opened_at.isoformat()}).",
            field="at",
        )
    return given
