"""An audit as one HTML file: totals, a map with the largest faults of each kind, and their list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import folium
import numpy as np
import shapely

from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_shape,
    draw_words,
    drawable,
    render,
)
from gridsvc.registry.audits.model import AuditReport
from gridsvc.spatial.audit import AreaFault, FaultKind, Totals

_LINE, _ABOVE = "#9a8fb0", "#3d3550"
#: Chinese and English words, and the colour of each kind.
_KINDS = {
    FaultKind.OVERLAP: ("重叠", "overlaps", "#b3271a"),
    FaultKind.GAP: ("空隙", "gaps", "#1f6f8b"),
    FaultKind.INLET: ("缺口", "inlets", "#2f7d5b"),
    FaultKind.INVALID: ("无效图形", "broken rings", "#6d6678"),
    FaultKind.DUPLICATE: ("图形重复", "duplicates", "#8a4a9c"),
    FaultKind.OUTSIDE_PARENT: ("超出上级", "outside the parent", "#a86400"),
    FaultKind.CODE_CONFLICT: ("代码不符", "codes that do not nest", "#7a3b10"),
    FaultKind.PARALLEL_BORDER: ("边界平行", "borders side by side", "#c2410c"),
}
_LEVELS = {
    "district": "区",
    "street": "街道/乡镇",
    "community": "社区/村",
    "unit_grid": "单元网格",
}
# So many faults of each kind are listed and numbered on the map.
_LISTED = 15
_SHARES_LISTED = 60
# A browser draws this many vertices without delay; above, only what is drawn is simplified.
_VERTICES_DRAWN = 150_000
_FARTHEST_OUT = 7


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    fault: AreaFault
    between: str


@dataclass(frozen=True, slots=True)
class _Group:
    kind: str
    words: tuple[str, str, str]
    total: Totals
    rows: tuple[_Row, ...]


def audit_page(report: AuditReport) -> str:
    """The audit as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    names = report.names
    groups: list[_Group] = []
    number = 0
    for total in report.totals:
        rows = []
        for fault in report.of(total.kind)[:_LISTED]:
            number += 1
            rows.append(_Row(number, fault, _between(fault, names)))
        groups.append(_Group(total.kind.value, _KINDS[total.kind], total, tuple(rows)))
    drawn, simpler = _draw(report, groups)
    own = dict(zip(report.areas.codes, report.areas.parent_codes, strict=True))
    elsewhere = [share for share in report.shares if share.parent_code != own[share.code]]
    elsewhere.sort(key=lambda share: -share.share)
    return render(
        "audit.html",
        drawn,
        it=report,
        level=_LEVELS[report.level],
        groups=groups,
        names=names,
        shares=elsewhere[:_SHARES_LISTED],
        shares_in_all=len(elsewhere),
        simpler=simpler,
    )


def _between(fault: AreaFault, names: Any) -> str:
    def named(codes: Sequence[str]) -> str:
        return " · ".join(f"{names.get(code) or ''} {code}".strip() for code in codes)

    if not fault.parent_codes:
        return named(fault.codes)
    if fault.kind == FaultKind.OUTSIDE_PARENT:
        into = named(fault.parent_codes[1:]) or "无归属 nobody's"
        return f"{named(fault.codes)} → {into}"
    return f"{named(fault.codes)} | {named(fault.parent_codes)}"


def _draw(report: AuditReport, groups: Sequence[_Group]) -> tuple[folium.Map, bool]:
    """The map, and whether the areas in it are simpler than they are."""
    drawn = blank_map()
    drawn.options["min_zoom"] = _FARTHEST_OUT
    areas, simpler = _lines(report.areas.geometries)
    draw_shape(drawn, areas, color=_LINE, weight=1)
    bounds = shapely.bounds(areas)
    for level in report.above:
        near = [
            shape
            for shape in level.areas.geometries
            if shapely.intersects(shapely.box(*bounds), shape)
        ]
        lines, simplified = _lines(near)
        simpler = simpler or simplified
        draw_shape(drawn, lines, color=_ABOVE, weight=2.2)
    for group in groups:
        color = group.words[2]
        for row in group.rows:
            if row.fault.kind not in (FaultKind.INVALID, FaultKind.CODE_CONFLICT):
                draw_shape(
                    drawn, row.fault.geometry, color=color, weight=2, fill=color, opacity=0.6
                )
            if not shapely.is_empty(row.fault.geometry):
                mark = f"<span class='fault' style='background:{color}'>{row.number}</span>"
                words = f"{group.words[0]}: {row.between}"
                draw_words(drawn, *row.fault.place, mark, tooltip=words)
    if np.isfinite(bounds).all():
        drawn.fit_bounds(corners(bounds.tolist()))
    return drawn, simpler


def _lines(shapes: Any) -> tuple[Any, bool]:
    """The borders of areas as one geometry that can be drawn, and whether it is simpler."""
    borders = shapely.boundary(np.asarray(shapes, dtype=object))
    lines, simpler = drawable(borders, _VERTICES_DRAWN)
    parts = [part for part in shapely.get_parts(lines) if shapely.get_num_points(part) > 1]
    return shapely.MultiLineString(parts), simpler
