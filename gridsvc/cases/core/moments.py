"""When something happened: never in the future, never before its case."""

from __future__ import annotations

import datetime as dt

from gridsvc.errors import BadInput

__all__ = ["happened_at"]

#: Clocks of phones may be ahead by this much.
_CLOCK_SKEW = dt.timedelta(minutes=1)


def happened_at(
    given: dt.datetime | None,
    *,
    since: dt.datetime,
    now: dt.datetime,
    event: str = "the case was opened",
) -> dt.datetime:
    """The time of an act in UTC: now unless one is given.

    Other offsets are not handed on: PostgreSQL knows none of 16 hours or more.

    Raises BadInput for one in the future, or before ``since``, when ``event`` happened.
    """
    if given is None:
        return now
    if given.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="at")
    if given > now + _CLOCK_SKEW:
        raise BadInput(f"'at' is {given.isoformat()}, which lies in the future.", field="at")
    if given < since - _CLOCK_SKEW:
        raise BadInput(
            f"'at' is {given.isoformat()}, before {event} ({since.isoformat()}).", field="at"
        )
    return given.astimezone(dt.UTC)
