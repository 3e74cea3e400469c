"""Powers as the interface gives them."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.registry.powers.model import HeldPower, PowerKind, who_may


class HolderAnswer(Answer):
    """The body in whose list a power stands."""

    code: str
    name: str


class ActorAnswer(HolderAnswer):
    """Who may use a power at the street that was asked for."""

    delegated: bool = Field(description="Whether it is the street, by a delegation.")
    conditions: str = Field(description="Under which alone; the holder keeps what lies beyond.")


class DelegationAnswer(Answer):
    """A delegation to a street or town."""

    street: str
    office: str | None = Field(description="The code of the street's office.")
    office_name: str
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer holds.")
    conditions: str
    document: str = Field(description="The decision, with its clause.")


class PowerAnswer(Answer):
    """A power that holds on the day, and who may use it."""

    area: str = Field(description="Where its holder works.")
    code: str
    name: str
    kind: PowerKind
    basis: str = Field(description="The law, with its article.")
    holder: HolderAnswer
    classes: list[str] = Field(description="What it is about: kind and first digits of classes.")
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer holds.")
    who_may: list[ActorAnswer] | None = Field(description="At `street`; null without one.")
    delegations: list[DelegationAnswer] = Field(description="To `street`; without one, to all.")

    @classmethod
    def told(cls, power: HeldPower, *, at_street: bool) -> Self:
        """A power; who may use it where it was asked for at a street."""
        actors = [ActorAnswer.of(one) for one in who_may(power)]
        return cls.of(
            power,
            holder=HolderAnswer(code=power.holder, name=power.holder_name),
            classes=list(power.classes),
            who_may=actors if at_street else None,
            delegations=[DelegationAnswer.of(one) for one in power.delegations],
        )


class PowerPage(Answer):
    """Powers by area and code."""

    day: dt.date
    street: str | None
    powers: list[PowerAnswer]
    next: Next
