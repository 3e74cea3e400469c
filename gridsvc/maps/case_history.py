"""The history of a case as one page: everybody who reported it, year by year, and what was done."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.core.trace_repository import entries as trace_of
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import cases_joined_into, reports_page
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import STREETS, UNIT_GRIDS
from gridsvc.maps.around import places_around
from gridsvc.maps.drawing import blank_map, corners, draw_dot, draw_shape, render
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of

_AT_ONCE = 500
_AROUND_M = 600.0
#: Entries that belong to the reports, not among what was done.
_REPORTED = ("report_filed", "report_joined")


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
    reports: tuple[Report, ...]
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
    streets = places_around(session, STREETS, city, case.opened_at, point, _AROUND_M)
    grids = places_around(session, UNIT_GRIDS, city, case.opened_at, point, _AROUND_M)
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
                str(entry.told.get("note") or entry.told.get("reason") or ""),
            )
            for entry in entries
            if entry.action not in (*_REPORTED, "callback")
        ),
        joined_cases=len(cases_joined_into(session, case)),
        streets=tuple((street.name, street.geometry) for street in streets),
        grids=tuple(grid.geometry for grid in grids),
    )


def _reports(session: Session, case: Case) -> list[Report]:
    rows: list[Report] = []
    after = None
    while True:
        page = reports_page(session, case, after=after, limit=_AT_ONCE)
        rows += page
        if len(page) < _AT_ONCE:
            return rows
        after = (page[-1].created_at, page[-1].id)


def _title(action: str, steps: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The words of a step; the name of what is not a step of the procedure by now."""
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


_LATER, _CAME, _CASE = "#a86400", "#1f6f8b", "#b3271a"
_GRID, _BORDER = "#d9d0bf", "#6a5a86"
#: So many reports are drawn on the map; more would hide each other.
_DRAWN = 500
#: The chart, in its own units: the height of the tallest bar.
_TALLEST = 120


@dataclass(frozen=True, slots=True)
class _Year:
    year: int
    count: int
    later: int
    height: float
    height_later: float


def case_history_page(history: CaseHistory, city: City) -> str:
    """The page as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    reports, calendar = history.reports, city.calendar
    return render(
        "case_history.html",
        _draw(history, calendar),
        it=history,
        calendar=calendar,
        years=_years(reports, calendar),
        span=_span(reports),
        channels=Counter(report.channel for report in reports).most_common(),
        later=sum(report.recorded_at is not None for report in reports),
        colors={"later": _LATER, "came": _CAME, "case": _CASE},
        tallest=_TALLEST,
        corners=corners(_seen(history).bounds),
    )


def _draw(history: CaseHistory, calendar: Calendar) -> folium.Map:
    drawn = blank_map()
    for grid in history.grids:
        draw_shape(drawn, grid, color=_GRID, weight=1)
    for name, street in history.streets:
        draw_shape(drawn, street, color=_BORDER, weight=2, tooltip=name)
    for report in history.reports[-_DRAWN:]:
        when = calendar.day(report.created_at).isoformat()
        color = _CAME if report.recorded_at is None else _LATER
        words = f"{when} · {report.channel} · {report.place_text or ''}"
        pin = to_shape(report.point)
        draw_dot(drawn, pin.x, pin.y, color, words, radius=5)
    draw_dot(drawn, history.lon, history.lat, _CASE, "案卷 case", radius=9)
    return drawn


def _seen(history: CaseHistory) -> shapely.Geometry:
    """The case and the reports that the map shows."""
    pins = [to_shape(report.point) for report in history.reports[-_DRAWN:]]
    return shapely.MultiPoint([(history.lon, history.lat), *pins])


def _years(reports: Sequence[Report], calendar: Calendar) -> list[_Year]:
    """Every year from the first report to the last, the empty ones too."""
    if not reports:
        return []
    counts = Counter(calendar.day(report.created_at).year for report in reports)
    later = Counter(
        calendar.day(report.created_at).year for report in reports if report.recorded_at is not None
    )
    scale = _TALLEST / max(counts.values())
    return [
        _Year(year, counts[year], later[year], counts[year] * scale, later[year] * scale)
        for year in range(min(counts), max(counts) + 1)
    ]


def _span(reports: Sequence[Report]) -> dict[str, Any]:
    """First and last report, and the whole years between them."""
    if not reports:
        return {"first": None, "last": None, "years": 0}
    first, last = reports[0].created_at, reports[-1].created_at
    return {"first": first, "last": last, "years": (last - first) // dt.timedelta(days=365.2425)}
