"""One appeal of a body after closing: supervision decides, the raw fact stays."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.engine import SUPERVISION, check_separation_of_duties
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case, submissions
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.systems.appeals import repository
from gridsvc.cases.systems.appeals.models import Appeal
from gridsvc.cases.systems.appeals.schemas import AppealRead
from gridsvc.city import City
from gridsvc.errors import NotAllowed, NotFound, StepRefused


def appeal(occasion: Occasion, case_id: uuid.UUID, body: str, reason: str) -> Case:
    """A body appeals against how a closed case counts for it.

    Raises NotFound, NotAllowed, and StepRefused while the case is open, for a body that
    submitted nothing, and for a second appeal.
    """
    session = occasion.session
    readable_case(session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(session, case_id))
    case = act.case
    code = acting_body(session, occasion.caller, body)
    if case.state != "closed":
        raise StepRefused("The case is open; an appeal is possible once it is closed.")
    if all(one.body_code != code for one in submissions(session, case)):
        raise StepRefused(f"{code} submitted nothing here, so nothing counts against it.")
    known = repository.appeal_of(session, case, code)
    if known is not None:
        raise StepRefused(f"{code} already appealed at {known.appealed_at.isoformat()}.")
    session.add(
        Appeal(
            district_code=case.district_code,
            case_id=case.id,
            body_code=code,
            reason=reason,
            appealed_at=occasion.now,
            accepted=None,
            decided_at=None,
        )
    )
    act.record("appeal", {"reason": reason}, body=code)
    return case


def decide(occasion: Occasion, case_id: uuid.UUID, body: str, *, accepted: bool, note: str) -> Case:
    """Supervision decides an appeal, once. Raises NotFound, NotAllowed, StepRefused."""
    act = occasion.on(lock_case(occasion.session, case_id))
    case, caller = act.case, act.caller
    if not caller.supervises(case.district_code):
        raise NotAllowed(f"Appeals are decided by the supervision of {case.district_code}.")
    check_separation_of_duties(act.progress, "decide", SUPERVISION, caller.subject)
    known = repository.appeal_of(act.session, case, body)
    if known is None:
        raise NotFound(f"'{body[:40]}' has not appealed in this case.", field="body")
    if known.decided_at is not None:
        raise StepRefused(f"The appeal was already decided at {known.decided_at.isoformat()}.")
    known.accepted, known.decided_at = accepted, act.now
    content = {"accepted": accepted, "note": note}
    act.record("appeal_decided", content, body=body)
    act.tell([body], "appeal_decided", content)
    return case


def shown_in_case(session: Session, _: City, case: Case) -> dict[str, Any]:
    """The appeals of a case."""
    return {"appeals": [AppealRead.of(one) for one in repository.appeals_of(session, case)]}
