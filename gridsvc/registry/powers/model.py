"""A power, to whom it is delegated, and who may use it: frozen values and the rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class PowerKind(StrEnum):
    """Penalties (行政处罚), approvals (行政许可), services (公共服务)."""

    PENALTY = "penalty"
    APPROVAL = "approval"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Delegated:
    """A delegation with the street's office, ``office`` None where none is registered."""

    street: str
    office: str | None
    office_name: str
    valid_from: dt.date
    valid_to: dt.date | None
    conditions: str
    document: str


@dataclass(frozen=True, slots=True)
class HeldPower:
    """A power in a list, and the delegations that hold of it: at a street, or at all of them."""

    area: str
    code: str
    name: str
    kind: PowerKind
    basis: str
    holder: str
    holder_name: str
    classes: tuple[str, ...]
    valid_from: dt.date
    valid_to: dt.date | None
    delegations: tuple[Delegated, ...]

    def about(self, kind: str, class_code: str) -> bool:
        """Whether it says itself that it is about a class."""
        found = (one.partition(":") for one in self.classes)
        return any(mine == kind and class_code.startswith(prefix) for mine, _, prefix in found)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who may use a power at a street: its holder, or the street where it is delegated.

    ``conditions`` bind the street; with some the holder still acts in all that lies beyond them.
    """

    code: str
    name: str
    delegated: bool
    conditions: str


def who_may(power: HeldPower) -> Sequence[Actor]:
    """Who may use a power at the street whose delegations it has, the nearest first.

    What is delegated is the street's alone; under conditions the holder keeps the rest.
    """
    streets = [
        Actor(one.office or one.street, one.office_name, True, one.conditions)
        for one in power.delegations
    ]
    whole = any(not one.conditions for one in power.delegations)
    return streets if whole else [*streets, Actor(power.holder, power.holder_name, False, "")]
