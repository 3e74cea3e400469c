"""A case with what every system of the field shows of it."""

from __future__ import annotations

from gridsvc.answers import Answer
from gridsvc.cases.core.schemas import CaseOwn
from gridsvc.cases.intake.schemas import ReportAnswer
from gridsvc.cases.systems.appeals.schemas import AppealsShown
from gridsvc.cases.systems.extensions.schemas import ExtensionsShown
from gridsvc.cases.systems.leader_notes.schemas import LeaderNotesShown
from gridsvc.cases.systems.merging.schemas import ReportsShown
from gridsvc.cases.systems.tasks.schemas import TasksShown
from gridsvc.cases.systems.whistles.schemas import WhistlesShown


class CaseAnswer(
    AppealsShown,
    ExtensionsShown,
    LeaderNotesShown,
    ReportsShown,
    TasksShown,
    WhistlesShown,
    CaseOwn,
):
    """A case: where it stands, what is due and from whom, its reports and whistles."""


class CaseOpened(Answer):
    """A case of its own, and the report that opened it."""

    case: CaseAnswer
    report: ReportAnswer


class CaseSplit(Answer):
    """The case that reports left, and the one that they went to."""

    case: CaseAnswer
    into: CaseAnswer
