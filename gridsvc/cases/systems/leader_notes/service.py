"""A leader writes on a case or visits: a named person, a limit, an answer, and an end."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Act, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import happened_at, readable_case
from gridsvc.cases.systems.leader_notes import repository
from gridsvc.cases.systems.leader_notes.models import LeaderNote
from gridsvc.cases.systems.leader_notes.repository import leader_of
from gridsvc.cases.systems.leader_notes.schemas import LeaderNoteRead
from gridsvc.city import City
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.repository import member_on, members_of_subject
from gridsvc.spatial.ellipsoid import distance_m

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))
_LATEST = dt.timedelta(days=366)
_BATCH = 200


@dataclass(frozen=True, slots=True)
class NoteGiven:
    """What a leader writes, for whom (a code of the register), and by when.

    A visit has a ``place``, longitude and latitude in WGS84 degrees, and perhaps the time ``at``
    which it was.
    """

    kind: str
    words: str
    staff: str
    limit_at: dt.datetime
    place: tuple[float, float] | None
    at: dt.datetime | None


def write(occasion: Occasion, case_id: uuid.UUID, given: NoteGiven) -> Case:
    """Write a note or a visit on a case; the named person's office is told.

    Raises NotFound, BadInput, NotAllowed for a token that leads neither the case's street nor its
    district.
    """
    readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(occasion.session, case_id))
    case = act.case
    _check_leads(act)
    if (given.kind == "visit") != (given.place is not None):
        raise BadInput("A visit has the place where it was, a note has none.", field="lon")
    if given.at is not None and given.place is None:
        raise BadInput("'at' is when a visit was; leave it out of a note.", field="at")
    happened = happened_at(given.at, since=case.opened_at, now=act.now)
    person = _person(act, given.staff)
    at = to_shape(case.point)
    off = None if given.place is None else round(distance_m(at.x, at.y, *given.place), 1)
    note = LeaderNote(
        district_code=case.district_code,
        case_id=case.id,
        n=len(repository.notes_of(act.session, case)) + 1,
        kind=given.kind,
        leader=act.caller.subject,
        words=given.words,
        area_code=case.community_code or case.street_code or case.district_code,
        metres_off=off,
        staff_code=person.code,
        body_code=person.body_code,
        written_at=act.now,
        limit_at=_limit(act, given.limit_at),
        state="written",
        again=0,
    )
    act.session.add(note)
    content: dict[str, Any] = {
        "kind": note.kind,
        "words": note.words,
        "limit_at": note.limit_at.isoformat(),
    }
    content |= {} if off is None else {"metres_off": off, "point": list(given.place or ())}
    _record(act, note, "leader_note", content, at=happened)
    _tell_person(act, note)
    return case


def answer(occasion: Occasion, case_id: uuid.UUID, n: int, *, text: str) -> Case:
    """The named person, or their office for them, says what they will do.

    Raises NotFound, NotAllowed, StepRefused for a second answer.
    """
    act, note = _locked(occasion, case_id, n)
    _check_named(act, note)
    if note.state != "written":
        raise StepRefused(_why_not(note))
    note.state, note.answer, note.answered_at = "answered", text, act.now
    minutes = (act.now - note.written_at).total_seconds() / 60
    _record(act, note, "leader_note_answered", {"text": text, "minutes": round(minutes, 1)})
    act.tell([leader_of(note.district_code)], "leader_note_answered", _told(note))
    return act.case


def done(occasion: Occasion, case_id: uuid.UUID, n: int, *, note: str) -> Case:
    """The named person, or their office, has done it; who has not answered has with it.

    Raises NotFound, NotAllowed, StepRefused.
    """
    act, it = _locked(occasion, case_id, n)
    _check_named(act, it)
    if it.state not in ("written", "answered"):
        raise StepRefused(_why_not(it))
    if it.answered_at is None:
        it.answer, it.answered_at = note, act.now
    it.state, it.result, it.done_at, it.done_by = "done", note, act.now, act.caller.subject
    it.late = act.now > it.limit_at
    _record(act, it, "leader_note_done", {"note": note, "late": it.late})
    act.tell([leader_of(it.district_code)], "leader_note_done", _told(it))
    return act.case


def end(
    occasion: Occasion,
    case_id: uuid.UUID,
    n: int,
    *,
    accepted: bool,
    note: str,
    limit_at: dt.datetime | None,
) -> Case:
    """The leader is satisfied with what was done, or sends it back with another limit.

    Raises NotFound, NotAllowed, StepRefused for whoever did it, BadInput.
    """
    act, it = _locked(occasion, case_id, n)
    _check_follows(act, it)
    if it.state != "done":
        raise StepRefused(_why_not(it))
    if act.caller.subject == it.done_by:
        raise StepRefused("Whoever did what a note asks does not end it; its leader does.")
    if accepted != (limit_at is None):
        raise BadInput(
            "Send 'limit_at' with what is not accepted, and only then.", field="limit_at"
        )
    content: dict[str, Any] = {"accepted": accepted, "note": note}
    if limit_at is None:
        it.state, it.ended_at = "ended", act.now
    else:
        it.limit_at, it.again = _limit(act, limit_at), it.again + 1
        it.state, it.done_at, it.late, it.passed_at = "answered", None, None, None
        content["limit_at"] = it.limit_at.isoformat()
        _tell_person(act, it)
    _record(act, it, "leader_note_ended" if accepted else "leader_note_again", content)
    return act.case


def hand_on(occasion: Occasion, case_id: uuid.UUID, n: int, *, staff: str, reason: str) -> Case:
    """Another person answers from now on; the limit stays. By the leader, or supervision.

    Raises NotFound, NotAllowed, StepRefused, BadInput.
    """
    act, it = _locked(occasion, case_id, n)
    _check_follows(act, it)
    if it.state not in ("written", "answered"):
        raise StepRefused(_why_not(it))
    person = _person(act, staff)
    content = {"from": it.staff_code, "reason": reason}
    it.staff_code, it.body_code = person.code, person.body_code
    _record(act, it, "leader_note_handed_on", content)
    _tell_person(act, it)
    return act.case


def withdraw(occasion: Occasion, case_id: uuid.UUID, n: int, *, reason: str) -> Case:
    """Nobody shall follow a note any more. By its leader, or supervision.

    Raises NotFound, NotAllowed, StepRefused.
    """
    act, it = _locked(occasion, case_id, n)
    _check_follows(act, it)
    if it.state not in ("written", "answered"):
        raise StepRefused(_why_not(it))
    it.state, it.ended_at = "withdrawn", act.now
    _record(act, it, "leader_note_withdrawn", {"reason": reason})
    act.tell([it.body_code], "leader_note_withdrawn", _told(it))
    return act.case


def remind(session: Session, city: City, *, now: dt.datetime) -> int:
    """Tell of notes whose limit has passed, or that nobody answered in time; each once.

    Gives how many. Two that run at once wait for each other's cases.
    """
    occasion, told = Occasion(session, city, _SELF, now), 0
    within = dt.timedelta(minutes=city.settings.leader_answer_minutes)
    for _, case_id, n in repository.unsaid(session, now=now, unanswered=now - within, most=_BATCH):
        act, note = _locked(occasion, case_id, n)
        session.refresh(note)
        if (
            note.state == "written"
            and note.unanswered_at is None
            and note.written_at + within < now
        ):
            note.unanswered_at = now
            told += _remind(act, note, "leader_note_unanswered")
        if note.state in ("written", "answered") and note.passed_at is None and note.limit_at < now:
            note.passed_at = now
            told += _remind(act, note, "leader_note_late")
    return told


def own_staff(occasion: Occasion) -> list[tuple[str, str]]:
    """As whom the caller stands in the register today: district and code of each."""
    day = occasion.city.day(occasion.now)
    found = members_of_subject(occasion.session, occasion.caller.subject, day)
    return [(one.district_code, one.code) for one in found]


def shown_in_case(session: Session, _: City, case: Case) -> dict[str, Any]:
    """The notes on a case."""
    return {"leader_notes": [LeaderNoteRead.of(one) for one in repository.notes_of(session, case)]}


def _locked(occasion: Occasion, case_id: uuid.UUID, n: int) -> tuple[Act, LeaderNote]:
    readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(occasion.session, case_id))
    note = next((one for one in repository.notes_of(act.session, act.case) if one.n == n), None)
    if note is None:
        raise NotFound(f"This case has no leader's note {n}.", field="n")
    occasion.session.refresh(note)
    return act, note


def _check_leads(act: Act) -> None:
    caller, case = act.caller, act.case
    own = caller.role is Role.STREET and caller.covers(case.street_code)
    if not (own or caller.supervises(case.district_code)):
        raise NotAllowed(
            "A leader of the case's street or of its district writes here, with a token of their"
            " own."
        )


def _check_follows(act: Act, note: LeaderNote) -> None:
    own = act.caller.subject == note.leader
    if not (own or act.caller.supervises(note.district_code)):
        raise NotAllowed(f"'{note.leader}' wrote this note, and follows it; so may supervision.")


def _check_named(act: Act, note: LeaderNote) -> None:
    """Let the named person pass, by their own token or by one of their office."""
    person = member_on(act.session, note.district_code, note.staff_code, act.city.day(act.now))
    if person is not None and person.subject == act.caller.subject:
        return
    office = body_or_refuse(act.session, note.body_code, field="n")
    if not act.caller.acts_for(office.code, office.area_code):
        raise NotAllowed(
            f"This note is for {note.staff_code} of {office.name}: use their own token, or their"
            " office's."
        )


def _person(act: Act, code: str) -> StaffMember:
    person = member_on(act.session, act.case.district_code, code, act.city.day(act.now))
    if person is None:
        raise NotFound(
            f"Nobody with the code '{code[:40]}' serves in {act.case.district_code} now.",
            field="staff",
        )
    if person.subject == act.caller.subject:
        raise BadInput("A leader names somebody else, not themselves.", field="staff")
    return person


def _limit(act: Act, given: dt.datetime) -> dt.datetime:
    if given.tzinfo is None:
        raise BadInput("'limit_at' has no time zone; add 'Z' or an offset.", field="limit_at")
    if not act.now < given <= act.now + _LATEST:
        raise BadInput("'limit_at' lies within the next year.", field="limit_at")
    return given.astimezone(dt.UTC)


def _why_not(note: LeaderNote) -> str:
    match note.state:
        case "written":
            return f"{note.staff_code} has not answered this note yet."
        case "answered":
            return f"{note.staff_code} has answered this note and has not done it yet."
        case "done":
            return f"{note.staff_code} has done what this note asks; its leader ends it."
        case "ended":
            return "This note has come to its end."
        case _:
            return "This note was withdrawn."


def _told(note: LeaderNote) -> dict[str, Any]:
    return {
        "n": note.n,
        "kind": note.kind,
        "leader": note.leader,
        "staff": note.staff_code,
        "limit_at": note.limit_at.isoformat(),
    }


def _tell_person(act: Act, note: LeaderNote) -> None:
    act.tell([note.body_code], "leader_note", _told(note))


def _remind(act: Act, note: LeaderNote, what: str) -> int:
    """Tell the office of the named person and the leader; the trace keeps that it was said."""
    told = _told(note)
    act.record(what, {"n": note.n, "staff": note.staff_code}, actor=SERVICE)
    act.tell([note.body_code, leader_of(note.district_code)], what, told)
    return 1


def _record(
    act: Act,
    note: LeaderNote,
    action: str,
    content: Mapping[str, Any],
    *,
    at: dt.datetime | None = None,
) -> None:
    about = {"n": note.n, "staff": note.staff_code}
    act.record(action, {**about, **content}, at=at, body=note.body_code)
