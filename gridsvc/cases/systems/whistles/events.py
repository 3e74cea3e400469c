"""What happens to whistles, as frozen events that other systems hear."""

from __future__ import annotations

from dataclasses import dataclass

from gridsvc.cases.systems.whistles.models import CalledBody, Whistle


@dataclass(frozen=True, slots=True)
class WhistleWithdrawn:
    """An open whistle was taken back by its caller."""

    whistle: Whistle
    reason: str


@dataclass(frozen=True, slots=True)
class BodyAbsent:
    """A called body never came, and its caller scored it 0."""

    whistle: Whistle
    called: CalledBody
