"""Opens cases by the procedure that a rule or a person chooses; seats bodies and tells them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.engine import REPORTER, SUPERVISION, begin
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.stepping import enter
from gridsvc.cases.core.summons import take_system_steps, tell_next
from gridsvc.cases.core.trace.service import BEGINNING, append
from gridsvc.cases.systems.whistles.step_whistles import (
    OpeningWhistle,
    caller_of,
    limit_by_called,
    made_at,
)
from gridsvc.city.classes import ClassKey
from gridsvc.city.current import current
from gridsvc.city.procedures.model import SEATS, Actor, Procedure, Seat
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.registry.bodies.model import Responsibility
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.bodies.service import body_or_refuse, keep_gap
from gridsvc.settings import Settings

__all__ = ["Opening", "chosen", "open_case", "take_seats"]


@dataclass(frozen=True, slots=True)
class Opening:
    """How a case begins: its procedure and grade, the bodies named for its seats, its whistle."""

    running: Procedure
    grade: str
    named: Mapping[str, str] = field(default_factory=dict)
    whistle: OpeningWhistle | None = None


def chosen(
    caller: Caller, channel: str, key: ClassKey, *, name: str | None, named: Mapping[str, str]
) -> Opening:
    """The procedure that is named, else the one of the rule for the channel and class.

    Raises BadInput for an unknown one or seats that it does not have, NotAllowed when the
    caller's role may not open it.
    """
    rule = current().procedures.rule_for(channel, key)
    running = current().procedures.newest(name or rule.procedure)
    if caller.role.value not in running.opened_by:
        allowed = ", ".join(sorted(running.opened_by)) or "the service alone"
        raise NotAllowed(
            f"A token of role {caller.role.value} may not open '{running.name}'"
            f" ({running.title_zh}); that is for {allowed}."
        )
    open_seats = {role.value for role, seat in running.seats.items() if seat is Seat.NAMED}
    for role in named:
        if role not in open_seats:
            raise BadInput(
                f"'{running.name}' has no seat '{role[:40]}' that is named at the opening;"
                f" it has {', '.join(sorted(open_seats)) or 'none'}.",
                field=f"seats.{role[:40]}",
            )
    if missing := sorted(open_seats - set(named)):
        raise BadInput(
            f"'{running.name}' needs the body that is its {missing[0]}.",
            field=f"seats.{missing[0]}",
        )
    return Opening(running, rule.grade, named)


def open_case(
    session: Session,
    settings: Settings,
    *,
    district_code: str,
    street: str | None,
    community: str | None,
    key: ClassKey,
    opening: Opening,
    responsibility: Responsibility,
    lon: float,
    lat: float,
    part_code: str | None,
    caller: Caller,
    now: dt.datetime,
) -> CaseFile:
    """A new case at the first step that somebody must take; the system's own are done.

    ``street`` and ``community`` are the area codes of the place. Where nobody is listed for the
    class, the gap is kept. A case whose whistle was made by telephone began then, not now.
    Raises BadInput for a whistle that cannot be, and for a body that would call itself.
    """
    running = opening.running
    at = made_at(running, opening.whistle, now)
    progress = begin(running, lead=responsibility.lead.code)
    progress = replace(
        progress,
        reporter=str(caller.token_id),
        assistants=tuple(body.code for body in responsibility.assist),
    )
    progress = _with_territory(session, running, progress, responsibility, community)
    for role, code in opening.named.items():
        body = body_or_refuse(session, code, field=f"seats.{role}")
        progress = progress.seated(Actor(role), body.code)
    progress = take_seats(running, progress)
    case = CaseFile(
        district_code=district_code,
        id=uuid7(),
        procedure=running.name,
        procedure_version=running.version,
        step=progress.step,
        progress=progress.to_json(),
        state="open",
        standard=key.standard,
        kind=key.kind,
        class_code=key.code,
        lead_body=progress.lead,
        participant_district=None,
        part_code=part_code,
        point=from_shape(Point(lon, lat), srid=4326),
        trace_entries=0,
        trace_head=BEGINNING,
        limit_at=None,
        opened_at=at,
        closed_at=None,
        grade=opening.grade,
        street_code=street,
        community_code=community,
        inspector=caller.subject if caller.role is Role.GRID_WORKER else None,
    )
    enter(case, running, progress, since=at)
    session.add(case)
    _note_opening(session, case, running, progress, responsibility, (lon, lat), caller, now)
    called = take_system_steps(
        session,
        settings,
        case,
        running,
        progress,
        None,
        opening=opening.whistle,
        at=at,
        now=now,
    )
    if called != progress:
        _check_not_itself(running, called, caller)
        enter(case, running, called, since=at)
        limit_by_called(session, case, running)
    if responsibility.gap:
        territory = responsibility.lead.code
        keep_gap(session, district_code, territory, key, case_id=case.id, now=now)
    return case


def _check_not_itself(running: Procedure, progress: Progress, caller: Caller) -> None:
    """Refuse a whistle that whoever blows and closes it would have to answer himself."""
    if running.level is None or caller_of(running, progress) != REPORTER:
        return
    own = caller.area if caller.role is Role.STREET else caller.body
    if own in progress.called_bodies:
        raise BadInput(
            f"This whistle calls {own}, for which you act: no community is registered here, or it"
            " is you. Whistle one level up.",
            field="procedure",
        )


def _with_territory(
    session: Session,
    running: Procedure,
    progress: Progress,
    responsibility: Responsibility,
    community: str | None,
) -> Progress:
    """Seat the street office, and the community's body, for which the street stands in."""
    territory = responsibility.territory.code if responsibility.territory else progress.lead
    progress = progress.seated(Actor.TERRITORY, territory)
    if Seat.COMMUNITY not in running.seats.values():
        return progress
    known = bodies_by_code(session, [community]) if community else {}
    return progress.seated(Actor.COMMUNITY, community if community in known else territory)


def take_seats(running: Procedure, progress: Progress) -> Progress:
    """The lead and the other seats as the procedure says who takes them.

    Where the office of the street stands in for a community that would whistle it, supervision
    closes: nobody calls himself.
    """
    territory = progress.seat(Actor.TERRITORY) or progress.lead
    community = progress.seat(Actor.COMMUNITY) or territory
    for role, seat in running.seats.items():
        match seat:
            case Seat.RESPONSIBLE:
                body = progress.lead
            case Seat.TERRITORY:
                body = territory
            case Seat.COMMUNITY:
                body = community
            case Seat.NAMED:
                body = progress.seat(role) or progress.lead
        if role in SEATS:
            progress = progress.seated(role, body)
    if running.seats.get(Actor.CALLER) is Seat.COMMUNITY and community == territory:
        progress = progress.seated(Actor.CALLER, SUPERVISION)
    match running.seats[Actor.LEAD]:
        case Seat.TERRITORY:
            return replace(progress, lead=territory)
        case Seat.COMMUNITY:
            return replace(progress, lead=community)
        case Seat.NAMED:
            return replace(progress, lead=progress.seat(Actor.LEAD) or progress.lead)
        case Seat.RESPONSIBLE:
            return progress


def _note_opening(
    session: Session,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    responsibility: Responsibility,
    point: tuple[float, float],
    caller: Caller,
    now: dt.datetime,
) -> None:
    dispatch = running.step("dispatch")
    by_itself = dispatch is not None and dispatch.by is Actor.SYSTEM
    append(
        session,
        case.district_code,
        case.id,
        action="dispatch" if by_itself else "open",
        actor=caller.subject,
        content={
            "to": progress.lead,
            "responsibility": responsibility.to_json(),
            "procedure": running.name,
            "version": running.version,
            "grade": case.grade,
        },
        at=case.opened_at,
        now=now,
        body_code=progress.lead,
    )
    if not by_itself:
        tell_next(session, case, running, progress, but=(), now=now)
        return
    key = ClassKey(case.standard, case.kind, case.class_code)
    told = dict.fromkeys([progress.lead, *progress.assistants])
    send(
        session,
        case.district_code,
        case.id,
        told,
        topic="case_opened",
        content={"lead": progress.lead, "class": key.to_json(), "point": list(point)},
        now=now,
    )
