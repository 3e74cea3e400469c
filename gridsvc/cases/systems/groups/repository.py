"""The queries of threads."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.groups.models import GroupThread


def thread_of(session: Session, group_id: uuid.UUID, case: Case) -> GroupThread | None:
    """What was said of a case in a group."""
    return session.get(GroupThread, (group_id, case.district_code, case.id))


def said_in(session: Session, group_id: uuid.UUID, case: Case) -> Sequence[Message]:
    """The messages of a case to a group that are not withdrawn, the first first."""
    query = select(Message).where(
        Message.district_code == case.district_code,
        Message.case_id == case.id,
        Message.group_id == group_id,
        Message.state != "withdrawn",
    )
    return session.scalars(query.order_by(Message.due_at, Message.id)).all()
