"""Blows whistles of the three levels: bodies called, each with its limits; and raises them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.demand import Demand
from gridsvc.cases.systems.whistles.kinds import KINDS, Limits, WhistleGround, WhistleKind
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.city.current import current
from gridsvc.city.limits import Limit, deadline
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput
from gridsvc.settings import Settings

__all__ = ["Call", "blow", "letter_of", "raise_open"]


@dataclass(frozen=True, slots=True)
class Call:
    """A whistle that is about to be blown.

    ``caller`` is the party that scores and closes; ``facts`` say for what each body is called;
    ``longest`` is the level's own limit. ``made_at`` is when it was blown, ``recorded`` whether
    that was by telephone, before now. ``given_in`` is where the input names its fields.
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


def blow(
    session: Session,
    settings: Settings,
    case: CaseFile,
    call: Call,
    *,
    actor: str,
    now: dt.datetime,
) -> Whistle:
    """Blow a whistle in a locked case and tell its bodies.

    Raises BadInput when the caller calls itself, or the demand gives more time than its kind.
    """
    if call.caller in call.bodies:
        raise BadInput(f"{call.caller} cannot whistle itself.", field=f"{call.given_in}bodies")
    limits = _limits(settings, call)
    whistle = Whistle(
        district_code=case.district_code,
        id=uuid7(),
        case_id=case.id,
        kind=call.kind.value,
        joint=False,
        level=call.level,
        follows_id=call.follows,
        ground=call.ground.value,
        facts=dict(call.facts),
        demand={**call.demand.to_json(), **call.agreed},
        caller_body=call.caller,
        participant_district=None,
        point=case.point,
        footprint=repository.reported_footprint(session, case.district_code, case.id),
        state="open",
        blown_at=call.made_at,
        recorded_at=now if call.recorded else None,
        closed_at=None,
    )
    session.add(whistle)
    session.flush()
    for body in call.bodies:
        session.add(
            CalledBody(
                district_code=whistle.district_code,
                whistle_id=whistle.id,
                body_code=body,
                called_from=call.caller,
                role="called",
                task=call.demand.task_of(body),
                told_at=call.made_at,
                accept_by=limits.accept_by,
                report_in_by=limits.report_in_by,
                done_by=limits.done_by,
            )
        )
    _tell(session, case, whistle, call, limits, actor=actor, now=now)
    return whistle


def letter_of(whistle_id: uuid.UUID) -> str:
    """Where the demand letter of a whistle is read."""
    return f"/v1/whistles/{whistle_id}/letter"


def raise_open(session: Session, case: CaseFile, *, now: dt.datetime) -> list[str]:
    """The open whistles of a case go up a level unsolved; gives their ids."""
    raised = [
        whistle
        for whistle in repository.open_whistles_of(session, case.district_code, case.id)
        if not whistle.joint
    ]
    for whistle in raised:
        whistle.state, whistle.closed_at = "raised", now
    return [str(whistle.id) for whistle in raised]


def _limits(settings: Settings, call: Call) -> Limits:
    """The limits of the kind, the level's own where that is shorter, the demand's within both."""
    days = current().calendar
    set_by_kind = (
        current()
        .table(KINDS)[call.kind]
        .limits(
            call.made_at,
            meeting=call.demand.time,
            report_in_minutes=settings.report_in_minutes,
            days=days,
        )
    )
    last = set_by_kind.done_by
    if call.longest is not None:
        since = max(call.made_at, call.demand.time or call.made_at)
        span = dt.timedelta(hours=call.longest.hours)
        last = min(last, deadline(since, span, call.longest.clock, days))
    wanted = call.demand.done_by
    if wanted is not None and not set_by_kind.report_in_by <= wanted <= last:
        raise BadInput(
            f"The demand's limit is {wanted.isoformat()}; it must lie between the report-in"
            f" ({set_by_kind.report_in_by.isoformat()}) and the limit of the whistle's kind and"
            f" level ({last.isoformat()}).",
            field=f"{call.given_in}demand.done_by",
        )
    return Limits(set_by_kind.accept_by, set_by_kind.report_in_by, wanted or last)


def _tell(
    session: Session,
    case: CaseFile,
    whistle: Whistle,
    call: Call,
    limits: Limits,
    *,
    actor: str,
    now: dt.datetime,
) -> None:
    content = {
        "whistle_id": str(whistle.id),
        "level": call.level,
        "kind": call.kind.value,
        "ground": call.ground.value,
        "by": call.caller,
        "demand": whistle.demand,
        "follows": call.follows and str(call.follows),
        "accept_by": limits.accept_by.isoformat(),
        "report_in_by": limits.report_in_by.isoformat(),
        "done_by": limits.done_by.isoformat(),
        "after_the_fact": call.recorded,
    }
    append(
        session,
        case.district_code,
        case.id,
        action="whistle_blown",
        actor=actor,
        content={**content, "called": list(call.bodies), "facts": dict(call.facts)},
        at=call.made_at,
        now=now,
    )
    place = to_shape(case.point)
    send(
        session,
        case.district_code,
        case.id,
        call.bodies,
        topic="called",
        content={
            **content,
            "class_code": case.class_code,
            "point": [place.x, place.y],
            "letter": letter_of(whistle.id),
        },
        now=now,
    )
