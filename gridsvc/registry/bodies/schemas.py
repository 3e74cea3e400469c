"""Bodies, duties and agreements as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Geometry, Next

BodyKind = Literal["street", "department", "company", "city_unit", "community"]
DutyKind = Literal["part", "event"]
DutyRole = Literal["lead", "assist"]


class BodyAnswer(Answer):
    """Whoever can be made responsible."""

    code: str
    name: str
    kind: BodyKind
    area_code: str = Field(description="Where it works; 1101 is a whole city.")
    telephone: str | None = Field(description="Of the office.")
    source: str


class BodyPage(Answer):
    """Bodies in the order of their codes."""

    bodies: list[BodyAnswer]
    next: Next


class DutyAnswer(Answer):
    """A line of a duty list: which body answers for a class in an area."""

    id: uuid.UUID
    body: str
    name: str = Field(description="Of the body.")
    area: str = Field(description="With every area whose code begins so.")
    standard: str
    kind: DutyKind
    class_prefix: str = Field(description="With every class whose code begins so; empty for all.")
    role: DutyRole
    clause: str
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer holds.")
    replaces: uuid.UUID | None = Field(description="The line that it took the place of.")
    reason: str | None = Field(description="Why it began; null for an imported one.")
    end_reason: str | None = Field(description="Why it ends.")


class DutyPage(Answer):
    """Lines of the duty lists in the order in which they were entered."""

    duties: list[DutyAnswer]
    next: Next


class DutiesChanged(Answer):
    """The lines that were ended or begun, as they are now."""

    duties: list[DutyAnswer]


class DutyHistory(Answer):
    """A line, with those that came before it and after it, in their order."""

    duty: DutyAnswer
    history: list[DutyAnswer]


class AgreedDuty(Answer):
    """Who is responsible for a class of things on agreed ground."""

    body: str
    standard: str
    kind: DutyKind
    class_prefix: str = Field(alias="class", description="Of the code of a class.")
    role: DutyRole


class AgreementRead(Answer):
    """An agreement without its zone."""

    id: uuid.UUID
    title: str
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer holds.")
    duties: list[AgreedDuty]
    replaces: uuid.UUID | None = Field(description="The agreement that it took the place of.")
    reason: str | None = Field(description="Why it took that place; null for the first.")
    end_reason: str | None = Field(description="Why it ends.")


class AgreementPage(Answer):
    """Agreements in the order in which they were signed."""

    agreements: list[AgreementRead]
    next: Next


class AgreementWhole(Answer):
    """An agreement, its zone, and those that came before it and after it, in their order."""

    agreement: AgreementRead
    zone: Geometry
    history: list[AgreementRead]
