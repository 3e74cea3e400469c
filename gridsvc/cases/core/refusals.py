"""What follows when a body says that it is not responsible: sent on, or both sides called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.side_acts import resume_if_due
from gridsvc.cases.core.stepping import enter, running_of
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.joint.blowing import blow_joint
from gridsvc.cases.systems.joint.grounds import JointGround
from gridsvc.city.procedures.model import Procedure
from gridsvc.errors import StepRefused
from gridsvc.registry.bodies.model import BodyRef
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.settings import Settings

__all__ = ["follow_refusal", "responsible_now", "send_on", "tell_new_lead"]


def responsible_now(session: Session, refuser: str, evidence: Mapping[str, Any]) -> BodyRef:
    """The body that a refusal names. Raises NotFound for none of ours, StepRefused for itself."""
    field = "evidence.responsible_now"
    named = body_or_refuse(session, str(evidence["responsible_now"]), field=field)
    if named.code == refuser:
        raise StepRefused(f"{refuser} cannot name itself as responsible.", field=field)
    return named


def follow_refusal(
    session: Session,
    settings: Settings,
    case: CaseFile,
    running: Procedure,
    refuser: str,
    named: BodyRef,
    reason: str,
    *,
    actor: str,
    now: dt.datetime,
) -> None:
    """A refusal sends the case on; when the one it names has refused too, both are called.

    Of the two, the one that received the case first leads (首接负责). Where a person dispatches,
    the case waits for him: he may only send it on or return it.
    """
    progress = Progress.from_json(case.progress)
    if named.code not in progress.refused_by or not running.merges:
        if not progress.returned:
            send_on(session, case, named, reason=reason, actor=actor, now=now)
        return
    received_first = sorted((named.code, refuser), key=progress.refused_by.index)
    lead, rival = (body_or_refuse(session, code, field="body") for code in received_first)
    blow_joint(
        session,
        case,
        ground=JointGround.REFUSAL,
        lead=lead,
        other=rival,
        facts={
            "refused_by": list(progress.refused_by),
            "explanation": f"{refuser} and {named.code} each say that the place is the other's.",
        },
        actor="gridsvc",
        now=now,
        ask_first=settings.joint_whistle_asks,
    )


def send_on(
    session: Session,
    case: CaseFile,
    body: BodyRef,
    *,
    reason: str,
    actor: str,
    now: dt.datetime,
) -> None:
    """Dispatch a locked case to another body, which leads it from now on, with its full time."""
    resume_if_due(session, case, now=now, early=True)
    before = case.lead_body
    progress = replace(Progress.from_json(case.progress), lead=body.code)
    enter(case, running_of(case), progress, since=now)
    content = {"from": before, "to": body.code, "reason": reason}
    append(
        session,
        case.district_code,
        case.id,
        action="send_on",
        actor=actor,
        content=content,
        at=now,
        now=now,
        body_code=body.code,
    )
    tell_new_lead(session, case, body, content, now=now)


def tell_new_lead(
    session: Session, case: CaseFile, body: BodyRef, content: dict[str, Any], *, now: dt.datetime
) -> None:
    """Tell the body that leads a case from now on; its district then shares in it."""
    if body.district not in (None, case.district_code):
        case.participant_district = body.district
    send(
        session,
        case.district_code,
        case.id,
        [body.code],
        topic="case_sent_on",
        content=content,
        now=now,
    )
