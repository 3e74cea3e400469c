"""A case goes to another body, which leads it from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import BodyRefused
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


def follow_refusal(act: Act, refuser: str, named: BodyRef, reason: str) -> None:
    """A refusal sends the case on, unless a system settles it otherwise.

    Where a person dispatches, the case waits for them: they may only send it on or return it.
    """
    answers = act.emit(BodyRefused(refuser, named, reason))
    if not answers.get("settled") and not act.progress.returned:
        send_on(act, named, reason)


def send_on(act: Act, body: BodyRef, reason: str, *, restart: bool = True) -> None:
    """Dispatch a locked case to another body, which leads it from now on.

    With ``restart`` it has the full time of the step; else the clock goes on.
    """
    act.resume(early=True)
    before, progress = act.case.lead_body, replace(act.progress, lead=body.code)
    if restart:
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
