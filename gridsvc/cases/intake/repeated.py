"""The same thing reported again by the same person."""

from __future__ import annotations

from sqlalchemy import select

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.errors import Conflict


def refuse_repeated(occasion: Occasion, case: Case, receipt: str) -> None:
    """Refuse the report of a receipt whose sender has reported in its case before: Conflict."""
    before = occasion.session.scalar(
        select(Report.receipt)
        .where(
            Report.case_district == case.district_code,
            Report.case_id == case.id,
            Report.reporter_subject == occasion.caller.subject,
            Report.receipt != receipt,
        )
        .order_by(Report.created_at)
        .limit(1)
    )
    if before is not None:
        raise Conflict(
            f"You have reported this already, under the receipt {before}, and its case is open;"
            " look there how it stands.",
            receipt=before,
        )
