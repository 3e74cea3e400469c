"""What a repair would change: who gains, who loses, and the geometries before and after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridsvc.spatial.audit.model import AuditFault

__all__ = ["Change", "Method", "Proposal"]


class Method(StrEnum):
    """How a fault is mended."""

    #: All of the ground goes to one area.
    GIVE = "give"
    #: The ground is parted by the line that is as far from one side as from the other.
    MIDLINE = "midline"
    #: One side's line moves onto the other's, nowhere farther than the accuracy.
    SNAP = "snap"


@dataclass(frozen=True, slots=True)
class Change:
    """An area (by its place in the list) before and after; m² that it gains and loses."""

    member: int
    before: Any
    after: Any
    gained_m2: float
    lost_m2: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to mend one fault.

    ``chosen``: of ``give`` the area that has the ground afterwards, of ``snap`` the one whose line
    moves; None for ``midline``. ``moved_m``: of ``snap`` how far the line moves
    at most, in metres. The gains of
    a gap or inlet, and the losses of an overlap of two, sum to the fault's m².
    """

    fault: AuditFault
    method: Method
    chosen: int | None
    moved_m: float | None
    changes: tuple[Change, ...]
