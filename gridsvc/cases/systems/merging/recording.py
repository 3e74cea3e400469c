"""What the trace of a case keeps, and its bodies are told, when reports came or went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.trace.service import append

__all__ = ["note"]

#: Messages that are called otherwise than their entry in the trace.
_TOPICS = {"joined_into": "case_joined_into"}


def note(
    session: Session,
    case: CaseFile,
    action: str,
    other: CaseFile,
    told: Mapping[str, Any],
    caller: Caller,
    now: dt.datetime,
    *,
    bodies: Collection[str] = (),
) -> None:
    """Note in a locked case what was done with it and another one, and tell its bodies.

    ``bodies`` are told, the lead where none are named, and who leads the other case.
    """
    content = {"case_id": str(other.id), "district_code": other.district_code, **told}
    append(
        session,
        case.district_code,
        case.id,
        action=action,
        actor=caller.subject,
        content=content,
        at=now,
        now=now,
    )
    send(
        session,
        case.district_code,
        case.id,
        bodies or [case.lead_body],
        topic=_TOPICS.get(action, action),
        content={**content, "lead": other.lead_body},
        now=now,
    )
