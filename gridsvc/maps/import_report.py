"""The report of an import as one HTML file: the map with the worst places, and every area."""

from __future__ import annotations

from dataclasses import dataclass

import folium
import numpy as np
import shapely

from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_dot,
    draw_shape,
    draw_words,
    drawable,
    render,
)
from gridsvc.registry.areas.report import AreaImport, Outcome

#: Fill and line of loaded, repaired and refused areas.
_COLORS = {
    "loaded": ("#c9dcc0", "#7c9a70"),
    "mended": ("#f0d9a4", "#a86400"),
    "refused": ("#efb3a8", "#b3271a"),
}
_WORDS = {
    "loaded": ("载入", "loaded"),
    "mended": ("修复后载入", "mended"),
    "refused": ("拒绝", "refused"),
}
_FAULTS = {
    "overlap": "重叠",
    "gap": "空隙",
    "sliver": "狭缝",
    "same shape": "图形重复",
    "outside its parent": "超出上级",
    "parent not in force": "缺少上级",
    "same name": "重名",
    "name differs from the list": "名称与清单不符",
}
_LEVELS = {"district": "区", "street": "街道/乡镇", "community": "社区/村"}
# A browser draws this many vertices without delay; above, only what is drawn is simplified.
_VERTICES_DRAWN = 200_000
_FAULTS_LISTED, _DOTS = 200, 40
_FARTHEST_OUT = 7


@dataclass(frozen=True, slots=True)
class _Row:
    what: str
    outcome: Outcome
    features: str


def import_report_page(result: AreaImport, *, file_name: str, kept: bool) -> str:
    """The report as one self-contained HTML text.

    ``kept``: the areas are in a draft now; else it was a dry run. Raises MissingPrerequisite when
    the package that provides Leaflet is not installed.
    """
    rows = [
        _Row(what, outcome, ", ".join(str(number) for number in outcome.features))
        for what, group in (
            ("refused", result.refused),
            ("mended", result.mended),
            ("loaded", result.loaded),
        )
        for outcome in group
    ]
    drawn, simpler = _draw(result, rows)
    return render(
        "import_report.html",
        drawn,
        it=result,
        file_name=file_name,
        kept=kept,
        rows=rows,
        words=_WORDS,
        colors=_COLORS,
        kinds=_FAULTS,
        level=_LEVELS[result.level],
        faults=result.faults[:_FAULTS_LISTED],
        simpler=simpler,
    )


def _draw(result: AreaImport, rows: list[_Row]) -> tuple[folium.Map, bool]:
    """The map, and whether what it draws is simpler than what was read."""
    drawn = blank_map()
    drawn.options["min_zoom"] = _FARTHEST_OUT
    geometries = {it.features: it.geometry for it in result.drawn}
    there = [row for row in rows[::-1] if row.outcome.features in geometries and _can_be_drawn(row)]
    shapes = np.array([geometries[row.outcome.features] for row in there], dtype=object)
    shapes, simpler = drawable(shapes, _VERTICES_DRAWN)
    for row, shape in zip(there, shapes, strict=True):
        fill, line = _COLORS[row.what]
        name = f"{row.outcome.code or ''} {row.outcome.name or ''}".strip()
        said = f"{_WORDS[row.what][0]} {row.what} · {name} · #{row.features}"
        draw_shape(drawn, shape, color=line, weight=1.2, fill=fill, opacity=0.7, tooltip=said)
    for n, row in enumerate(row for row in rows if row.what != "loaded"):
        if n < _DOTS and _can_be_drawn(row):
            assert row.outcome.lon is not None  # told by _can_be_drawn
            assert row.outcome.lat is not None
            said = f"#{row.features} {row.outcome.code or ''}: {row.outcome.words}"
            color = _COLORS[row.what][1]
            draw_dot(drawn, row.outcome.lon, row.outcome.lat, color, said, radius=6)
    for n, fault in enumerate(result.faults[:_DOTS], start=1):
        if fault.lon is not None and fault.lat is not None:
            number = f"<span class='fault'>{n}</span>"
            words = f"{fault.kind}: {fault.words}"
            draw_words(drawn, fault.lon, fault.lat, number, tooltip=words)
    if len(shapes):
        drawn.fit_bounds(corners(shapely.total_bounds(shapes).tolist()))
    return drawn, simpler


def _can_be_drawn(row: _Row) -> bool:
    """Refused features may lie anywhere: on another continent they would only empty the map."""
    lon, lat = row.outcome.lon, row.outcome.lat
    if lon is None or lat is None:
        return False
    return "outside the city" not in row.outcome.words and abs(lon) <= 180 and abs(lat) <= 90
