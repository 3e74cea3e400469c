"""Reads what the page of a case's history shows."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.core.trace_repository import entries as trace_of
from gridsvc.cases.intake.case_reports_repository import cases_joined_into, reports_page
from gridsvc.cases.intake.match_repository import box_around
from gridsvc.city import City
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import STREETS, UNIT_GRIDS
from gridsvc.layers.repository import around
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of

__all__ = ["Act", "CaseHistory", "ReportRow", "read_case_history"]

_AT_ONCE = 500
_AROUND_M = 600.0
#: Entries that stand among the reports, not among what was done.
_REPORTED = ("report_filed", "report_joined")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report: when it was made and written down, by which channel, and where (WGS84)."""

    at: dt.datetime
    recorded_at: dt.datetime | None
    channel: str
    receipt: str
    place_text: str | None
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done in the case, by whom."""

    at: dt.datetime
    title: tuple[str, str]
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case with all its reports in the order of time; ``lead`` is a body's name.

    ``streets`` (name and polygon) and unit ``grids`` are those around the case when it was opened.
    """

    case: Case
    class_name: str
    procedure: tuple[str, str]
    lead: str
    lon: float
    lat: float
    reports: tuple[ReportRow, ...]
    acts: tuple[Act, ...]
    joined_cases: int
    streets: tuple[tuple[str, shapely.Geometry], ...]
    grids: tuple[shapely.Geometry, ...]


def read_case_history(session: Session, city: City, case_id: uuid.UUID) -> CaseHistory:
    """Everything about a case that its page shows. Raises NotFound."""
    case = case_by_id(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    procedure = city.procedures.of(case.procedure, case.procedure_version)
    point = to_shape(case.point)
    entries = trace_of(session, case)
    connection, at = session.connection(), case.opened_at
    box = box_around(point.x, point.y, _AROUND_M)
    streets = around(connection, STREETS, city, at, box)
    grids = around(connection, UNIT_GRIDS, city, at, box, named_by="national_id", cut=False)
    codes = [case.lead_body, *(entry.body_code for entry in entries if entry.body_code)]
    names = {code: body.name for code, body in bodies_by_code(session, codes).items()}
    return CaseHistory(
        case=case,
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        procedure=(procedure.title_zh, procedure.title),
        lead=names.get(case.lead_body, case.lead_body),
        lon=point.x,
        lat=point.y,
        reports=tuple(_reports(session, case)),
        acts=tuple(
            Act(
                entry.at,
                _title(
                    entry.action,
                    {step.name: (step.title_zh, step.title) for step in procedure.steps},
                ),
                names.get(entry.body_code or "", entry.actor),
                str(entry.content.get("note") or entry.content.get("reason") or ""),
            )
            for entry in entries
            if entry.action not in (*_REPORTED, "callback")
        ),
        joined_cases=len(cases_joined_into(session, case)),
        streets=tuple((name, shape) for _, name, shape in streets),
        grids=tuple(shape for _, _, shape in grids),
    )


def _reports(session: Session, case: Case) -> list[ReportRow]:
    rows: list[ReportRow] = []
    after = None
    while True:
        page = reports_page(session, case, after=after, limit=_AT_ONCE)
        for report in page:
            pin = to_shape(report.point)
            rows.append(
                ReportRow(
                    report.created_at,
                    report.recorded_at,
                    report.channel,
                    report.receipt,
                    report.place_text,
                    pin.x,
                    pin.y,
                )
            )
        if len(page) < _AT_ONCE:
            return rows
        after = (page[-1].created_at, page[-1].id)


def _title(action: str, steps: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The words of a step; the name of what is no step of the procedure by now."""
    return steps.get(action) or _ACTS.get(action) or (action, action.replace("_", " "))


_ACTS = {
    "dispatch": ("任务派遣", "Dispatched"),
    "open": ("开案", "Opened"),
    "raise": ("升级", "Raised"),
    "suspend": ("挂账", "Suspended"),
    "extend": ("延期", "Extended"),
    "resume": ("恢复", "Resumed"),
    "send_on": ("转派", "Sent on"),
    "refuse": ("退回", "Refused as not ours"),
    "case_joined": ("并案", "Another case was joined into this one"),
    "joined_into": ("并入他案", "Joined into another case"),
    "reports_split_off": ("拆出", "Reports were taken out"),
    "reports_split_in": ("拆入", "Reports came from another case"),
}
