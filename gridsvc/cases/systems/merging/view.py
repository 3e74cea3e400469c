"""The reports of a case as its readers see them: who reported when, by which channel."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.answers import ClassNamed
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import (
    cases_joined_into,
    first_reported_at,
    report_count,
    reports_page,
)
from gridsvc.cases.systems.merging.schemas import JoinedCase, ReportRow
from gridsvc.city import City
from gridsvc.errors import BadInput

#: The first so many reports; GET /v1/cases/{id}/reports has them all.
_MOST_REPORTS = 200


def _row(report: Report) -> ReportRow:
    key = ClassNamed(standard=report.standard, kind=report.kind, code=report.class_code)
    return ReportRow.of(report, class_=key)


def shown_in_case(session: Session, _: City, case: Case) -> dict[str, Any]:
    """The reports of a case, and the cases that were joined into it."""
    return {
        "first_reported_at": first_reported_at(session, case),
        "report_count": report_count(session, case),
        "reports": [
            _row(report) for report in reports_page(session, case, after=None, limit=_MOST_REPORTS)
        ],
        "joined_cases": [
            JoinedCase.of(joined, case_id=joined.id) for joined in cases_joined_into(session, case)
        ],
    }


def for_caller(caller: Caller, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with reports in it; an analyst is not staff of the case and gets no words."""
    if caller.role is not Role.ANALYST:
        return answer
    silent = {"description": "", "place_text": None}
    return answer | {"reports": [row.model_copy(update=silent) for row in answer["reports"]]}


def history(
    session: Session, case: Case, *, cursor: str | None, limit: int, count: bool
) -> dict[str, Any]:
    """A page of a case's reports, in the order in which people reported.

    ``count`` asks for their number. Raises BadInput for a wrong cursor.
    """
    page = reports_page(session, case, after=_place(cursor), limit=limit)
    last = page[-1] if len(page) == limit else None
    answer: dict[str, Any] = {
        "case_id": str(case.id),
        "joined_into": case.joined_into and str(case.joined_into),
        "reports": [_row(report) for report in page],
        "next": last and f"{last.created_at.astimezone(dt.UTC).isoformat()}_{last.id}",
    }
    return answer | ({"count": report_count(session, case)} if count else {})


def _place(cursor: str | None) -> tuple[dt.datetime, uuid.UUID] | None:
    if cursor is None:
        return None
    moment, _, report_id = cursor.partition("_")
    try:
        since = dt.datetime.fromisoformat(moment)
        if since.tzinfo is not None:
            return since.astimezone(dt.UTC), uuid.UUID(report_id)
    except (ValueError, OverflowError):
        pass
    raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
