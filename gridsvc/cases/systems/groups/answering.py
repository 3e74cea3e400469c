"""A link from a group's message is opened, and the case answered by it for the group's body.

The link alone gives no more than that: what the group was told, and the steps that its body may
take with a note. Nothing that a reporter wrote, no place, no photo, no other body's part.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion, procedure_of
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.evidence_needs import needs_of
from gridsvc.cases.core.messages.groups import GroupLink
from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import case_by_id, lock_case
from gridsvc.cases.core.service import StepGiven, refuse_joined, take_step
from gridsvc.cases.systems.groups import repository
from gridsvc.cases.systems.groups.service import area_name, takes_part
from gridsvc.city import City
from gridsvc.errors import NotAllowed, StepRefused
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.groups.models import ChatGroup
from gridsvc.registry.groups.repository import group_by_id

#: So many answers without a step a thread takes: its link may be in strange hands.
MOST_ANSWERS = 50


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link shows: the case for the group's body, and what was said in the group.

    ``steps`` (name, Chinese, English) are those that the body may take now with a note.
    """

    group: ChatGroup
    case: Case
    body_name: str
    class_name: str
    area: str
    stage: tuple[str, str]
    steps: Sequence[tuple[str, str, str]]
    messages: Sequence[Message]
    answers_left: int
    expires_at: dt.datetime


def open_link(session: Session, city: City, link: GroupLink, *, now: dt.datetime) -> Opened:
    """What a link shows. Raises NotAllowed once its group or its body's part has ended."""
    group = group_by_id(session, link.group_id)
    case = case_by_id(session, link.case_id)
    thread = (
        None if group is None or case is None else repository.thread_of(session, group.id, case)
    )
    if group is None or case is None or thread is None or group.ended_at is not None:
        raise NotAllowed("The group of this link is told nothing any more.")
    if not _may_answer(session, city, group, case):
        raise NotAllowed(f"{group.inbox} has no part in this case any more.")
    body = bodies_by_code(session, [group.inbox]).get(group.inbox)
    step = procedure_of(city, case).step(case.step)
    closed = case.state == "closed" or step is None
    return Opened(
        group=group,
        case=case,
        body_name=group.inbox if body is None else body.name,
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        area=area_name(session, case, now),
        stage=("已结案", "Closed") if closed or step is None else (step.title_zh, step.title),
        steps=() if case.state == "closed" else _steps(city, case, group.inbox),
        messages=repository.said_in(session, group.id, case),
        answers_left=0 if case.state == "closed" else MOST_ANSWERS - thread.answers,
        expires_at=link.expires_at,
    )


def answer(
    session: Session, city: City, link: GroupLink, *, step: str, note: str, now: dt.datetime
) -> None:
    """Take a step for the group's body with a note; or with none, let the note be its answer.

    Raises NotAllowed as :func:`open_link`, StepRefused for a step that is not open to it.
    """
    shown = open_link(session, city, link, now=now)
    group = shown.group
    if step:
        if step not in [name for name, _, _ in shown.steps]:
            raise StepRefused(
                f"'{step[:40]}' is not open to {group.inbox} by this link; the page lists what is.",
                field="step",
            )
        given = StepGiven(step, group.inbox, note, {}, None)
        take_step(Occasion(session, city, _holder(session, group, link), now), shown.case.id, given)
        return
    act = Occasion(session, city, _holder(session, group, link), now).on(
        lock_case(session, shown.case.id)
    )
    refuse_joined(session, act.case)
    thread = repository.thread_of(session, group.id, act.case)
    if act.case.state == "closed" or thread is None or thread.answers >= MOST_ANSWERS:
        raise StepRefused(
            "The case takes no more answers by this link; sign in as the body to go on."
        )
    thread.answers += 1
    told = {"group": str(group.id), "number": thread.number}
    act.record("group_answered", {**told, "note": note}, body=shown.group.inbox)
    act.tell(
        dict.fromkeys([act.case.lead_body, act.case.district_code]),
        "group_answered",
        {**told, "body": group.inbox},
    )


def _steps(city: City, case: Case, body: str) -> list[tuple[str, str, str]]:
    """The steps and returns that a body may take now and that need no more than a note."""
    progress = Progress.from_json(case.progress)
    return [
        (step.name, step.title_zh, step.title)
        for step in open_steps(procedure_of(city, case), progress)
        if body in parties(progress, step.by)
        and body not in progress.taken_by
        and set(needs_of(step, progress)) <= {"note"}
    ]


def _may_answer(session: Session, city: City, group: ChatGroup, case: Case) -> bool:
    """A body while it has a part in the case; a district's inbox for the cases of its own."""
    if group.inbox[:6] in (case.district_code, case.participant_district) and (
        group.inbox.removesuffix("-leader") == group.inbox[:6]
    ):
        return True
    return takes_part(session, city, case, group.inbox)


def _holder(session: Session, group: ChatGroup, link: GroupLink) -> Caller:
    """Whoever opened the link: nobody by name, for the group's body and nothing else."""
    body = bodies_by_code(session, [group.inbox]).get(group.inbox)
    area = "-" if body is None else body.area_code
    token = uuid.uuid5(group.id, str(link.case_id))
    return Caller(f"group:{group.name}", Role.DEPARTMENT, area, group.inbox, token)
