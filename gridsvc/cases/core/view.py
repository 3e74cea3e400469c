"""A case as its readers see it: where it stands, what is due, and from whom."""

from __future__ import annotations

from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.cases.core import repository
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.needs import needs_of
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.stepping import running_of
from gridsvc.cases.intake import candidate_repository as merging
from gridsvc.cases.systems.merging.view import report_row
from gridsvc.cases.systems.whistles import repository as whistles
from gridsvc.cases.systems.whistles.levels import letter_of
from gridsvc.cases.systems.whistles.proposals import proposals
from gridsvc.city.procedures.model import Actor, Procedure, Step

__all__ = ["case_json", "case_summary"]

#: The first so many reports; GET /v1/cases/{id}/reports has them all.
_MOST_REPORTS = 200


def case_summary(case: CaseFile) -> dict[str, Any]:
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
        "suspended_until": case.suspended_until,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "joined_into": case.joined_into and str(case.joined_into),
    }


def case_json(session: Session, case: CaseFile) -> dict[str, Any]:
    """A case whole: its procedure, what may be taken now and by whom, its reports, its whistles."""
    running = running_of(case)
    progress = Progress.from_json(case.progress)
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
        for step in open_steps(running, progress)
    ]
    return {
        **case_summary(case),
        "procedure": {
            "name": running.name,
            "version": running.version,
            "title": running.title,
            "title_zh": running.title_zh,
            "steps": [step.name for step in running.steps],
        },
        "next": due,
        "acts": _acts(running, progress),
        "whistle_proposals": _proposals(session, case, running, progress),
        "suspensions": case.suspensions,
        "extensions": case.extensions,
        "seats": {role.value: body for role, body in progress.seats},
        "called": _called(running, progress),
        "hand_ins": [
            {
                "step": one.step,
                "body_code": one.body_code,
                "since": one.since,
                "limit_at": one.limit_at,
                "handed_in_at": one.handed_in_at,
                "overdue": one.overdue,
                "score": one.score,
            }
            for one in repository.hand_ins(session, case)
        ],
        "appeals": [
            {
                "body_code": one.body_code,
                "reason": one.reason,
                "appealed_at": one.appealed_at,
                "accepted": one.accepted,
                "decided_at": one.decided_at,
            }
            for one in repository.appeals(session, case)
        ],
        "refused_by": list(progress.refused_by),
        "actions": progress.repeats,
        "first_reported_at": merging.first_reported_at(session, case),
        "report_count": merging.report_count(session, case),
        "reports": [
            report_row(report)
            for report in merging.reports_page(session, case, after=None, limit=_MOST_REPORTS)
        ],
        "joined_cases": [
            {
                "case_id": str(joined.id),
                "district_code": joined.district_code,
                "opened_at": joined.opened_at,
                "closed_at": joined.closed_at,
            }
            for joined in merging.cases_joined_into(session, case)
        ],
        "whistles": [
            {
                "id": str(whistle.id),
                "level": whistle.level,
                "kind": whistle.kind,
                "ground": whistle.ground,
                "state": whistle.state,
                "follows": whistle.follows_id and str(whistle.follows_id),
                "letter": letter_of(whistle.id),
            }
            for whistle in whistles.whistles_of(session, case.district_code, case.id)
        ],
    }


def _proposals(
    session: Session, case: CaseFile, running: Procedure, progress: Progress
) -> list[dict[str, Any]] | None:
    """Whom the whistle may call, where the step that blows it is due or comes; else None."""
    blows = running.blows
    if progress.closed or blows is None or blows.by is Actor.SYSTEM:
        return None
    if running.index(progress.step) > running.index(blows.name):
        return None
    return [one.to_json() for one in proposals(session, case)]


def _acts(running: Procedure, progress: Progress) -> list[dict[str, Any]]:
    """What may be done beside the step that is due."""
    if progress.closed:
        return []
    return [
        {"act": name, "by": list(parties(progress, act.by))}
        for name, act in running.acts.items()
        if progress.step in act.at
    ]


def _called(running: Procedure, progress: Progress) -> list[dict[str, Any]]:
    """The called bodies; where each has the step to take, with its own clock."""
    step = running.step(progress.step)
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
