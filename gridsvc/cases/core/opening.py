"""Opens cases by the procedure that a rule or a person chooses; seats bodies and tells them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Act, Occasion, grade_of
from gridsvc.cases.core.engine import REPORTER, SUPERVISION, parties
from gridsvc.cases.core.events import CaseOpened
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress, begin, overall_course
from gridsvc.cases.core.summons import (
    ServiceSteps,
    follow_service_steps,
    service_steps,
    tell_next,
)
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.city.procedures.model import SEATS, Actor, Procedure, Seat
from gridsvc.db.base import uuid7
from gridsvc.db.chain import BEGINNING
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.registry.bodies.repository import Responsibility, bodies_by_code
from gridsvc.registry.bodies.service import body_or_refuse, keep_gap
from gridsvc.registry.contact_points.service import court_of

_CLOCK_SKEW = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case is: a WGS84 point, the area codes there, the part that it is about.

    ``key`` is the form of the address by which it is compared, None where none was given.
    """

    lon: float
    lat: float
    district: str
    street: str | None
    community: str | None
    part_code: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """How a case begins: its procedure and grade, the bodies named for its seats.

    ``whistle`` is what is said of the whistle with which it begins, ``made_at`` when that was
    made by telephone; None: now. ``told`` is what the bodies that it calls at once are told.
    """

    procedure: Procedure
    grade: str
    named: Mapping[str, str] = field(default_factory=dict)
    whistle: Any = None
    made_at: dt.datetime | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


def opening_by_rule(city: City, channel: str, key: ClassKey) -> Opening:
    """How a case of a channel and a class begins, whoever has it opened."""
    rule = city.procedures.rule_for(channel, key)
    return Opening(city.procedures.newest(rule.procedure), city.procedures.grade_for(channel, key))


def choose_opening(
    city: City,
    caller: Caller,
    channel: str,
    key: ClassKey,
    *,
    name: str | None,
    named: Mapping[str, str],
) -> Opening:
    """The procedure that is named, else the one of the rule for the channel and class.

    Raises BadInput for an unknown one or seats that it does not have, NotAllowed when the
    caller's role may not open it.
    """
    rule = city.procedures.rule_for(channel, key)
    by_rule = rule.begins(citizen=caller.role is Role.CITIZEN)
    procedure = city.procedures.newest(name or by_rule)
    if caller.role.value not in procedure.opened_by:
        allowed = ", ".join(sorted(procedure.opened_by)) or "the service alone"
        raise NotAllowed(
            f"A token of role {caller.role.value} may not open '{procedure.name}'"
            f" ({procedure.title_zh}); that is for {allowed}."
        )
    open_seats = {role.value for role, seat in procedure.seats.items() if seat is Seat.NAMED}
    for role in named:
        if role not in open_seats:
            raise BadInput(
                f"'{procedure.name}' has no seat '{role[:40]}' that is named at the opening;"
                f" it has {', '.join(sorted(open_seats)) or 'none'}.",
                field=f"seats.{role[:40]}",
            )
    if missing := sorted(open_seats - set(named)):
        raise BadInput(
            f"'{procedure.name}' needs the body that is its {missing[0]}.",
            field=f"seats.{missing[0]}",
        )
    return Opening(procedure, city.procedures.grade_for(channel, key), named)


def open_case(
    occasion: Occasion,
    place: Place,
    key: ClassKey,
    opening: Opening,
    responsibility: Responsibility,
) -> Case:
    """A new case at the first step that somebody must take; the service's own are done.

    Where nobody is listed for the class, the gap is kept. A case whose whistle was made by
    telephone began then, but its limits run from now: whoever writes it down loses nothing.

    Raises BadInput for a whistle that cannot be, and for a body that would call itself.
    """
    procedure, caller = opening.procedure, occasion.caller
    began_at = _began_at(opening, occasion.now)
    progress = replace(
        begin(procedure, lead=_lead(occasion, procedure, place, responsibility)),
        reporter=str(caller.token_id),
        assistants=tuple(body.code for body in responsibility.assist),
    )
    progress = _with_territory(
        occasion.session, procedure, progress, responsibility, place.community
    )
    for role, code in opening.named.items():
        body = body_or_refuse(occasion.session, code, field=f"seats.{role}")
        progress = progress.seated(Actor(role), body.code)
    progress = take_seats(procedure, progress)
    case = Case(
        district_code=place.district,
        id=uuid7(),
        procedure=procedure.name,
        procedure_version=procedure.version,
        step=progress.step,
        progress=progress.to_json(),
        state="open",
        standard=key.standard,
        kind=key.kind,
        class_code=key.code,
        lead_body=progress.lead,
        participant_district=None,
        part_code=place.part_code,
        point=from_shape(Point(place.lon, place.lat), srid=4326),
        trace_entries=0,
        trace_head=BEGINNING,
        limit_at=None,
        opened_at=began_at,
        closed_at=None,
        grade=opening.grade,
        street_code=place.street,
        community_code=place.community,
        inspector=caller.subject if caller.role is Role.GRID_WORKER else None,
        place_key=place.key,
        place_learnt=False,
    )
    act, after = occasion.on(case), progress
    steps: ServiceSteps = ()
    if procedure.summoning_steps(None, progress.step):
        after, steps = service_steps(act, procedure, progress, None, at=began_at)
        _check_not_itself(procedure, after, caller)
    act.run_overall(overall_course(procedure, since=act.now, grade=grade_of(act.city, case)))
    act.enter(procedure, after, since=began_at)
    occasion.session.add(case)
    _record_opening(act, procedure, progress, responsibility)
    if steps:
        follow_service_steps(act, steps, opening=opening.whistle, told=opening.told, at=began_at)
    act.emit(CaseOpened(responsibility))
    if responsibility.gap:
        keep_gap(
            occasion.session,
            place.district,
            responsibility.lead.code,
            key,
            case_id=case.id,
            now=occasion.now,
        )
    return case


def _lead(
    occasion: Occasion, procedure: Procedure, place: Place, responsibility: Responsibility
) -> str:
    """Who answers: whoever the register names for the class, or the court of the place's judge.

    Raises BadInput where a judge should answer and the place has none.
    """
    if procedure.seats[Actor.LEAD] is not Seat.CONTACT_POINT:
        return responsibility.lead.code
    return court_of(occasion.session, place.community, occasion.city.day(occasion.now))


def _began_at(opening: Opening, now: dt.datetime) -> dt.datetime:
    """When a case began: now, or when its whistle was made by telephone.

    Raises BadInput for a procedure whose whistles are not recorded afterwards, a time in the
    future, and one that is too long ago.
    """
    if opening.whistle is None:
        return now
    procedure, made_at, field = opening.procedure, opening.made_at, "whistle.made_at"
    if procedure.blows is None or procedure.blows.by is not Actor.SYSTEM:
        where = "" if procedure.blows is None else f"; it is blown in '{procedure.blows.name}'"
        raise BadInput(f"'{procedure.name}' does not begin with a whistle{where}.", field="whistle")
    if made_at is None:
        return now
    if made_at.tzinfo is None:
        raise BadInput("'made_at' has no time zone; add 'Z' or an offset.", field=field)
    longest = dt.timedelta(hours=procedure.after_the_fact_hours)
    if not longest:
        raise BadInput(f"'{procedure.name}' cannot be recorded after the fact.", field=field)
    if made_at > now + _CLOCK_SKEW:
        raise BadInput(
            f"'made_at' is {made_at.isoformat()}, which lies in the future.", field=field
        )
    if made_at < now - longest:
        raise BadInput(
            f"'made_at' is {made_at.isoformat()}; a whistle must be recorded within"
            f" {procedure.after_the_fact_hours:g} hours.",
            field=field,
        )
    return min(made_at, now).astimezone(dt.UTC)


def _check_not_itself(procedure: Procedure, progress: Progress, caller: Caller) -> None:
    """Refuse a whistle that whoever blows and closes it would have to answer themselves."""
    if procedure.level is None or parties(progress, procedure.steps[-1].by)[0] != REPORTER:
        return
    own = caller.area if caller.role is Role.STREET else caller.body
    if own in progress.called_bodies:
        raise BadInput(
            f"This whistle calls {own}, the body that you act for: no community is registered"
            " here, or it is yours. Whistle one level up.",
            field="procedure",
        )


def _with_territory(
    session: Session,
    procedure: Procedure,
    progress: Progress,
    responsibility: Responsibility,
    community: str | None,
) -> Progress:
    """Seat the street office, and the community's body, for which the street stands in."""
    territory = responsibility.territory.code if responsibility.territory else progress.lead
    progress = progress.seated(Actor.TERRITORY, territory)
    if Seat.COMMUNITY not in procedure.seats.values():
        return progress
    known = bodies_by_code(session, [community]) if community else {}
    return progress.seated(Actor.COMMUNITY, community if community in known else territory)


def take_seats(procedure: Procedure, progress: Progress) -> Progress:
    """The lead and the other seats as the procedure says who takes them.

    Where the office of the street stands in for a community that would whistle it, supervision
    closes: nobody calls themselves.
    """
    territory = progress.seat(Actor.TERRITORY) or progress.lead
    community = progress.seat(Actor.COMMUNITY) or territory
    for role, seat in procedure.seats.items():
        match seat:
            case Seat.RESPONSIBLE | Seat.CONTACT_POINT:
                body = progress.lead
            case Seat.TERRITORY:
                body = territory
            case Seat.COMMUNITY:
                body = community
            case Seat.NAMED:
                body = progress.seat(role) or progress.lead
        if role in SEATS:
            progress = progress.seated(role, body)
    if procedure.seats.get(Actor.CALLER) is Seat.COMMUNITY and community == territory:
        progress = progress.seated(Actor.CALLER, SUPERVISION)
    match procedure.seats[Actor.LEAD]:
        case Seat.TERRITORY:
            return replace(progress, lead=territory)
        case Seat.COMMUNITY:
            return replace(progress, lead=community)
        case Seat.NAMED:
            return replace(progress, lead=progress.seat(Actor.LEAD) or progress.lead)
        case Seat.RESPONSIBLE | Seat.CONTACT_POINT:
            return progress


def _record_opening(
    act: Act, procedure: Procedure, progress: Progress, responsibility: Responsibility
) -> None:
    case = act.case
    dispatch = procedure.step("dispatch")
    by_itself = dispatch is not None and dispatch.by is Actor.SYSTEM
    content = {
        "to": progress.lead,
        "responsibility": responsibility.to_json(),
        "procedure": procedure.name,
        "version": procedure.version,
        "grade": case.grade,
    }
    action = "dispatch" if by_itself else "open"
    act.record(action, content, at=case.opened_at, body=progress.lead)
    if not by_itself:
        tell_next(act, procedure, progress, but=None)
        return
    point = to_shape(case.point)
    key = ClassKey(case.standard, case.kind, case.class_code)
    told = {"lead": progress.lead, "class": asdict(key), "point": [point.x, point.y]}
    act.tell([progress.lead, *progress.assistants], "case_opened", told)
