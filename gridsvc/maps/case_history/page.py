"""The history of a case as one HTML file: years, map, what was done, and every report."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import folium

from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.maps.case_history.reading import CaseHistory, ReportRow
from gridsvc.maps.self_contained import blank_map, draw_dot, draw_shape, render

__all__ = ["case_history_page"]

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

    Raises MissingPrerequisite when the package that brings Leaflet is not installed.
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
        corners=_corners(history),
    )


def _draw(history: CaseHistory, calendar: Calendar) -> folium.Map:
    drawn = blank_map()
    for grid in history.grids:
        draw_shape(drawn, grid, color=_GRID, weight=1)
    for name, street in history.streets:
        draw_shape(drawn, street, color=_BORDER, weight=2, tooltip=name)
    for report in history.reports[-_DRAWN:]:
        when = calendar.day(report.at).isoformat()
        color = _CAME if report.recorded_at is None else _LATER
        words = f"{when} · {report.channel} · {report.place_text or ''}"
        draw_dot(drawn, report.lon, report.lat, color, words, radius=5)
    draw_dot(drawn, history.lon, history.lat, _CASE, "案卷 case", radius=9)
    return drawn


def _corners(history: CaseHistory) -> list[list[float]]:
    """South-west and north-east of what the map shows, latitude first as Leaflet has it."""
    shown = history.reports[-_DRAWN:]
    lons = [history.lon, *(report.lon for report in shown)]
    lats = [history.lat, *(report.lat for report in shown)]
    return [[min(lats), min(lons)], [max(lats), max(lons)]]


def _years(reports: Sequence[ReportRow], calendar: Calendar) -> list[_Year]:
    """Every year from the first report to the last, the empty ones too."""
    if not reports:
        return []
    counts = Counter(calendar.day(report.at).year for report in reports)
    later = Counter(
        calendar.day(report.at).year for report in reports if report.recorded_at is not None
    )
    scale = _TALLEST / max(counts.values())
    return [
        _Year(year, counts[year], later[year], counts[year] * scale, later[year] * scale)
        for year in range(min(counts), max(counts) + 1)
    ]


def _span(reports: Sequence[ReportRow]) -> dict[str, Any]:
    """First and last report, and the whole years between them."""
    if not reports:
        return {"first": None, "last": None, "years": 0}
    first, last = reports[0].at, reports[-1].at
    return {"first": first, "last": last, "years": (last - first) // dt.timedelta(days=365.2425)}
