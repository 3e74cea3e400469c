"""One appeal of a body after closing: supervision decides, the raw fact stays."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core import repository
from gridsvc.cases.core.engine import SUPERVISION, check_hands
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import Appeal, CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.trace.service import append
from gridsvc.errors import NotAllowed, NotFound, StepRefused

__all__ = ["appeal", "decide"]


def appeal(
    session: Session,
    caller: Caller,
    case_id: uuid.UUID,
    body: str,
    reason: str,
    *,
    now: dt.datetime,
) -> CaseFile:
    """A body appeals against how a closed case counts for it.

    Raises NotFound, NotAllowed, and StepRefused while the case is open, for a body that handed
    nothing in, and for a second appeal.
    """
    case = _locked(session, case_id)
    code = acting_body(session, caller, body)
    if case.state != "closed":
        raise StepRefused("The case is open; an appeal is possible after it is closed.")
    if all(one.body_code != code for one in repository.hand_ins(session, case)):
        raise StepRefused(f"{code} handed nothing in here, so nothing counts for it.")
    known = repository.appeal_of(session, case, code)
    if known is not None:
        raise StepRefused(f"{code} has appealed already, at {known.appealed_at.isoformat()}.")
    session.add(
        Appeal(
            district_code=case.district_code,
            case_id=case.id,
            body_code=code,
            reason=reason,
            appealed_at=now,
            accepted=None,
            decided_at=None,
        )
    )
    _note(session, case, "appeal", code, {"reason": reason}, caller, now)
    return case


def decide(
    session: Session,
    caller: Caller,
    case_id: uuid.UUID,
    body: str,
    *,
    accepted: bool,
    note: str,
    now: dt.datetime,
) -> CaseFile:
    """Supervision decides an appeal, once. Raises NotFound, NotAllowed, StepRefused."""
    case = _locked(session, case_id)
    if not caller.supervises(case.district_code):
        raise NotAllowed(f"Appeals are decided by the supervision of {case.district_code}.")
    check_hands(Progress.from_json(case.progress), "decide", SUPERVISION, caller.subject)
    known = repository.appeal_of(session, case, body)
    if known is None:
        raise NotFound(f"'{body[:40]}' has not appealed in this case.", field="body")
    if known.decided_at is not None:
        raise StepRefused(f"The appeal was decided already, at {known.decided_at.isoformat()}.")
    known.accepted, known.decided_at = accepted, now
    content = {"accepted": accepted, "note": note}
    _note(session, case, "appeal_decided", body, content, caller, now)
    send(
        session,
        case.district_code,
        case.id,
        [body],
        topic="appeal_decided",
        content=content,
        now=now,
    )
    return case


def _locked(session: Session, case_id: uuid.UUID) -> CaseFile:
    case = repository.lock_case(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    return case


def _note(
    session: Session,
    case: CaseFile,
    action: str,
    body: str,
    content: dict[str, object],
    caller: Caller,
    now: dt.datetime,
) -> None:
    append(
        session,
        case.district_code,
        case.id,
        action=action,
        actor=caller.subject,
        content=content,
        at=now,
        now=now,
        body_code=body,
    )
