"""Who belongs to a report: the staff of its place and of its case, and whoever filed it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.core.service import is_readable
from gridsvc.cases.intake import reports_repository as repository
from gridsvc.cases.intake.models import Report
from gridsvc.city import City


def covers_report(session: Session, caller: Caller, report: Report) -> bool:
    """Whether a report lies in the area of a token, as it was placed last."""
    last = repository.last_placement(session, report.district_code, report.id)
    areas = () if last is None else (last.placement["street"], last.placement["community"])
    return caller.covers(report.district_code, *(area and area["code"] for area in areas))


def may_see_pin(session: Session, city: City, caller: Caller, report: Report) -> bool:
    """Whether the holder of a token is told where exactly a report's pin is."""
    if filed_by(caller, report):
        return True
    case = case_by_id(session, report.case_id)
    return case is not None and is_readable(session, city, caller, case)


def filed_by(caller: Caller, report: Report) -> bool:
    """Whether the holder of a token filed a report."""
    return report.reporter_subject is not None and caller.subject == report.reporter_subject
