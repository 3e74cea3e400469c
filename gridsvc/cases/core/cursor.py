"""Where a case stands in a list: the cursor of lists in the order of ids, or of limits."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from gridsvc.errors import BadInput

__all__ = ["CasePlace"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CasePlace:
    """A case's id and its limit; None for a case without one, which stands behind all others."""

    id: uuid.UUID
    limit_at: dt.datetime | None = None

    def to_text(self, *, by_limit: bool) -> str:
        """The id; with ``by_limit`` before it the microseconds since 1970 and a full stop."""
        if not by_limit:
            return str(self.id)
        since = "" if self.limit_at is None else (self.limit_at - _EPOCH) // _MICROSECOND
        return f"{since}.{self.id}"

    @classmethod
    def from_text(cls, text: str, *, by_limit: bool) -> CasePlace:
        """The place that :meth:`to_text` wrote. Raises BadInput."""
        since, _, id = text.rpartition(".")
        try:
            if bool("." in text) != by_limit:
                raise ValueError("a cursor of the other order")
            limit_at = _EPOCH + int(since) * _MICROSECOND if since else None
            return cls(uuid.UUID(id), limit_at)
        except (ValueError, OverflowError):
            raise BadInput(
                f"The cursor {text[:80]!r} is none of this list: send 'next' of the page before,"
                " with the same 'order'.",
                field="cursor",
            ) from None
