"""Which entry of which trace records that a report was filed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy.orm import Session

from gridsvc.cases.core import repository as cases
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.core.trace_repository import entries
from gridsvc.cases.intake.models import Report
from gridsvc.errors import NotFound

_FILED = ("report_filed", "report_joined")
_CAME_FROM = ("case_joined", "reports_split_in")


def filing_of(session: Session, report: Report) -> tuple[Case, TraceEntry]:
    """The case in which a report was filed, whatever became of it, and the entry that says so.

    Raises NotFound where no trace has it.
    """
    for case in _where_it_was(session, report.case_id, set()):
        for entry in entries(session, case):
            if entry.action in _FILED and entry.content.get("report_id") == str(report.id):
                return case, entry
    raise NotFound(f"No trace records the report '{report.receipt}'; tell whoever runs this.")


def _where_it_was(session: Session, case_id: uuid.UUID, seen: set[uuid.UUID]) -> Iterator[Case]:
    case = cases.case_by_id(session, case_id)
    if case is None or case_id in seen:
        return
    seen.add(case_id)
    yield case
    for entry in entries(session, case):
        if entry.action in _CAME_FROM:
            yield from _where_it_was(session, uuid.UUID(entry.content["case_id"]), seen)
