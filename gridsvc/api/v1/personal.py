"""What is personal in a report: the contact for those who call back, and a reporter's own data."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.answers import Answer
from gridsvc.api.dependencies import CurrentOccasion, CurrentService, ReportingOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.intake import personal
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.systems.callbacks.repository import callbacks_of
from gridsvc.cases.systems.callbacks.schemas import CallbackAnswer
from gridsvc.errors import StepRefused, Unavailable

router = APIRouter(prefix="/v1/reports", tags=["personal data"])

_PROBLEMS = (*TOKEN_PROBLEMS, Unavailable)
_Secret = Annotated[
    Text | None,
    Field(max_length=100, description="The secret given with the receipt; instead of a token."),
]
_Reason = Annotated[Text, Field(min_length=3, max_length=1000)]


class ContactAsked(Sent):
    """Why a contact is read; kept for good, with who read it."""

    reason: _Reason


class ContactAnswer(Answer):
    """Whom to call back."""

    receipt: str
    name: str | None = None
    phone: str | None = None


class OwnAsked(Sent):
    """Who asks for their own data, where they have no token."""

    secret: _Secret = None


class Given(Answer):
    """The place as it was given."""

    x: float | None
    y: float | None
    crs: str | None


class Moved(Answer):
    """A move of the pin."""

    at: dt.datetime
    reason: str


class OwnAnswer(Answer):
    """Everything that is kept about whoever filed a report."""

    receipt: str
    created_at: dt.datetime
    channel: str
    description: str
    place_text: str | None
    contact: dict[str, str] | None
    filed_by: str | None = Field(description="The subject of the token that filed it.")
    given: Given
    point: dict[str, Any]
    footprint: dict[str, Any] | None
    moved: list[Moved]
    callbacks: list[CallbackAnswer]
    erased_at: dt.datetime | None


class ErasureAsked(Sent):
    """What to erase and why."""

    what: Literal["contact", "all"] = Field(
        default="all", description="'all' once the case is closed; the contact at any time."
    )
    reason: _Reason
    secret: _Secret = None


class ErasureAnswer(Answer):
    """What was erased; the trace holds its hash and stays whole."""

    receipt: str
    what: Literal["contact", "all"]


@router.post("/{name}/contact", responses=problems(*_PROBLEMS))
def read_contact(
    name: str,
    given: Annotated[ContactAsked, Body()],
    service: CurrentService,
    occasion: CurrentOccasion,
) -> ContactAnswer:
    """Read a reporter's contact to call them back; the reading is kept with its reason."""
    report = find_report(occasion.session, name)
    keys = service.reporter_keys.keys
    contact = personal.read_contact(occasion, report, keys, reason=given.reason)
    return ContactAnswer(receipt=report.receipt, **contact)


@router.post("/{name}/own", responses=problems(*_PROBLEMS))
def own_data(
    name: str,
    given: Annotated[OwnAsked, Body()],
    service: CurrentService,
    occasion: ReportingOccasion,
) -> OwnAnswer:
    """Everything that is kept about whoever filed a report, for them; that it was read is kept."""
    report = find_report(occasion.session, name)
    personal.check_own(occasion.caller, report, given.secret)
    personal.keep_reading(occasion, report)
    return own_answer(occasion.session, report, service.reporter_keys.keys)


@router.post("/{name}/erase", responses=problems(*_PROBLEMS, StepRefused))
def erase(
    name: str, given: Annotated[ErasureAsked, Body()], occasion: ReportingOccasion
) -> ErasureAnswer:
    """Erase what is personal in a report for good; its place, its class and its case stay."""
    report = find_report(occasion.session, name)
    personal.check_own(occasion.caller, report, given.secret)
    erased = personal.erase if given.what == "all" else personal.erase_contact
    erased(occasion, report, reason=given.reason)
    return ErasureAnswer(receipt=report.receipt, what=given.what)


def own_answer(session: Session, report: Report, keys: tuple[bytes, ...]) -> OwnAnswer:
    """A reporter's own data."""
    said = [CallbackAnswer.of(one) for one in callbacks_of(session, report)]
    return OwnAnswer(**personal.own_data(session, report, keys), callbacks=said)
