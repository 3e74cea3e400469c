"""The ways to repair one overlap, gap or inlet: what each would change, and whether it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import CoverageBroken
from gridsvc.spatial.audit.measuring import is_rounding
from gridsvc.spatial.audit.model import AuditFault, FaultKind
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.polygons import multipolygon_of, polygons_of
from gridsvc.spatial.repair.midline import part_by_midline
from gridsvc.spatial.repair.sides import NOBODY, Ring, insert_vertices, rings_of

#: The kinds of faults that have proposals.
MENDABLE = (FaultKind.OVERLAP, FaultKind.GAP, FaultKind.INLET)

# Distances are taken at the ends of edges and at this part of them.
_DENSIFY = 0.05

_Parts = Mapping[int, Sequence[Any]]
Shapes = NDArray[np.object_]

# The mouth of an inlet is found to this part of its size.
_SAME_GROUND = 0.01


class Method(StrEnum):
    """How a fault is repaired."""

    #: All of the ground goes to one area.
    GIVE = "give"
    #: The ground is parted by the line that is as far from one side as from the other.
    MIDLINE = "midline"
    #: One side's line moves onto the other's, nowhere farther than the accuracy.
    SNAP = "snap"


@dataclass(frozen=True, slots=True)
class Change:
    """An area (by its place in the list) before and after; m² that it gains and loses."""

    member: int
    before: Any
    after: Any
    gained_m2: float
    lost_m2: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to repair one fault.

    ``chosen``: of ``give`` the area that has the ground afterwards, of ``snap`` the one whose line
    moves; None for ``midline``. ``moved_m``: of ``snap`` how far the line moves at most, in
    metres. The gains of a gap or inlet, and the losses of an overlap of two, sum to the fault's m².
    """

    fault: AuditFault
    method: Method
    chosen: int | None
    moved_m: float | None
    changes: tuple[Change, ...]


def propose(
    fault: AuditFault, areas: Sequence[Any], accuracy_m: float, *, plane: MetricPlane
) -> list[Proposal]:
    """Every way to repair a fault, the first the one with the longest border or the first claimant.

    ``areas``: all areas that were audited (valid, WGS84), at the places that the fault names.
    ``accuracy_m``: of the edition; nothing is snapped farther. A duplicate, or an area that would
    be left with no ground, has no proposal.
    """
    if fault.kind not in MENDABLE:
        return []
    return list(_all(fault, np.asarray(areas, dtype=object), accuracy_m, tuple(Method), plane))


def propose_one(
    fault: AuditFault,
    areas: Sequence[Any],
    accuracy_m: float,
    method: Method,
    chosen: int | None,
    *,
    plane: MetricPlane,
) -> Proposal | None:
    """One of the proposals, None when the fault has no such."""
    if fault.kind not in MENDABLE:
        return None
    found = _all(fault, np.asarray(areas, dtype=object), accuracy_m, (method,), plane)
    return next((it for it in found if it.chosen == chosen), None)


def _all(
    fault: AuditFault,
    areas: Shapes,
    accuracy_m: float,
    methods: Sequence[Method],
    plane: MetricPlane,
) -> Iterator[Proposal]:
    ground = fault.geometry
    if Method.GIVE in methods:
        for member in fault.members:
            yield from _proposal(fault, areas, Method.GIVE, member, {member: [ground]})
    if fault.kind is FaultKind.OVERLAP and len(fault.members) != 2:
        return
    rings = rings_of(fault, areas)
    if Method.MIDLINE in methods:
        to_nobody = fault.kind is FaultKind.INLET
        parts = part_by_midline(ground, rings, fault.width_m, open_to_nobody=to_nobody)
        if len(parts) > 1:
            yield from _proposal(fault, areas, Method.MIDLINE, None, parts)
    if Method.SNAP in methods:
        for member in fault.members:
            moved_m = _distance_m(rings, _edge_of(fault, member), plane)
            if moved_m is None or moved_m > accuracy_m:
                continue
            # The line that moves is the border of an overlap's loser, of a gap's winner.
            winner = _edge_of(fault, member)
            parts = {winner: [ground]}
            yield from _proposal(fault, areas, Method.SNAP, member, parts, moved_m)


def _edge_of(fault: AuditFault, member: int) -> int:
    """The side (what lies behind) of the edges that are a member's border."""
    if fault.kind is FaultKind.OVERLAP:
        return next(it for it in fault.members if it != member)
    return member


def _distance_m(rings: Sequence[Ring], side: int, plane: MetricPlane) -> float | None:
    """How far the edges of one side are from the others at most, and these from them."""
    own: list[Any] = []
    other: list[Any] = []
    for ring in rings:
        ends = np.roll(ring.xy, -1, axis=0)
        for begin, end, behind in zip(ring.xy, ends, ring.side.tolist(), strict=True):
            if behind != NOBODY:
                (own if behind == side else other).append(np.stack([begin, end]))
    if not own or not other:
        return None
    one, rest = (plane.project(shapely.multilinestrings(lines)) for lines in (own, other))
    return float(shapely.hausdorff_distance(one, rest, densify=_DENSIFY))


def _proposal(
    fault: AuditFault,
    areas: Shapes,
    method: Method,
    chosen: int | None,
    parts: _Parts,
    moved_m: float | None = None,
) -> Iterator[Proposal]:
    vertices = shapely.get_coordinates([fault.geometry, *(it for p in parts.values() for it in p)])
    vertices = np.unique(vertices, axis=0)
    sizes = {member: float(area_m2(list(held)).sum()) for member, held in parts.items()}
    changes = []
    for member in fault.members if fault.kind is FaultKind.OVERLAP else parts:
        before = areas[member]
        ready = insert_vertices(before, vertices)
        if fault.kind is FaultKind.OVERLAP:
            lost = [it for other, held in parts.items() if other != member for it in held]
            if not lost:
                continue
            after = _tidy(shapely.difference(ready, shapely.union_all(lost)))
            change = (0.0, float(area_m2(lost).sum()))
        else:
            after = _tidy(shapely.union_all([ready, *parts[member]]))
            change = (sizes[member], 0.0)
        if shapely.is_empty(after):
            return
        changes.append(Change(member, before, after, *change))
    yield Proposal(fault, method, chosen, moved_m, tuple(changes))


def _tidy(geometry: Any) -> shapely.MultiPolygon:
    """The polygons of a geometry without holes and pieces that are only rounding."""
    kept = []
    for polygon in polygons_of(geometry):
        if is_rounding(polygon):
            continue
        shell, *holes = shapely.get_rings(polygon)
        held = [hole for hole in holes if not is_rounding(shapely.Polygon(hole))]
        kept.append(polygon if len(held) == len(holes) else shapely.Polygon(shell, held))
    return shapely.MultiPolygon(kept)


def check_repair(
    proposal: Proposal, before: Sequence[AuditFault], after: Sequence[AuditFault]
) -> None:
    """Hold the faults after a repair against those before; raises CoverageBroken.

    The ground of the fault must be free of faults of its kind, and no ground may be faulty that
    was not.
    """
    mended = proposal.fault
    known = shapely.union_all([_ground(it) for it in before])
    for fault in after:
        ground = _ground(fault)
        if fault.kind is mended.kind and _more_than_rounding(
            shapely.intersection(ground, mended.geometry), 0.0
        ):
            raise CoverageBroken(
                f"The {mended.kind.value} at {_place(mended)} would not be repaired; choose"
                " another way."
            )
        if _more_than_rounding(shapely.difference(ground, known), _SAME_GROUND * fault.area_m2):
            raise CoverageBroken(
                f"Repairing the {mended.kind.value} at {_place(mended)} would make a new"
                f" {fault.kind.value} of {fault.area_m2:.2f} m² at {_place(fault)}; choose another"
                " way."
            )


def _ground(fault: AuditFault) -> Any:
    return multipolygon_of(fault.geometry)


def _more_than_rounding(geometry: Any, noise_m2: float) -> bool:
    parts = [it for it in polygons_of(geometry) if not is_rounding(it)]
    return bool(parts) and float(area_m2(parts).sum()) > noise_m2


def _place(fault: AuditFault) -> str:
    return f"{fault.place[0]:.6f} {fault.place[1]:.6f}"
