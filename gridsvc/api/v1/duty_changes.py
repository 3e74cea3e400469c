"""Duty lists and agreements are changed: asked about beforehand, then done, with a reason."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.assessment.period import parse_period
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.schemas import DutyWhatIfAnswer
from gridsvc.errors import (
    BadFile,
    BadGeometry,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    UnknownCrs,
)
from gridsvc.registry.bodies import changes
from gridsvc.registry.bodies.changes import Change, Plan, read_changes
from gridsvc.registry.bodies.schemas import AgreementWhole, DutiesChanged
from gridsvc.registry.bodies.view import agreement_shown, duties_changed
from gridsvc.registry.disputes.agreed import change_agreement, end_agreement

router = APIRouter(prefix="/v1", tags=["bodies"])

_WRITING = (NotAuthenticated, NotAllowed, NotFound, BadInput, Conflict, IdempotencyMismatch)
_YEAR = dt.timedelta(days=365)
Reason = Annotated[
    Text,
    Field(min_length=1, max_length=1000, description="Public, so nothing personal; kept for good."),
]


class DutyChangeIn(Sent):
    """A line that is added, ended or changed; what is left out stays as it is."""

    change: Literal["add", "end", "change"]
    id: Text | None = Field(default=None, description="Of the line that ends or is changed.")
    body: Text | None = None
    area: Text | None = None
    standard: Text | None = Field(default=None, description="The city's list when left out.")
    kind: Text | None = Field(default=None, description="part or event.")
    class_prefix: Text | None = None
    role: Text | None = Field(default=None, description="lead or assist.")
    clause: Text | None = Field(default=None, max_length=2000)
    valid_from: Text | None = Field(default=None, description="Its first day; today if left out.")
    valid_to: Text | None = Field(default=None, description="The first day without it.")


class DutyChanges(Sent):
    """Changes as rows, or as the text of a CSV file with the same columns."""

    changes: list[DutyChangeIn] = Field(default_factory=list, max_length=20_000)
    csv: Text | None = Field(default=None, description="Instead of 'changes'.")

    def plan(self, occasion: Occasion) -> Plan:
        """What they do to the lists, from today on. Raises BadInput, BadFile."""
        if (self.csv is None) == (not self.changes):
            raise BadInput("Send either 'changes' or 'csv'.", field="changes")
        rows = [
            Change(n, one.change, one.model_dump(exclude={"change"}, exclude_none=True))
            for n, one in enumerate(self.changes, 1)
        ]
        return changes.plan_changes(
            occasion.session,
            rows if self.csv is None else read_changes(self.csv, "csv"),
            standard=occasion.city.standard,
            today=occasion.city.day(occasion.now),
        )


class DutyWhatIfIn(DutyChanges):
    """Changes, and the reports that shall be routed again by them."""

    area: Text | None = Field(
        default=None,
        pattern="^[0-9]{2,9}$",
        description="A district or street; the token's own area when left out.",
    )
    period: Text | None = Field(
        default=None, description="2026-11, 2026-Q4, 2026 or days; the last year when left out."
    )
    day: dt.date | None = Field(
        default=None, description="Compare the lists as of then; when all of the changes hold."
    )


class DutyChangesIn(DutyChanges):
    """Changes, and why they are made."""

    reason: Reason


@router.post(
    "/duties/what-if",
    response_model=DutyWhatIfAnswer,
    responses=problems(NotAuthenticated, NotAllowed, NotFound, BadInput, BadFile),
)
def post_duty_what_if(
    given: Annotated[DutyWhatIfIn, Body()], atlas: CurrentAtlas, occasion: CurrentOccasion
) -> DutyWhatIfAnswer:
    """Which reports would have gone to another body by a changed duty list; nothing is written."""
    from gridsvc.cases.intake.duty_what_if import Asked, duty_what_if  # pandas

    caller, city = occasion.caller, occasion.city
    area = caller.area if given.area is None else given.area
    if not caller.covers(area):
        raise NotAllowed(
            f"The area of this token is {caller.area}; ask about what lies inside it.",
            field="area",
        )
    since, until = occasion.now - _YEAR, occasion.now
    if given.period is not None:
        period = parse_period(given.period, city.calendar)
        since, until = period.start, period.end
    plan = given.plan(occasion)
    day = given.day or plan.first_day(city.day(occasion.now))
    return duty_what_if(occasion.session, atlas, plan, Asked(area, since, until, day))


@router.post(
    "/duties/changes",
    status_code=201,
    response_model=DutiesChanged,
    responses=problems(*_WRITING, BadFile),
)
def post_duty_changes(
    given: Annotated[DutyChangesIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Add, end and change lines of the duty lists: all of them, or none and a list of the bad."""

    def write() -> DutiesChanged:
        plan = given.plan(occasion)
        changes.check_covers(occasion.caller, plan)
        changed = changes.carry_out(
            occasion.session,
            plan,
            who=occasion.caller.subject,
            role=occasion.caller.role.value,
            reason=given.reason,
            now=occasion.now,
        )
        return duties_changed(occasion.session, changed)

    return once(occasion, key, ["duty changes", given], write, status=201)


class AgreementEndIn(Sent):
    """When an agreement ends, and why."""

    reason: Reason
    valid_to: dt.date | None = Field(
        default=None, description="The first day on which it no longer holds; today if left out."
    )


class AgreementChangeIn(Sent):
    """What of an agreement is changed, from when on, and why; what is left out stays."""

    reason: Reason
    valid_from: dt.date | None = Field(
        default=None, description="The first day as changed; today if left out."
    )
    valid_to: dt.date | None = None
    title: Text | None = None
    zone: JsonObject | None = Field(default=None, description="GeoJSON, a (Multi)Polygon.")
    crs: Text | None = Field(default=None, description="Of the zone; wgs84 if left out.")
    duties: list[JsonObject] | None = Field(
        default=None, description="All of its lines: {body, kind, class, role, standard}."
    )


@router.post(
    "/agreements/{agreement_id}/end",
    response_model=AgreementWhole,
    responses=problems(*_WRITING),
)
def post_agreement_end(
    agreement_id: uuid.UUID,
    given: Annotated[AgreementEndIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """End an agreement, for somebody who speaks for all districts of its zone."""

    def write() -> AgreementWhole:
        end_agreement(
            occasion.session,
            occasion.city,
            occasion.caller,
            agreement_id,
            on=given.valid_to,
            reason=given.reason,
            now=occasion.now,
        )
        return agreement_shown(occasion.session, agreement_id)

    return once(occasion, key, ["end agreement", str(agreement_id), given], write)


@router.patch(
    "/agreements/{agreement_id}",
    response_model=AgreementWhole,
    responses=problems(*_WRITING, BadGeometry, UnknownCrs),
)
def patch_agreement(
    agreement_id: uuid.UUID,
    given: Annotated[AgreementChangeIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Change an agreement: it ends, and the changed one begins with an id of its own."""

    def write() -> AgreementWhole:
        named: dict[str, Any] = given.model_dump(mode="json", exclude={"reason"}, exclude_none=True)
        changed = change_agreement(
            occasion.session,
            occasion.city,
            occasion.caller,
            agreement_id,
            named,
            reason=given.reason,
            now=occasion.now,
        )
        return agreement_shown(occasion.session, changed)

    return once(occasion, key, ["change agreement", str(agreement_id), given], write)
