"""A body asks for an extension, command grants or refuses it; each before the limit has passed."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.engine import COMMAND, check_separation_of_duties, side_act_at
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.service import readable_case, refuse_joined
from gridsvc.cases.core.side_acts import check_extension, take_side_act
from gridsvc.cases.systems.extensions.models import ExtensionAsked
from gridsvc.cases.systems.extensions.repository import extensions_of
from gridsvc.cases.systems.extensions.schemas import ExtensionRead
from gridsvc.city import City
from gridsvc.errors import NotAllowed, NotFound, StepRefused


def ask(occasion: Occasion, case_id: uuid.UUID, reason: str) -> Case:
    """The body that leads a case asks command for more time.

    Raises NotFound, NotAllowed, and StepRefused where command could not grant it: at another
    step, after the limit, after the last extension; or while an earlier one waits.
    """
    readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(occasion.session, case_id))
    case = act.case
    refuse_joined(act.session, case)
    lead = acting_body(act.session, act.caller, case.lead_body)
    act.resume()
    rule = side_act_at(act.procedure, act.progress, "extend", COMMAND)
    limit_at = check_extension(act, rule)
    before = extensions_of(act.session, case)
    waiting = (one for one in before if one.granted is None and one.limit_at == limit_at)
    if earlier := next(waiting, None):
        raise StepRefused(
            f"{earlier.body_code} asked at {earlier.asked_at.isoformat()}; command decides first."
        )
    asked = ExtensionAsked(
        district_code=case.district_code,
        case_id=case.id,
        n=len(before) + 1,
        body_code=lead,
        reason=reason,
        asked_at=act.now,
        limit_at=limit_at,
        granted=None,
        decided_at=None,
    )
    act.session.add(asked)
    content = {"n": asked.n, "reason": reason, "limit_at": limit_at.isoformat()}
    act.record("extension_asked", content, body=lead)
    return case


def decide(occasion: Occasion, case_id: uuid.UUID, n: int, *, granted: bool, note: str) -> Case:
    """Command decides, once; granted, the case is extended as by command's own act.

    Raises NotFound, NotAllowed, StepRefused.
    """
    act = occasion.on(lock_case(occasion.session, case_id))
    case, caller = act.case, act.caller
    if not caller.supervises(case.district_code):
        raise NotAllowed(f"Extensions are granted by the command of {case.district_code}.")
    asked = next((one for one in extensions_of(act.session, case) if one.n == n), None)
    if asked is None:
        raise NotFound(f"No extension {n} was asked for in this case.", field="n")
    if asked.decided_at is not None:
        raise StepRefused(f"The extension was already decided at {asked.decided_at.isoformat()}.")
    refuse_joined(act.session, case)
    act.resume()
    if granted:
        take_side_act(act, "extend", COMMAND, {"note": note, "asked": n})
    else:
        check_separation_of_duties(act.progress, "extend", COMMAND, caller.subject)
    asked.granted, asked.decided_at = granted, act.now
    content = {"n": n, "granted": granted, "note": note}
    act.record("extension_decided", content, body=asked.body_code)
    act.tell([asked.body_code], "extension_decided", content)
    return case


def shown_in_case(session: Session, _: City, case: Case) -> dict[str, Any]:
    """The extensions that were asked for in a case."""
    asked = extensions_of(session, case)
    return {"extensions_asked": [ExtensionRead.of(one) for one in asked]}
