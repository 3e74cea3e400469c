"""Calls citizens back after closing: reached or not, solved or not, how satisfied, valid or not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import SUPERVISION, check_separation_of_duties
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import happened_at
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.personal import ERASED, ReportErased
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.cases.systems.callbacks.repository import callbacks_of, erase_reasons
from gridsvc.cases.systems.callbacks.schemas import Satisfied
from gridsvc.city.weights import WEIGHTS, Reading
from gridsvc.errors import BadInput, NotAllowed, StepRefused

#: What the trace keeps of a callback.
_SAID = ("n", "reading", "contacted", "unit_contacted", "solved", "satisfied", "valid", "reason")


@dataclass(frozen=True, slots=True)
class CallbackGiven:
    """A callback as somebody sends it."""

    contacted: bool
    unit_contacted: bool | None
    solved: bool | None
    satisfied: Satisfied | None
    valid: bool
    reason: str | None
    at: dt.datetime | None


def call_back(occasion: Occasion, report: Report, given: CallbackGiven) -> Callback:
    """Keep what a citizen said about a report, after its case was closed.

    Supervision calls back (a token of role district, city or admin; the hotline 12345 has one of
    its own), and nobody who handled the case. The newest callback of a report stands, and counts
    if it is valid; one that takes the place of an answer needs its reason.

    Raises NotAllowed, BadInput for a verdict that is not whole, StepRefused before the closing.
    """
    session, caller = occasion.session, occasion.caller
    if not (caller.supervises(report.district_code) or caller.supervises(report.case_district)):
        raise NotAllowed(
            f"Callbacks are for the supervision of {report.district_code}: a token of role"
            " district, city or admin that covers it, such as the hotline's own."
        )
    _check_whole(given)
    act = occasion.on(lock_case(session, report.case_id))
    case = act.case
    session.refresh(report)
    if report.case_id != case.id:
        raise StepRefused(f"The report was just given to case {report.case_id}; try again.")
    check_separation_of_duties(act.progress, "callback", SUPERVISION, caller.subject)
    if case.closed_at is None:
        raise StepRefused(
            f"The case is at '{case.step}'; citizens are called back once it is closed."
        )
    reading = _reading(act, given)
    before = callbacks_of(session, report)
    if before and before[-1].contacted and before[-1].valid and not given.reason:
        raise StepRefused(
            f"The citizen answered at {before[-1].at.isoformat()}; a callback that replaces that"
            " answer needs a 'reason'.",
            field="reason",
        )
    kept = Callback(
        district_code=report.district_code,
        report_id=report.id,
        n=len(before) + 1,
        case_district=report.case_district,
        case_id=report.case_id,
        reading=reading,
        contacted=given.contacted,
        unit_contacted=given.unit_contacted,
        solved=given.solved,
        satisfied=given.satisfied and given.satisfied.value,
        valid=given.valid,
        reason=given.reason,
        given_by=caller.subject,
        at=happened_at(given.at, since=case.closed_at, now=act.now, event="the case was closed"),
        written_at=act.now,
    )
    session.add(kept)
    content = {
        "report_id": str(report.id),
        "district_code": report.district_code,
        **{name: getattr(kept, name) for name in _SAID},
    }
    act.record("callback", content, at=kept.at)
    return kept


def listed_callbacks(session: Session, caller: Caller, report: Report) -> list[Callback]:
    """Every callback about a report, the last one stands. Raises NotAllowed."""
    if not (caller.supervises(report.district_code) or caller.supervises(report.case_district)):
        raise NotAllowed("Callbacks may be read only by the supervision of the report's district.")
    return callbacks_of(session, report)


def erase_said(act: Act, event: ReportErased) -> None:
    """Erase why callbacks were not valid, or were repeated; their verdicts count on."""
    erase_reasons(act.session, event.report, ERASED)


def _reading(act: Act, given: CallbackGiven) -> Reading:
    """By which reading of response a callback can be counted. Raises BadInput.

    The city's of the case's deadline, by which its rates are counted, says what must be asked.
    """
    case, scheme = act.case, act.city.settings.weights_scheme
    day = act.city.day(case.due_at or act.now)
    ((_, reading),) = act.city.table(WEIGHTS).readings(scheme, day, day)
    if given.unit_contacted is not None:
        return Reading.UNIT
    if given.contacted and reading is Reading.UNIT:
        raise BadInput(
            "'unit_contacted' is missing: whether the responsible unit contacted the citizen, as"
            " the citizen says. Never contacted, but solved, is an answer.",
            field="unit_contacted",
        )
    return reading


def _check_whole(given: CallbackGiven) -> None:
    """A citizen who was reached says what became of it; one who was not, nothing.

    Raises BadInput.
    """
    said = {
        "unit_contacted": given.unit_contacted,
        "solved": given.solved,
        "satisfied": given.satisfied,
    }
    for name, value in said.items():
        if not given.contacted and value is not None:
            raise BadInput(
                f"A citizen who was not reached cannot have answered '{name}'; leave it out.",
                field=name,
            )
        if given.contacted and value is None and name != "unit_contacted":
            raise BadInput(f"'{name}' is missing; it is what the citizen says.", field=name)
    if not given.valid and not given.reason:
        raise BadInput("A callback that is not valid needs a 'reason'.", field="reason")
