"""What inboxes are told is said in their groups, and orders are given to groups by hand.

A message names the class, the street, the step and the limit: nothing of persons, and no words of
anybody. Whoever may answer sees the rest in the service.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Act, Occasion, procedure_of
from gridsvc.cases.core.events import Told
from gridsvc.cases.core.messages.repository import withdraw_of_group
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.service import is_readable, readable_case, refuse_joined
from gridsvc.cases.systems.groups import repository
from gridsvc.cases.systems.groups.models import GroupThread
from gridsvc.cases.systems.groups.words import GROUP_ORDER, GROUP_WORDS, GroupKind
from gridsvc.city import City
from gridsvc.errors import GridsvcError, StepRefused
from gridsvc.registry.areas.lookup import find_area
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.groups import service as groups
from gridsvc.registry.groups.models import ChatGroup
from gridsvc.registry.groups.repository import are_heard, groups_of


def say_in_groups(act: Act, event: Told) -> None:
    """Say in the groups of some inboxes what these were told, where the city's table has words."""
    kinds, own = act.city.table(GROUP_WORDS).kinds, f"{event.topic}@{act.case.procedure}"
    said_of = own if own in kinds else event.topic
    kind = kinds.get(said_of)
    if kind is None or not are_heard(act.session, event.inboxes):
        return
    with act.session.no_autoflush:
        found = groups_of(act.session, event.inboxes, kind)
    for group in found:
        _say(act, group, event.topic, kind, event.content, event.due_at, said_of=said_of)


def order(occasion: Occasion, case_id: uuid.UUID, body: str, note: str | None) -> list[ChatGroup]:
    """Order a body of a case, in its groups, to handle it now; gives the groups that were told.

    The note stays in the trace: groups are not for words about persons. Raises NotFound,
    NotAllowed, and StepRefused for a body that has no part in the case, none of whose groups hears
    orders, or which was told the very same last.
    """
    session = occasion.session
    readable_case(session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(session, case_id))
    case = act.case
    refuse_joined(session, case)
    if not act.caller.supervises(case.district_code):
        acting_body(session, act.caller, body)
    if case.state == "closed":
        raise StepRefused(f"The case was closed; {body} has nothing to do in it.")
    if not takes_part(session, occasion.city, case, body):
        raise StepRefused(f"{body} has no part in this case; call it first.", field="body")
    found = groups_of(session, [body], GroupKind.ORDER)
    if not found:
        raise StepRefused(f"{body} has no group that hears orders.", field="body")
    told = [one for one in found if _say(act, one, GROUP_ORDER, GroupKind.ORDER, {}, act.now)]
    if not told:
        raise StepRefused(f"The groups of {body} were told the very same last; nothing is new.")
    content = {"groups": [str(one.id) for one in told], **({"note": note} if note else {})}
    act.record(GROUP_ORDER, content, body=body)
    return told


def end_group(occasion: Occasion, inbox: str, group_id: uuid.UUID) -> ChatGroup:
    """Tell a group no more, not even what waits for it. Raises NotFound, NotAllowed."""
    group = groups.end_group(occasion.session, occasion.caller, inbox, group_id, now=occasion.now)
    withdraw_of_group(occasion.session, group.id)
    return group


def takes_part(session: Session, city: City, case: Case, body: str) -> bool:
    """Whether a body leads a case, was called into it, or sits in it by a system."""
    # A holder of no area sees only what its body takes part in.
    holder = Caller(body, Role.DEPARTMENT, "-", body, uuid.UUID(int=0))
    return is_readable(session, city, holder, case)


def _say(
    act: Act,
    group: ChatGroup,
    topic: str,
    kind: GroupKind,
    content: Mapping[str, Any],
    due_at: dt.datetime,
    *,
    said_of: str = GROUP_ORDER,
) -> bool:
    """Add a message to the case's thread in a group, unless the last one said the very same."""
    session, case = act.session, act.case
    session.flush()
    said = _what(act, group.language, said_of, content)
    digest = hashlib.sha256("\n".join((kind, *said)).encode()).hexdigest()
    thread = repository.thread_of(session, group.id, case)
    if thread is None:
        thread = GroupThread(
            group_id=group.id,
            district_code=case.district_code,
            case_id=case.id,
            first_at=due_at,
            said=0,
            answers=0,
            last_hash="",
        )
        session.add(thread)
        session.flush()
    elif thread.last_hash == digest:
        return False
    thread.said, thread.last_hash = thread.said + 1, digest
    text = "\n".join((_head(act, group.language, thread, kind), *said))
    told = {"number": thread.number, "n": thread.said, "kind": kind.value, "text": text}
    act.tell_group(group.id, topic, told, due_at=due_at)
    return True


def _head(act: Act, language: str, thread: GroupThread, kind: GroupKind) -> str:
    """The first line: what it is, its number, and from the second message on when it began."""
    sentences, case = act.city.table(GROUP_WORDS).sentences[language], act.case
    name = names_of(act.session, case.standard, case.kind).get(case.class_code, case.class_code)
    blanks = {
        "kind": sentences[f"kind.{kind}"],
        "number": thread.number,
        "n": thread.said,
        "first": moment_in(act.city, thread.first_at),
        "class": name,
        "area": area_name(act.session, case, act.now),
    }
    return sentences["first" if thread.said == 1 else "later"].format_map(blanks)


def _what(act: Act, language: str, topic: str, content: Mapping[str, Any]) -> list[str]:
    """What is asked for, at which step, until when."""
    sentences, case = act.city.table(GROUP_WORDS).sentences[language], act.case
    lines = [sentences[topic]]
    step = procedure_of(act.city, case).step(case.step)
    if step is not None and case.state == "open":
        title = step.title_zh if language == "zh" else step.title
        lines.append(sentences["step"].format(step=title))
    told = content.get("limit_at")
    limit = dt.datetime.fromisoformat(told) if isinstance(told, str) else case.limit_at
    if limit is not None and case.state == "open":
        lines.append(sentences["limit"].format(limit=moment_in(act.city, limit)))
    return lines


def moment_in(city: City, at: dt.datetime) -> str:
    """A time as the clocks of the city show it."""
    return f"{city.calendar.local(at):%Y-%m-%d %H:%M}"


def area_name(session: Session, case: Case, now: dt.datetime) -> str:
    """The name of a case's street, else of its district; its code where no edition names it."""
    code = case.street_code or case.district_code
    try:
        return find_area(session, code, now).name or code
    except GridsvcError:
        return code
