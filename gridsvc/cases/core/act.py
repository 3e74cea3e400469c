"""An act: one caller does something to one case of one city, in one transaction.

Whoever does something to a case does it through an :class:`Act`: it enters steps and limits,
records in the trace, tells bodies, and emits events, which the systems of the city hear.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import REQUEST_ID, Caller
from gridsvc.cases.core.events import Recorded, Told
from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.messages.repository import withdraw
from gridsvc.cases.core.models import Case, StatedTime, TraceEntry
from gridsvc.cases.core.progress import (
    Progress,
    called_courses,
    course_of,
    next_limit,
    present_step,
    started,
)
from gridsvc.cases.core.words import apart
from gridsvc.city import City
from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.course import Course
from gridsvc.city.procedures.model import Actor, Procedure
from gridsvc.db.base import uuid7
from gridsvc.db.chain import chained_hash, plain

#: The actor of what the service does by itself.
SERVICE = "gridsvc"


def procedure_of(city: City, case: Case) -> Procedure:
    """The procedure of a case, in the version that it began with. Raises Unavailable."""
    return city.procedures.get(case.procedure, case.procedure_version)


def grade_of(city: City, case: Case) -> Limit | None:
    """The limit of a case's grade; None for a case without one."""
    grade = None if case.grade is None else city.procedures.grades.get(case.grade)
    return None if grade is None else grade.limit


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who acts, in which city, and when, in one transaction; as yet on no case."""

    session: Session
    city: City
    caller: Caller
    now: dt.datetime

    def on(self, case: Case) -> Act:
        """The act on a case, which the transaction has locked or is about to add."""
        return Act(self.session, self.city, self.caller, self.now, case)

    def emit(self, event: object) -> dict[str, Any]:
        """Let the systems of the city hear an event, in their order; gives their answers."""
        answers: dict[str, Any] = {}
        for system in self.city.systems:
            hear = system.hears.get(type(event))
            if hear is not None:
                answers |= hear(self, event) or {}
        return answers


@dataclass(frozen=True, slots=True)
class Act(Occasion):
    """What is done to one case on an occasion."""

    case: Case

    @property
    def progress(self) -> Progress:
        """Where the case stands."""
        return Progress.from_json(self.case.progress)

    @property
    def procedure(self) -> Procedure:
        """The procedure of the case, in its version. Raises Unavailable."""
        return procedure_of(self.city, self.case)

    @property
    def step_start(self) -> dt.datetime:
        """When the present step became due."""
        return self.case.step_since or self.case.opened_at

    def enter(
        self, procedure: Procedure, progress: Progress, *, since: dt.datetime | None = None
    ) -> None:
        """The case comes to a step, with the full time for it from now on.

        ``since`` is when somebody says that it did. The service's own clock judges: what is told
        late takes no time from whoever has the next step.
        """
        case, begins = self.case, since or self.now
        step = present_step(procedure, progress)
        case.procedure, case.procedure_version = procedure.name, procedure.version
        case.step_since, case.suspended_until = begins, None
        grade, calendar = grade_of(self.city, case), self.city.calendar
        clock = {"since": self.now, "opened_at": case.opened_at}
        progress = started(procedure, progress, **clock, grade=grade, calendar=calendar)
        self.run(course_of(step, **clock, grade=grade))
        self.keep(progress)

    def run(self, course: Course | None) -> None:
        """Let the limit of the present step run so; None: there is none."""
        calendar = self.city.calendar
        self.case.limit_course = None if course is None else course.to_json()
        self.case.limit_at = None if course is None else course.ends(calendar)

    def run_overall(self, course: Course | None) -> None:
        """Let the overall limit of the case run so; None: it has none."""
        calendar = self.city.calendar
        self.case.overall_course = None if course is None else course.to_json()
        self.case.overall_at = None if course is None else course.ends(calendar)

    def lengthen_overall(self, by: dt.timedelta) -> None:
        """Move the overall limit by a time that the case is suspended, or is not after all."""
        course = self.case.overall_course
        if course is not None:
            hours = by / dt.timedelta(hours=1)
            self.run_overall(Course.from_json(course).longer(Limit(hours, Clock.CALENDAR)))

    def keep(self, progress: Progress) -> None:
        """Write the progress of the case; the clock of its step goes on.

        A limit that has passed by now stays the case's deadline.
        """
        case = self.case
        case.progress, case.step = progress.to_json(), progress.step
        case.lead_body = progress.lead
        case.limit_at = next_limit(self.procedure, progress, case.limit_at)
        if progress.closed:
            case.state, case.closed_at, case.suspended_until = "closed", self.now, None
        elif case.due_at is None or self.now < case.due_at:
            case.due_at = case.limit_at
        case.limits_provisional = any(one.provisional(self.city.calendar) for one in self.courses())

    def courses(self) -> list[Course]:
        """How every limit runs that the case itself has now."""
        case, progress, procedure = self.case, self.progress, self.procedure
        if progress.closed:
            return []
        kept = [Course.from_json(one) for one in (case.limit_course, case.overall_course) if one]
        if present_step(procedure, progress).by is not Actor.EACH_CALLED:
            return kept
        grade = grade_of(self.city, case)
        each = called_courses(procedure, progress, opened_at=case.opened_at, grade=grade)
        return kept + [one for one in each if one]

    def state_time(self, entry: TraceEntry, *, whistle_id: uuid.UUID | None = None) -> None:
        """Keep the time that a body stated for an act, if it lies before its message's arrival."""
        if entry.body_code is None or entry.at >= entry.written_at:
            return
        self.session.add(
            StatedTime(
                district_code=entry.district_code,
                case_id=entry.case_id,
                n=entry.n,
                act=entry.action,
                body_code=entry.body_code,
                whistle_id=whistle_id,
                stated_at=entry.at,
                received_at=entry.written_at,
                accepted=None,
                decided_at=None,
            )
        )

    def resume(self, *, early: bool = False) -> None:
        """End a suspension whose day has come, at that day; with ``early`` one that still runs.

        The limit was set when it was suspended, and the body is told by a message that was
        written then: nothing has to run on the day itself.
        """
        until = self.case.suspended_until
        if until is None or (until > self.now and not early):
            return
        self.case.suspended_until = None
        if until > self.now:
            self.withdraw("case_resumed")
            self.lengthen_overall(self.now - until)
        content = {"suspended_until": until.isoformat(), "early": until > self.now}
        self.record("resume", content, at=min(until, self.now), actor=SERVICE)

    def record(
        self,
        action: str,
        content: Mapping[str, Any],
        *,
        at: dt.datetime | None = None,
        body: str | None = None,
        actor: str | None = None,
    ) -> TraceEntry:
        """Add an entry to the trace; ``at`` is when it happened (now), ``body`` for whom.

        The transaction holds the lock on the case, so that numbers follow each other.
        """
        entry = next_entry(
            self.case,
            action=action,
            actor=self.caller.named if actor is None else actor,
            content=dict(content),
            at=at or self.now,
            now=self.now,
            body_code=body,
        )
        self.session.add(entry)
        if self.case.followed:
            self.emit(Recorded(entry))
        return entry

    def tell(
        self,
        bodies: Iterable[str],
        topic: str,
        content: Mapping[str, Any],
        *,
        due_at: dt.datetime | None = None,
    ) -> None:
        """Tell bodies something about the case, each once, now or from ``due_at`` on."""
        due, told = due_at or self.now, tuple(dict.fromkeys(bodies))
        self.session.add_all(self._message(topic, content, due, body_code=body) for body in told)
        if told:
            self.emit(Told(told, topic, content, due))

    def tell_follower(
        self, follow_id: uuid.UUID, webhook_url: str, topic: str, content: Mapping[str, Any]
    ) -> None:
        """Tell somebody who follows a report of the case something, at an address of their own."""
        to = {"follow_id": follow_id, "webhook_url": webhook_url}
        self.session.add(self._message(topic, content, self.now, **to))

    def tell_group(
        self, group_id: uuid.UUID, topic: str, content: Mapping[str, Any], *, due_at: dt.datetime
    ) -> None:
        """Tell a chat group something about the case; it lies in no inbox."""
        self.session.add(self._message(topic, content, due_at, group_id=group_id))

    def _message(
        self, topic: str, content: Mapping[str, Any], due: dt.datetime, **receiver: Any
    ) -> Message:
        return Message(
            district_code=self.case.district_code,
            id=uuid7(),
            written_at=self.now,
            topic=topic,
            case_id=self.case.id,
            content=dict(content),
            state="waiting",
            tries=0,
            due_at=due,
            next_try_at=due,
            last_error=None,
            delivered_at=None,
            request_id=REQUEST_ID.get(),
            **receiver,
        )

    def withdraw(self, topic: str) -> int:
        """Take back the case's messages of a topic that are not due yet; gives their number."""
        case = self.case
        return withdraw(self.session, case.district_code, case.id, topic=topic, now=self.now)


def next_entry(
    case: Case,
    *,
    action: str,
    actor: str,
    content: dict[str, Any],
    at: dt.datetime,
    now: dt.datetime,
    body_code: str | None = None,
) -> TraceEntry:
    """The next entry of a locked case, chained to the one before; the caller adds it.

    ``at`` is when it happened, ``now`` when it is written.
    """
    kept, words = apart(content)
    entry = TraceEntry(
        district_code=case.district_code,
        case_id=case.id,
        n=case.trace_entries + 1,
        written_at=now,
        at=at,
        action=action,
        actor=actor,
        body_code=body_code,
        content=kept,
        previous_hash=case.trace_head,
        hash="",
    )
    if words is not None:
        entry.words = words
    entry.hash = hash_of(entry)
    case.trace_entries, case.trace_head = entry.n, entry.hash
    return entry


def hashed_columns(entry: TraceEntry) -> dict[str, Any]:
    """Every column of an entry but the hash itself and the words, as the hash is taken of them."""
    columns = {
        "district_code": entry.district_code,
        "case_id": str(entry.case_id),
        "n": entry.n,
        "written_at": entry.written_at,
        "at": entry.at,
        "action": entry.action,
        "actor": entry.actor,
        "body_code": entry.body_code,
        "content": entry.content,
        "previous_hash": entry.previous_hash,
    }
    return {name: plain(value) for name, value in columns.items()}


def hash_of(entry: TraceEntry) -> str:
    """The hash of an entry's columns, that of the entry before among them."""
    return chained_hash(hashed_columns(entry))
