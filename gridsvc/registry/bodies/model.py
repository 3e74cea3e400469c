"""Who answers for a place: the frozen value that routing hands on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["BodyRef", "Ground", "Responsibility"]


class Ground(StrEnum):
    """Why a body answers, in the order in which the grounds are asked."""

    ASSET_OWNER = "asset_owner"
    AGREEMENT = "agreement"
    DUTY = "duty"
    TERRITORY = "territory"


@dataclass(frozen=True, slots=True)
class BodyRef:
    """A body's code, its name, and the area in which it works."""

    code: str
    name: str
    kind: str
    area_code: str

    @property
    def district(self) -> str | None:
        """The district in which it works; None for a body of the whole city."""
        return self.area_code[:6] if len(self.area_code) >= 6 else None

    def to_json(self) -> dict[str, Any]:
        """``{code, name, kind}``."""
        return {"code": self.code, "name": self.name, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Responsibility:
    """The body that answers, those that assist, and the ground with its clause.

    ``gap`` is true when no list names anybody, so that the territory coordinates (属地兜底).
    ``territory`` is the street office of the place.
    """

    lead: BodyRef
    assist: tuple[BodyRef, ...]
    ground: Ground
    clause: str
    territory: BodyRef | None
    gap: bool

    def to_json(self) -> dict[str, Any]:
        """The ``responsibility`` of an answer."""
        return {
            "lead": self.lead.to_json(),
            "assist": [body.to_json() for body in self.assist],
            "ground": self.ground.value,
            "clause": self.clause,
            "territory": self.territory and self.territory.to_json(),
            "gap": self.gap,
        }
