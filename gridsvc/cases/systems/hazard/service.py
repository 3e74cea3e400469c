"""What a hazard tells is forgotten together with its report."""

from __future__ import annotations

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.messages.repository import leave_out
from gridsvc.cases.intake.personal import ReportErased

#: What a message about a hazard says in words: of the report, and of people.
_WORDS = ("what", "address", "endangered")


def erase_told(act: Act, event: ReportErased) -> None:
    """Take out of the messages what the report with which the case began had said."""
    if not event.report.joined:
        leave_out(act.session, act.case.district_code, act.case.id, topic="called", keys=_WORDS)
