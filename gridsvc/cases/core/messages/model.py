"""A message's place in an inbox, its way to a webhook, and how a try ended: frozen values."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from gridsvc.errors import BadInput

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a message stands in its body's inbox: by when it fell due, then by its id."""

    due_at: dt.datetime
    id: uuid.UUID

    def to_text(self) -> str:
        """The form in which clients keep it: microseconds since 1970, a full stop, the id."""
        return f"{(self.due_at - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def from_text(cls, text: str) -> Place:
        """The place that :meth:`to_text` wrote. Raises BadInput."""
        since, _, id = text.partition(".")
        try:
            place = cls(_EPOCH + int(since) * _MICROSECOND, uuid.UUID(id))
            if place.due_at < _EPOCH:
                raise ValueError(since)
        except (ValueError, OverflowError):
            raise BadInput(
                f"{text[:80]!r} is not a place in an inbox; pass `next` of the previous page, or"
                " the id of the last event.",
                field="cursor",
            ) from None
        return place


@dataclass(frozen=True, slots=True)
class GroupAddress:
    """A chat group, its robot and language, and where the robot is called, sealed."""

    id: uuid.UUID
    robot: str
    language: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed try of a message; ``tries`` counts it and tells it from every other claim.

    One to a ``group`` has no address of its own: the group's is sealed.
    """

    district_code: str
    id: uuid.UUID
    written_at: dt.datetime
    body_code: str | None
    follow_id: uuid.UUID | None
    topic: str
    case_id: uuid.UUID
    content: dict[str, Any]
    tries: int
    webhook_url: str
    request_id: str | None
    group: GroupAddress | None = None

    @property
    def receiver(self) -> str:
        """Whom it is for: the code of a body, the id of a follower or of a group."""
        return self.body_code or str(self.follow_id or (self.group and self.group.id))

    def payload(self) -> bytes:
        """The JSON that the webhook receives, the same bytes at every try."""
        return orjson.dumps(
            {
                "id": self.id,
                **({"body": self.body_code} if self.body_code else {"follow": self.follow_id}),
                "district": self.district_code,
                "topic": self.topic,
                "case_id": self.case_id,
                "content": self.content,
                "written_at": self.written_at,
            }
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that are due and wait, how long the oldest has, and those that were given up."""

    due: int
    oldest_due_s: float
    given_up: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended; ``error`` is None when the webhook took the message.

    ``retry_at`` is None after a success, and after the last try.
    """

    state: str
    error: str | None
    retry_at: dt.datetime | None


#: No pause is longer than a day, whatever the settings say.
LONGEST_S = 86_400.0

_GROWTH = 4.0
_JITTER = 0.25
# A day is reached long before; beyond, the power would leave the range of a float.
_MOST_STEPS = 60


def pause_after(tries: int, *, base_s: float, chance: float) -> dt.timedelta:
    """The pause after ``tries`` failed tries: four times as long each time, at most a day.

    ``chance`` in [0, 1) spreads it by a quarter up or down, so that the messages of a receiver
    that was down do not all come back in one moment. With the default settings the seven pauses
    of eight tries add up to about 23 hours.
    """
    grown = base_s * _GROWTH ** min(tries - 1, _MOST_STEPS)
    spread = 1.0 - _JITTER + 2.0 * _JITTER * chance
    return dt.timedelta(seconds=min(grown * spread, LONGEST_S))
