"""The states of a dispute, who may move it, and the frozen values that are passed on."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gridsvc.callers import Caller


class DisputeState(StrEnum):
    """Where a dispute stands: 未决, 协商中, 已达成一致, 已解决."""

    OPEN = "open"
    UNDER_NEGOTIATION = "under_negotiation"
    AGREED = "agreed"
    SETTLED = "settled"


#: From each state, the states that may follow.
NEXT_STATES = {
    DisputeState.OPEN: (DisputeState.UNDER_NEGOTIATION,),
    DisputeState.UNDER_NEGOTIATION: (DisputeState.AGREED, DisputeState.OPEN),
    DisputeState.AGREED: (DisputeState.SETTLED, DisputeState.UNDER_NEGOTIATION),
    DisputeState.SETTLED: (DisputeState.OPEN,),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: the holder's name, kept to the sides, and the role that all may see."""

    subject: str
    role: str
    area: str

    @classmethod
    def of(cls, caller: Caller) -> Actor:
        """The actor that a token stands for."""
        return cls(caller.subject[:100], caller.role.value, caller.area)


@dataclass(frozen=True, slots=True)
class DisputeAt:
    """An unsettled dispute in which a point lies."""

    id: uuid.UUID
    kind: str
    state: str
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartInside:
    """A part on some ground: its codes, its class, the bodies behind it, its place (WGS84)."""

    district_code: str
    code: str
    class_code: str
    standard: str
    name: str
    state: str
    street_code: str | None
    community_code: str | None
    competent_body: str
    owner_body: str | None
    maintainer_body: str | None
    first_date: dt.date
    lon: float
    lat: float


def districts_of(sides: Sequence[str]) -> tuple[str, ...]:
    """The districts of some sides, each once, in order of their codes."""
    return tuple(sorted({side[:6] for side in sides}))
