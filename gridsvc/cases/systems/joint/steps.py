"""What the steps of a joint whistle bring about beside their entry in the trace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.systems.joint.blowing import call_departments, fix_report_in
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.settings import Settings
from gridsvc.spatial.footprint import read_footprint

__all__ = ["after_step"]

_PLAN = ("time", "place", "division")
#: A plan lies no farther from the day on which it is made.
_PLANNED_WITHIN = dt.timedelta(days=366)


def after_step(
    session: Session,
    settings: Settings,
    case: CaseFile,
    whistle: Whistle,
    step: str,
    party: str,
    evidence: Mapping[str, Any],
    progress: Progress,
    now: dt.datetime,
) -> None:
    """Carry out what a step of the joint procedure means, in the same transaction.

    A footprint that the meeting had measured becomes the whistle's. Raises BadInput
    for a demand, departments or a plan of the wrong form, and what reading a footprint raises.
    """
    others = [side for side in progress.sides if side != party]
    match step:
        case "receiving_meeting" if "footprint" in evidence:
            measured = read_footprint(
                evidence["footprint"],
                "wgs84",
                max_vertices=settings.max_footprint_vertices,
                field="evidence.footprint",
            )
            whistle.footprint = from_shape(measured.geometry, srid=4326)
        case "whistle_other_side":
            demand = evidence["demand"]
            if not isinstance(demand, Mapping) or not demand.get("task"):
                raise BadInput(
                    "The demand letter names its task: {'task': ..., 'limit': ...}.",
                    field="evidence.demand",
                )
            whistle.demand = {**whistle.demand, "letter": dict(demand), "from": party}
        case "bring_departments":
            _bring(session, whistle, party, evidence["departments"], now)
        case "agree_plan":
            _agree(session, settings, whistle, party, evidence["plan"], progress, now)
        case _:
            pass
    send(
        session,
        case.district_code,
        case.id,
        others,
        topic=f"joint_{step}",
        content={"whistle_id": str(whistle.id), "by": party, **evidence},
        now=now,
    )


def _bring(session: Session, whistle: Whistle, party: str, codes: Any, now: dt.datetime) -> None:
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise BadInput("'departments' must be a list of body codes.", field="evidence.departments")
    found = bodies_by_code(session, codes)
    for code in codes:
        if code not in found:
            raise NotFound(f"No body has the code '{code}'.", field="evidence.departments")
    departments = [found[code] for code in dict.fromkeys(codes)]
    call_departments(session, whistle, departments, called_from=party, now=now)


def _agree(
    session: Session,
    settings: Settings,
    whistle: Whistle,
    party: str,
    plan: Any,
    progress: Progress,
    now: dt.datetime,
) -> None:
    """The second side must agree to the first one's time and place."""
    if not isinstance(plan, Mapping) or any(not plan.get(item) for item in _PLAN):
        raise BadInput(
            "The plan fixes 'time' (RFC 3339), 'place' and 'division' of work.",
            field="evidence.plan",
        )
    time = _moment(plan["time"], now)
    agreed = whistle.demand.get("plan")
    if agreed is None:
        whistle.demand = {**whistle.demand, "plan": dict(plan), "proposed_by": party}
    else:
        same = {"time": _moment(agreed["time"], now) == time}
        same["place"] = agreed["place"] == plan["place"]
        for item, is_same in same.items():
            if not is_same:
                raise BadInput(
                    f"The other side's plan says {item} '{agreed[item]}', this one says"
                    f" '{plan[item]}'; both must fix the same.",
                    field=f"evidence.plan.{item}",
                )
    if progress.step != "agree_plan":
        limit = dt.timedelta(minutes=settings.report_in_minutes)
        fix_report_in(session, whistle, by=time + limit)


def _moment(value: Any, now: dt.datetime) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        moment = dt.datetime.min
    if moment.tzinfo is None or not now - _PLANNED_WITHIN < moment < now + _PLANNED_WITHIN:
        raise BadInput(
            "The plan's 'time' must be an RFC 3339 time with an offset, within a year of today.",
            field="evidence.plan.time",
        )
    return moment.astimezone(dt.UTC)
