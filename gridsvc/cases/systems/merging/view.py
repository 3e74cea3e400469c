"""The reports of a case as its readers see them: who reported when, by which channel."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.intake import candidate_repository as repository
from gridsvc.cases.intake.models import Report
from gridsvc.errors import BadInput

__all__ = ["history", "report_row"]


def report_row(report: Report) -> dict[str, Any]:
    """A report in the list of its case; ``recorded_at`` where it was written down later."""
    return {
        "id": str(report.id),
        "district_code": report.district_code,
        "receipt": report.receipt,
        "channel": report.channel,
        "class": {"standard": report.standard, "kind": report.kind, "code": report.class_code},
        "part_code": report.part_code,
        "place_text": report.place_text,
        "description": report.description,
        "joined": report.joined,
        "created_at": report.created_at,
        "recorded_at": report.recorded_at,
    }


def history(
    session: Session, case: CaseFile, *, cursor: str | None, limit: int, count: bool
) -> dict[str, Any]:
    """A page of a case's reports, in the order in which people reported.

    ``count`` asks for their number. Raises BadInput for a wrong cursor.
    """
    page = repository.reports_page(session, case, after=_place(cursor), limit=limit)
    last = page[-1] if len(page) == limit else None
    answer: dict[str, Any] = {
        "case_id": str(case.id),
        "joined_into": case.joined_into and str(case.joined_into),
        "reports": [report_row(report) for report in page],
        "next": last and f"{last.created_at.astimezone(dt.UTC).isoformat()}_{last.id}",
    }
    return answer | ({"count": repository.report_count(session, case)} if count else {})


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
    raise BadInput("The cursor is no 'next' of a page before.", field="cursor")
