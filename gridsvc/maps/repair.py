"""A preview of repairs as one HTML file: a picture of each place before and after, and the m²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.maps.drawing import blank_map, corners, draw_shape, render
from gridsvc.registry.repairs.model import (
    CodedProposal,
    FaultProposals,
    Preview,
    StoredArea,
)
from gridsvc.spatial.plane import MetricPlane

#: Chinese and English words of the methods and kinds.
_METHODS = {
    "give": ("划归一方", "given to one side"),
    "midline": ("中线平分", "split by the midline"),
    "snap": ("精度内吸附", "snapped within the accuracy"),
}
_KINDS = {"overlap": ("重叠", "overlap"), "gap": ("空隙", "gap"), "inlet": ("缺口", "inlet")}
_COLOURS = ("#1f6f8b", "#c2410c", "#2f7d5b", "#8a4a9c", "#a86400", "#3d3550")
_FAULT, _UNCHANGED = "#b3271a", "#8a8494"
# A picture is this many units wide and high; its frame is this much wider than the fault.
_SIDE = 400.0
_MARGIN = 0.35
# No picture is wider than so many times the fault's width, nor narrower than so many metres.
_WIDTHS, _LEAST_M = 40.0, 2.0


@dataclass(frozen=True, slots=True)
class _Picture:
    """One drawing: SVG path data of each area by its colour, and of the fault."""

    areas: tuple[tuple[str, str], ...]
    fault: str


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    it: FaultProposals
    proposal: CodedProposal
    kind: tuple[str, str]
    method: tuple[str, str]
    colours: dict[str, str]
    unchanged: tuple[StoredArea, ...]
    before: _Picture
    after: _Picture
    width_m: float


def repair_page(preview: Preview) -> str:
    """The preview as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    places = [
        _place(number, it, proposal)
        for number, (it, proposal) in enumerate(
            ((it, proposal) for it in preview.faults for proposal in it.proposals), 1
        )
    ]
    drawn = blank_map()
    drawn.options["min_zoom"] = 7
    everything = []
    for place in places:
        for change in place.proposal.geometry.changes:
            draw_shape(drawn, change.before, color="#9a8fb0", weight=3)
            draw_shape(drawn, change.after, color="#1f6f8b", weight=1)
            everything.append(change.before)
        fault = place.it.fault
        words = f"{place.number}: {place.kind[1]}, {fault.area_m2:,.1f} m²"
        draw_shape(
            drawn, fault.geometry, color=_FAULT, weight=2, fill=_FAULT, opacity=0.4, tooltip=words
        )
    drawn.fit_bounds(corners(shapely.total_bounds(everything)))
    return render("repair.html", drawn, it=preview, summary=preview.to_json(), places=places)


def _place(number: int, it: FaultProposals, proposal: CodedProposal) -> _Place:
    project = MetricPlane.at(*it.fault.place).project
    ground = project(it.fault.geometry)
    west, south, east, north = shapely.bounds(ground)
    whole_m = max(east - west, north - south, 1.0) * (1 + 2 * _MARGIN)
    middle = np.array([west + east, south + north]) / 2
    # Of a sliver that would be a hairline, only the place to look at is drawn.
    width_m = min(whole_m, max(_WIDTHS * it.fault.max_width_m, _LEAST_M))
    if width_m < whole_m:
        middle = np.zeros(2)
    corner = middle + np.array([-width_m / 2, width_m / 2])
    frame = shapely.box(corner[0], corner[1] - width_m, corner[0] + width_m, corner[1])
    scale = _SIDE / width_m

    def path(geometry: Any) -> str:
        seen = shapely.intersection(shapely.make_valid(geometry), frame)
        rings = shapely.get_rings(
            [part for part in shapely.get_parts(seen) if part.geom_type == "Polygon"]
        )
        return " ".join(
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _units(ring, corner, scale)) + "Z"
            for ring in rings
        )

    changes = list(zip(proposal.changes, proposal.geometry.changes, strict=True))
    colours = {named.code: _COLOURS[n % len(_COLOURS)] for n, (named, _) in enumerate(changes)}
    unchanged = tuple(area for area in it.members if area.code not in colours)
    beside = [(_UNCHANGED, path(project(area.geometry))) for area in unchanged]
    fault = path(ground)

    def picture(which: str) -> _Picture:
        changed = [
            (colours[named.code], path(project(getattr(change, which))))
            for named, change in changes
        ]
        return _Picture((*beside, *changed), fault)

    return _Place(
        number=number,
        it=it,
        proposal=proposal,
        kind=_KINDS[it.fault.kind.value],
        method=_METHODS[proposal.geometry.method.value],
        colours=colours,
        unchanged=unchanged,
        before=picture("before"),
        after=picture("after"),
        width_m=width_m,
    )


def _units(ring: Any, corner: Any, scale: float) -> list[tuple[float, float]]:
    xy = (shapely.get_coordinates(ring) - corner) * (scale, -scale)
    return [(float(x), float(y)) for x, y in xy]
