"""A case goes to another body, which leads it from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gridsvc.cases.core.act import SERVICE, Act
from gridsvc.cases.core.events import BodyRefused
from gridsvc.cases.core.progress import present_step, skip_system
from gridsvc.errors import StepRefused
from gridsvc.registry.bodies.repository import BodyRef
from gridsvc.registry.bodies.service import body_or_refuse


def responsible_now(act: Act, refuser: str, evidence: Mapping[str, Any]) -> BodyRef:
    """The body that a refusal names. Raises NotFound for none of ours, StepRefused for itself."""
    field = "evidence.responsible_now"
    named = body_or_refuse(act.session, str(evidence["responsible_now"]), field=field)
    if named.code == refuser:
        raise StepRefused(f"{refuser} cannot name itself as responsible.", field=field)
    return named


def follow_refusal(act: Act, refuser: str, named: BodyRef, evidence: Mapping[str, Any]) -> None:
    """A refusal sends the case on, unless a system settles it otherwise.

    Where a person dispatches, or the refusal is without ground, the case waits for command, which
    may only send it on or return it.
    """
    reason, clause = str(evidence["note"]), evidence.get("clause")
    answers = act.emit(BodyRefused(refuser, named, reason, None if clause is None else str(clause)))
    if answers.get("settled"):
        return
    if why := answers.get("to_command"):
        act.record("to_command", {"named": named.code, "why": why}, actor=SERVICE)
    elif not act.progress.returned or present_step(act.procedure, act.progress).on_return:
        send_on(act, named, reason)


def send_on(act: Act, body: BodyRef, reason: str, *, restart: bool = True) -> None:
    """Dispatch a locked case to another body, which leads it from now on.

    With ``restart`` it has the full time of the step; else the clock goes on. What waited for
    command waits no longer, and what was decided about another body is void.
    """
    act.resume(early=True)
    before, progress = act.case.lead_body, replace(act.progress, lead=body.code, ruled=False)
    if present_step(act.procedure, progress).on_return:
        progress = skip_system(act.procedure, replace(progress, returned=False))
    if restart or progress.step != act.progress.step:
        act.enter(act.procedure, progress)
    else:
        act.keep(progress)
    content = {"from": before, "to": body.code, "reason": reason}
    act.record("send_on", content, body=body.code)
    tell_new_lead(act, body, content)


def tell_new_lead(act: Act, body: BodyRef, content: Mapping[str, Any]) -> None:
    """Tell the body that leads a case from now on; its district then shares in it."""
    if body.district not in (None, act.case.district_code):
        act.case.participant_district = body.district
    act.tell([body.code], "case_sent_on", content)
