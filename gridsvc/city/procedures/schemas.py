"""Procedures as the interface gives them."""

from __future__ import annotations

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.city.calendar import Clock
from gridsvc.city.procedures.model import Actor, Callee, Follows, Requirement, Scored, Seat


class LimitAnswer(Answer):
    """So many hours on a clock; one working day is 8 working hours."""

    hours: float
    clock: Clock


class VerdictAnswer(Answer):
    """What a check may find, and what follows."""

    verdict: str
    title: str
    title_zh: str
    follows: Follows
    needs: list[str] = Field(description="What it must carry besides.")


class StepAnswer(Answer):
    """A step of a procedure."""

    step: str
    title: str
    title_zh: str
    by: Actor
    needs: list[str] = Field(description="The evidence and the seats that it must bring.")
    choices: dict[str, list[str]] = Field(description="The values that some evidence may have.")
    verdict_in: str | None = Field(description="The evidence that is one of the verdicts.")
    verdicts: list[VerdictAnswer]
    scores: Scored | None
    limit: LimitAnswer | None
    graded: bool = Field(description="The grade of the case replaces the limit.")
    requires: list[Requirement]
    calls: list[Callee]
    on_return: bool = Field(description="Only a case that was sent back to it comes to it.")
    blows: bool = Field(description="It makes a whistle of the bodies that it calls.")
    names_who: bool = Field(description="Its 'who' says which called bodies and persons act.")
    hears_all: bool = Field(description="It needs every called body's word, or 'reasons'.")
    optional: bool
    repeats: bool


class ReturnAnswer(Answer):
    """A way back to an earlier step."""

    step: str
    by: Actor
    from_step: str = Field(alias="from")
    to_step: str = Field(alias="to")


class SideActAnswer(Answer):
    """What may be done beside the steps, and at which of them."""

    act: str
    by: Actor
    at: list[str]


class ProcedureAnswer(Answer):
    """A procedure in one version."""

    name: str
    version: int
    title: str
    title_zh: str
    source: str = Field(description="The standard or the rule that it comes from.")
    level: int | None = Field(description="Of its whistle; null without one.")
    after_the_fact_hours: float = Field(
        description="How long afterwards a whistle made by telephone may be recorded."
    )
    opened_by: list[str] = Field(description="Roles of tokens.")
    seats: dict[Actor, Seat]
    steps: list[StepAnswer]
    returns: list[ReturnAnswer]
    acts: list[SideActAnswer]


class ProceduresAnswer(Answer):
    """Procedures by name and version."""

    procedures: list[ProcedureAnswer]
    next: Next
