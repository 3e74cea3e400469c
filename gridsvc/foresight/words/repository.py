"""The queries of words: the reports of an area and a time that contain some of them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import contains
from gridsvc.cases.systems.callbacks.models import Callback


@dataclass(frozen=True, slots=True)
class Scope:
    """The area (6, 9 or 12 digits) and the time: from ``start`` on, before ``end``."""

    area: str
    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True)
class SaidReport:
    """A report with its words: where it was reported, and what became of its case.

    ``solved`` is what the citizen said when they were called back last, None where nobody was
    reached. Longitude and latitude are WGS84.
    """

    id: uuid.UUID
    receipt: str
    created_at: dt.datetime
    description: str
    place_text: str | None
    place_key: str | None
    class_code: str
    lon: float
    lat: float
    street_code: str | None
    community_code: str | None
    district_code: str
    case_id: uuid.UUID
    case_state: str
    solved: bool | None

    @property
    def unsolved(self) -> bool:
        """Whether its case is open, or the citizen says that nothing was solved."""
        return self.case_state == "open" or self.solved is False


def reports_with(
    session: Session, scope: Scope, words: Sequence[Sequence[str]], *, most: int
) -> list[SaidReport]:
    """Reports that contain a word of each of the lists, in the order in which they came.

    Those that were withdrawn are left out; one whose words were erased contains none.
    """
    last = (
        select(Callback.solved)
        .where(
            Callback.district_code == Report.district_code,
            Callback.report_id == Report.id,
            Callback.valid,
            Callback.contacted,
        )
        .order_by(Callback.n.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            Report.id,
            Report.receipt,
            Report.created_at,
            Report.description,
            Report.place_text,
            Report.place_key,
            Report.class_code,
            func.st_x(Report.point),
            func.st_y(Report.point),
            Case.street_code,
            Case.community_code,
            Case.district_code,
            Case.id,
            Case.state,
            last,
        )
        .join_from(Report, Case, _CASE)
        .where(
            *_within(scope),
            Report.withdrawn_at.is_(None),
            *(or_(*map(contains, any_of)) for any_of in words),
        )
        .order_by(Report.created_at, Report.id)
        .limit(most)
    )
    return [SaidReport(*row) for row in session.execute(query)]


def erased_reports(session: Session, scope: Scope) -> int:
    """How many reports of the area and time have no words any more: nobody knows what they said."""
    query = (
        select(func.count())
        .select_from(Report)
        .join(Case, _CASE)
        .where(*_within(scope), Report.erased_at.is_not(None))
    )
    return session.scalar(query) or 0


_CASE = and_(Case.district_code == Report.case_district, Case.id == Report.case_id)


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    area = scope.area
    of_area = [Report.case_district == area[:6]]
    if len(area) >= 9:
        of_area.append(Case.street_code == area[:9])
    if len(area) == 12:
        of_area.append(Case.community_code == area)
    return [*of_area, Report.created_at >= scope.start, Report.created_at < scope.end]
