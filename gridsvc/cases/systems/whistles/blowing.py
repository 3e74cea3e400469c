"""Blows whistles of the three levels: bodies called, each with its limits; and raises them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2.shape import to_shape

from gridsvc.cases.core.act import Act
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.attendance import attended
from gridsvc.cases.systems.whistles.demand import Demand
from gridsvc.cases.systems.whistles.kinds import (
    KINDS,
    Dates,
    Limits,
    WhistleGround,
    WhistleKind,
)
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.powers import powers_asked_for
from gridsvc.city.calendar import Limit
from gridsvc.city.course import Course
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput
from gridsvc.registry.bodies.repository import bodies_by_code


@dataclass(frozen=True, slots=True)
class NewWhistle:
    """A whistle that is about to be blown.

    ``caller`` is the party that scores and closes; ``facts`` say for what each body is called;
    ``longest`` is the level's own limit. ``made_at`` is when it was blown, ``recorded`` whether
    that was by telephone, before now: its limits run from now all the same, so that whoever
    writes it down loses nothing. ``given_in`` is where the input names its fields.
    """

    level: int
    kind: WhistleKind
    ground: WhistleGround
    caller: str
    bodies: Sequence[str]
    demand: Demand
    agreed: Mapping[str, str]
    facts: Mapping[str, Any]
    longest: Limit | None
    follows: uuid.UUID | None
    made_at: dt.datetime
    recorded: bool = False
    given_in: str = "evidence."


def blow(act: Act, new: NewWhistle, *, actor: str | None = None) -> Whistle:
    """Blow a whistle in a locked case and tell its bodies.

    Raises BadInput when the caller calls itself or a body of another district, or the demand gives
    more time than its kind, StepRefused when the caller has itself the power that it asks for, or
    nobody can come and the demand does not say why the body is called all the same.
    """
    if new.caller in new.bodies:
        raise BadInput(f"{new.caller} cannot whistle itself.", field=f"{new.given_in}bodies")
    _check_district(act, new)
    powers = powers_asked_for(
        act,
        caller=new.caller,
        bodies=new.bodies,
        demand=new.demand,
        kind=new.kind,
        at=new.made_at,
        field=f"{new.given_in}demand",
    )
    coming = attended(
        act,
        caller=new.caller,
        bodies=new.bodies,
        demand=new.demand,
        at=new.made_at,
        field=f"{new.given_in}demand",
    )
    more = {"powers": powers, "can_come": coming}
    new = replace(new, facts={**new.facts, **{key: it for key, it in more.items() if it}})
    case, limits = act.case, _limits(act, new)
    dates = limits.by(act.city.calendar)
    whistle = Whistle(
        district_code=case.district_code,
        id=uuid7(),
        case_id=case.id,
        kind=new.kind.value,
        joint=False,
        level=new.level,
        follows_id=new.follows,
        ground=new.ground.value,
        facts=dict(new.facts),
        demand={**new.demand.to_json(), **new.agreed},
        caller_body=new.caller,
        participant_district=None,
        point=case.point,
        footprint=repository.reported_footprint(act.session, case),
        state="open",
        blown_at=new.made_at,
        recorded_at=act.now if new.recorded else None,
        closed_at=None,
        limit_courses=limits.to_json(),
    )
    act.session.add(whistle)
    act.session.flush()
    for body in new.bodies:
        act.session.add(
            CalledBody(
                district_code=whistle.district_code,
                whistle_id=whistle.id,
                body_code=body,
                called_from=new.caller,
                role="called",
                task=new.demand.task_of(body),
                told_at=new.made_at if new.recorded else act.now,
                accept_by=dates.accept_by,
                report_in_by=dates.report_in_by,
                done_by=dates.done_by,
                provisional=dates.provisional,
            )
        )
    _tell(act, whistle, new, dates, actor)
    return whistle


def _check_district(act: Act, new: NewWhistle) -> None:
    """A whistle stays inside the district of its caller, and calls units of the city (level 3).

    Across a border there is the joint whistle.
    """
    known = bodies_by_code(act.session, [new.caller, *new.bodies])
    caller = known.get(new.caller)
    district = act.case.district_code if caller is None else caller.district
    for code in new.bodies:
        if known[code].district not in (None, district):
            raise BadInput(
                f"{known[code].name} ({code}) works for {known[code].area_code}, and a whistle"
                f" stays inside {district}; across a border blow a joint one.",
                field=f"{new.given_in}bodies",
            )


def letter_of(whistle_id: uuid.UUID) -> str:
    """Where the demand letter of a whistle is read."""
    return f"/v1/whistles/{whistle_id}/letter"


def _limits(act: Act, new: NewWhistle) -> Limits:
    """The limits of the kind, the level's own where that is shorter, the demand's within both."""
    city, meeting, wanted = act.city, new.demand.time, new.demand.done_by
    limits = city.table(KINDS)[new.kind].limits(
        act.now, meeting=meeting, report_in_minutes=city.settings.report_in_minutes
    )
    if new.longest is not None:
        since = max(act.now, meeting or act.now)
        limits = replace(limits, done=(*limits.done, Course(since, (new.longest,))))
    if wanted is None:
        return limits
    dates = limits.by(city.calendar)
    if not dates.report_in_by <= wanted <= dates.done_by:
        raise BadInput(
            f"The demand's limit is {wanted.isoformat()}; it must lie between the report-in"
            f" ({dates.report_in_by.isoformat()}) and the limit of the whistle's kind and"
            f" level ({dates.done_by.isoformat()}).",
            field=f"{new.given_in}demand.done_by",
        )
    return replace(limits, done=(Course(wanted, ()),))


def _tell(act: Act, whistle: Whistle, new: NewWhistle, dates: Dates, actor: str | None) -> None:
    content = {
        "whistle_id": str(whistle.id),
        "level": new.level,
        "kind": new.kind.value,
        "ground": new.ground.value,
        "by": new.caller,
        "demand": whistle.demand,
        "follows": new.follows and str(new.follows),
        "accept_by": dates.accept_by.isoformat(),
        "report_in_by": dates.report_in_by.isoformat(),
        "done_by": dates.done_by.isoformat(),
        "provisional": dates.provisional,
        "after_the_fact": new.recorded,
    }
    kept = {**content, "called": list(new.bodies), "facts": dict(new.facts)}
    act.record("whistle_blown", kept, at=new.made_at, actor=actor)
    place = to_shape(act.case.point)
    told = {
        **content,
        "class_code": act.case.class_code,
        "point": [place.x, place.y],
        "letter": letter_of(whistle.id),
    }
    act.tell(new.bodies, "called", told)
