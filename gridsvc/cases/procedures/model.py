"""What a procedure is: ordered steps, who takes each, what it must carry, where it may go back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

__all__ = ["Actor", "Procedure", "Progress", "Requirement", "Return", "Step"]


class Actor(StrEnum):
    """Who takes a step. A case has a lead; a joint case has another side too."""

    SYSTEM = "system"
    LEAD = "lead"
    OTHER = "other"
    EACH_SIDE = "each_side"
    EITHER_SIDE = "either_side"
    SUPERVISION = "supervision"


class Requirement(StrEnum):
    """What must be true of a whistle's called bodies before a step."""

    SIDES_REPORTED_IN = "sides_reported_in"
    ALL_REPORTED_IN = "all_reported_in"
    ALL_DONE = "all_done"
    ALL_SCORED = "all_scored"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``needs`` names its evidence, ``limit_hours`` runs on the calendar."""

    name: str
    title: str
    title_zh: str
    by: Actor
    needs: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    limit_hours: float | None = None
    repeats: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """A way back: from one step to an earlier one, with a reason."""

    name: str
    title: str
    title_zh: str
    source: str
    target: str
    by: Actor
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """A versioned procedure; a case keeps the version that it began with."""

    name: str
    version: int
    title: str
    title_zh: str
    source: str
    steps: tuple[Step, ...]
    returns: tuple[Return, ...] = ()

    def step(self, name: str) -> Step | None:
        """The step of that name, or None when the procedure has none."""
        return next((step for step in self.steps if step.name == name), None)

    def way_back(self, name: str) -> Return | None:
        """The return of that name, or None when the procedure has none."""
        return next((back for back in self.returns if back.name == name), None)

    def index(self, name: str) -> int:
        """The position of a step."""
        return next(i for i, step in enumerate(self.steps) if step.name == name)

    def after(self, name: str) -> Step | None:
        """The step that follows, or None at the end."""
        i = self.index(name) + 1
        return self.steps[i] if i < len(self.steps) else None

    def limit_at(self, name: str, since: dt.datetime) -> dt.datetime | None:
        """Until when a step that became due at ``since`` must be taken; None without a limit."""
        step = self.step(name)
        if step is None or step.limit_hours is None:
            return None
        return since + dt.timedelta(hours=step.limit_hours)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a case stands: its step, and which sides have taken it.

    ``repeats`` counts how often the procedure's repeating step was taken in all;
    ``refused_by`` keeps the bodies that sent it back as not theirs, in their order.
    """

    step: str
    lead: str
    other: str | None = None
    taken_by: tuple[str, ...] = ()
    repeats: int = 0
    closed: bool = False
    refused_by: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[str, ...]:
        """The body codes of the sides, the lead first."""
        return (self.lead,) if self.other is None else (self.lead, self.other)

    def at(self, step: str) -> Progress:
        """The same case at another step, taken by nobody yet."""
        return replace(self, step=step, taken_by=())

    def to_json(self) -> dict[str, Any]:
        """The form in which a case file keeps it."""
        return {
            "step": self.step,
            "lead": self.lead,
            "other": self.other,
            "taken_by": list(self.taken_by),
            "repeats": self.repeats,
            "closed": self.closed,
            "refused_by": list(self.refused_by),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Progress:
        """The progress that :meth:`to_json` wrote."""
        lists = {name: tuple(kept[name]) for name in ("taken_by", "refused_by")}
        return cls(**{**kept, **lists})
