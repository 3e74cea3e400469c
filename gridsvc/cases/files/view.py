"""A case as its readers see it: where it stands, what is due, and from whom."""

from __future__ import annotations

from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.procedures.engine import open_steps, parties
from gridsvc.cases.procedures.loader import procedure
from gridsvc.cases.procedures.model import Progress, Step
from gridsvc.cases.reports import repository as reports
from gridsvc.cases.whistles import repository as whistles

__all__ = ["case_json", "case_summary"]


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
        "limit_at": case.limit_at,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
    }


def case_json(session: Session, case: CaseFile) -> dict[str, Any]:
    """A case whole: its procedure, what may be taken now and by whom, its reports, its whistles."""
    running = procedure(case.procedure)
    progress = Progress.from_json(case.progress)
    due = [
        {
            "step": step.name,
            "title": step.title,
            "title_zh": step.title_zh,
            "by": list(parties(progress, step.by)),
            "taken_by": list(progress.taken_by) if step.name == progress.step else [],
            "needs": list(step.needs),
            "requires": [item.value for item in step.requires] if isinstance(step, Step) else [],
        }
        for step in open_steps(running, progress)
    ]
    return {
        **case_summary(case),
        "procedure": {
            "name": running.name,
            "version": case.procedure_version,
            "title": running.title,
            "title_zh": running.title_zh,
            "steps": [step.name for step in running.steps],
        },
        "next": due,
        "refused_by": list(progress.refused_by),
        "actions": progress.repeats,
        "reports": [
            {
                "id": str(report.id),
                "district_code": report.district_code,
                "receipt": report.receipt,
                "channel": report.channel,
                "description": report.description,
                "joined": report.joined,
                "created_at": report.created_at,
            }
            for report in reports.reports_of(session, case.district_code, case.id)
        ],
        "whistles": [
            {"id": str(whistle.id), "ground": whistle.ground, "state": whistle.state}
            for whistle in whistles.whistles_of(session, case.district_code, case.id)
        ],
    }
