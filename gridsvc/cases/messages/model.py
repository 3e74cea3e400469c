"""A message on its way to a webhook, and how a try ended: frozen values."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["Delivery", "Outcome"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed try of a message; ``tries`` counts it and tells it from every other claim."""

    district_code: str
    id: uuid.UUID
    written_at: dt.datetime
    body_code: str
    topic: str
    case_id: uuid.UUID
    content: dict[str, Any]
    tries: int
    webhook_url: str

    def payload(self) -> bytes:
        """The JSON that the webhook receives, the same bytes at every try."""
        return orjson.dumps(
            {
                "id": self.id,
                "body": self.body_code,
                "district": self.district_code,
                "topic": self.topic,
                "case_id": self.case_id,
                "content": self.content,
                "written_at": self.written_at,
            }
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended; ``error`` is None when the webhook took the message.

    ``retry_at`` is None after a success, and after the last try.
    """

    state: str
    error: str | None
    retry_at: dt.datetime | None
