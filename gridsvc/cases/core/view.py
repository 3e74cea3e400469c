"""A case as its readers see it: where it stands, what is due, and from whom."""

from __future__ import annotations

from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.cases.core import repository
from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.evidence_needs import needs_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.schemas import HandIn, StatedTime
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor, Procedure, Step


def case_summary(case: Case) -> dict[str, Any]:
    """A case in a list."""
    return {
        "id": str(case.id),
        "district_code": case.district_code,
        "participant_district": case.participant_district,
        "procedure": case.procedure,
        "step": case.step,
        "state": case.state,
        "class": {"standard": case.standard, "kind": case.kind, "code": case.class_code},
        "lead_body": case.lead_body,
        "part_code": case.part_code,
        "point": mapping(to_shape(case.point)),
        "grade": case.grade,
        "limit_at": case.limit_at,
        "overall_limit_at": case.overall_at,
        "limits_provisional": case.limits_provisional,
        "suspended_until": case.suspended_until,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "outcome": case.outcome,
        "joined_into": case.joined_into and str(case.joined_into),
        "reopened_from": case.reopened_from and str(case.reopened_from),
    }


def case_json(session: Session, city: City, case: Case) -> dict[str, Any]:
    """A case whole: its procedure, what may be taken now and by whom, and what systems show."""
    procedure, progress = procedure_of(city, case), Progress.from_json(case.progress)
    due = [
        {
            "step": step.name,
            "title": step.title,
            "title_zh": step.title_zh,
            "by": list(parties(progress, step.by)),
            "taken_by": list(progress.taken_by) if step.name == progress.step else [],
            "needs": needs_of(step, progress),
            "requires": [item.value for item in step.requires] if isinstance(step, Step) else [],
        }
        for step in open_steps(procedure, progress)
    ]
    shown: dict[str, Any] = {
        **case_summary(case),
        "procedure": {
            "name": procedure.name,
            "version": procedure.version,
            "title": procedure.title,
            "title_zh": procedure.title_zh,
            "steps": [step.name for step in procedure.steps],
        },
        "next": due,
        "acts": _side_acts(procedure, progress),
        "suspensions": case.suspensions,
        "extensions": case.extensions,
        "seats": {role.value: body for role, body in progress.seats},
        "called": _called(procedure, progress),
        "hand_ins": [HandIn.of(one) for one in repository.submissions(session, case)],
        "answered_at": case.answered_at,
        "overall_overdue": case.overall_overdue,
        "stated_times": [StatedTime.of(one) for one in repository.stated_times(session, case)],
        "refused_by": list(progress.refused_by),
        "actions": progress.repeats,
    }
    for system in city.systems:
        if system.shows is not None:
            shown |= system.shows(session, city, case)
    return shown


def _side_acts(procedure: Procedure, progress: Progress) -> list[dict[str, Any]]:
    """What may be done beside the step that is due."""
    if progress.closed:
        return []
    return [
        {"act": name, "by": list(parties(progress, side.by))}
        for name, side in procedure.acts.items()
        if progress.step in side.at
    ]


def _called(procedure: Procedure, progress: Progress) -> list[dict[str, Any]]:
    """The called bodies; where each has the step to take, with its own clock."""
    step = procedure.step(progress.step)
    own = step is not None and step.by is Actor.EACH_CALLED and not progress.closed
    return [
        {
            "body_code": called.body,
            "since": called.since,
            "limit_at": called.limit_at if own else None,
            "taken": own and called.body in progress.taken_by,
            "score": called.score,
        }
        for called in progress.called
    ]
