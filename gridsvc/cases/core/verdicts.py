"""What follows the verdict of a check, where the case does not simply go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.engine import check_met, check_take, record_actor
from gridsvc.cases.core.events import CaseClosed, StepDue, VerdictMerges
from gridsvc.cases.core.rights import body_of
from gridsvc.city.procedures.model import CLOSING, Follows, Step, Verdict

#: How a case ends that is not filed, or void.
_OUTCOMES = {Follows.DO_NOT_FILE: "not_filed", Follows.VOID: "void"}


def follow_verdict(
    act: Act,
    step: Step,
    verdict: Verdict,
    party: str,
    evidence: Mapping[str, Any],
    at: dt.datetime,
    answers: Mapping[str, Any],
) -> None:
    """End a locked case, join it into another, or keep it at its check. Raises what a step raises.

    A case ends so no sooner than it closes: not while a whistle waits for bodies. Rework is the
    way back of the procedure, and the caller's.
    """
    procedure, progress, actor = act.procedure, act.progress, act.caller.subject
    check_take(procedure, progress, step.name, party=party, evidence=evidence, actor=actor)
    if verdict.follows in _OUTCOMES and answers.get("whistled"):
        check_met(step.name, CLOSING, answers.get("met", ()))
    progress = record_actor(progress, party, actor)
    act.resume(early=True)
    content = {**evidence, "follows": verdict.follows.value}
    act.record(step.name, content, at=at, body=body_of(party))
    match verdict.follows:
        case Follows.DO_NOT_FILE | Follows.VOID:
            act.case.outcome = _OUTCOMES[verdict.follows]
            _end(act, progress.step)
            act.keep(replace(progress, closed=True))
            act.case.due_at = None
            act.emit(CaseClosed(act.now))
        case Follows.MERGE:
            act.keep(progress)
            act.emit(VerdictMerges(str(evidence["into"]), str(evidence["reason"])))
        case Follows.HOLD:
            act.keep(progress)
            act.emit(StepDue(step))
        case _:
            raise AssertionError(f"'{verdict.name}' is followed by a step")


def _end(act: Act, step: str) -> None:
    """The end of a case that was never handled is its answer, and no deadline counts any more."""
    case = act.case
    case.answered_at = act.now
    if case.overall_at is not None:
        case.overall_overdue = act.now >= case.overall_at
    told = {"outcome": case.outcome, "step": step}
    act.tell([case.lead_body], "case_ended", told)
