"""A whistle, its case and a called body, kept for a transaction, and what is recorded of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import check_separation_of_duties, record_actor
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.errors import NotFound, StepRefused

#: The acts of called bodies that are judged by their time.
STATED = ("accept", "arrive", "report_in", "done")


def locked_whistle(session: Session, whistle_id: uuid.UUID) -> tuple[Whistle, Case]:
    """A whistle and its case, kept for this transaction. Raises NotFound."""
    found = repository.whistle_by_id(session, whistle_id)
    if found is None:
        raise NotFound(f"There is no whistle {whistle_id}.")
    case = lock_case(session, found.case_id)
    session.refresh(found)
    return found, case


def keep_side(act: Act, name: str, party: str) -> None:
    """Remember on which side of supervision the caller acts. Raises NotAllowed for the other."""
    progress, actor = act.progress, act.caller.subject
    check_separation_of_duties(progress, name, party, actor)
    after = record_actor(progress, party, actor)
    if after != progress:
        act.case.progress = after.to_json()


def locked_body(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    states: Collection[str] = ("open",),
) -> tuple[Act, Whistle, CalledBody]:
    """A called body that takes part, its whistle in one of the states, and the act on its case.

    Raises NotFound, StepRefused.
    """
    whistle, case = locked_whistle(occasion.session, whistle_id)
    if whistle.state not in states:
        raise StepRefused(f"The whistle is {whistle.state}; nothing can be recorded in it.")
    for called in repository.called_bodies(occasion.session, [whistle.id]):
        if called.body_code == body:
            if called.exit is not None:
                raise StepRefused(f"{body} takes part no longer: {called.exit}.")
            return occasion.on(case), whistle, called
    raise NotFound(f"The whistle {whistle_id} did not call '{body}'.", field="body")


def record_of_body(
    act: Act,
    action: str,
    called: CalledBody,
    content: Mapping[str, Any],
    *,
    at: dt.datetime,
    by: str | None = None,
) -> None:
    """Enter what a called body did, or what ``by``, its caller, did to it, in the trace.

    It is handling like a step: raises NotAllowed for one on the other side of supervision.
    """
    keep_side(act, action, by or called.body_code)
    kept = {"whistle_id": str(called.whistle_id), **content}
    entry = act.record(action, kept, at=at, body=called.body_code)
    if action in STATED:
        act.state_time(entry, whistle_id=called.whistle_id)
