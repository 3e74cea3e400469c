"""Who asks: a role, and the area prefix in which it counts."""

from __future__ import annotations

import datetime as dt
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

#: The id of the request that is being answered, for logs and for what it makes others do.
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class Role(StrEnum):
    """The roles that a token can have."""

    CITIZEN = "citizen"
    GRID_WORKER = "grid_worker"
    STREET = "street"
    DEPARTMENT = "department"
    DISTRICT = "district"
    CITY = "city"
    ANALYST = "analyst"
    ADMIN = "admin"


#: Roles that see and direct everything inside their area prefix.
_SUPERVISORS = {Role.DISTRICT, Role.CITY, Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a token. The prefix ``110102`` covers ``110102020``; empty covers all.

    ``expires_at`` is when the token does, None for whoever has none.
    """

    subject: str
    role: Role
    area: str
    body: str | None
    token_id: uuid.UUID
    expires_at: dt.datetime | None = None

    def covers(self, *codes: str | None) -> bool:
        """Whether one of these areas lies inside the caller's own; None is no area."""
        return any(code is not None and code.startswith(self.area) for code in codes)

    @property
    def staff(self) -> bool:
        """Whether the caller works for the city: a citizen sees what everybody does."""
        return self.role is not Role.CITIZEN

    def supervises(self, district_code: str) -> bool:
        """Whether the caller files, checks and closes in a district."""
        return self.role in _SUPERVISORS and self.covers(district_code)

    def acts_for(self, body_code: str, body_area: str) -> bool:
        """Whether the caller may act for a body that works in ``body_area``."""
        if self.body is not None:
            return self.body == body_code
        if self.role is Role.STREET:
            return self.area == body_code
        return self.role in _SUPERVISORS and self.covers(body_area)

    @property
    def named(self) -> str:
        """By which name a trace, which never forgets, knows the caller: a citizen by none."""
        return f"citizen:{self.token_id}" if self.role is Role.CITIZEN else self.subject
