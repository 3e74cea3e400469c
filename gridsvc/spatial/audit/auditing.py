"""The audit of a set of areas, by itself and against the level above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gridsvc.spatial.audit.borders import parallel_borders
from gridsvc.spatial.audit.model import Audit, AuditFault, FaultKind, ParentShare
from gridsvc.spatial.audit.parents import faults_above
from gridsvc.spatial.audit.within import faults_within, sound_areas
from gridsvc.spatial.plane import MetricPlane

#: The longest mouth of an inlet where nobody says otherwise.
INLET_WIDTH_M = 20.0
#: What is nowhere wider is a sliver where nobody says otherwise: two drawings of one line.
SLIVER_M = 1.0

_ORDER = {kind: place for place, kind in enumerate(FaultKind)}


def audit_areas(
    geometries: Sequence[Any],
    *,
    plane: MetricPlane,
    accuracy_m: float = SLIVER_M,
    inlet_width_m: float = INLET_WIDTH_M,
) -> Audit:
    """Find everything that is wrong among n areas that should cover a place once and whole.

    ``geometries`` are polygons and multipolygons in WGS84, sound or not: a broken one is listed,
    and repaired before it is compared, so that one bad ring does not hide the others' faults.
    ``plane`` is what widths are measured in; what is nowhere wider than ``accuracy_m`` is a
    sliver; ``inlet_width_m`` is the longest mouth of an inlet (0: none are sought).
    """
    areas, broken = sound_areas(geometries)
    found, rounding = faults_within(areas, accuracy_m, inlet_width_m, plane)
    return _audit(len(areas), accuracy_m, inlet_width_m, [*broken, *found], (), rounding)


def audit_against(
    geometries: Sequence[Any],
    parents: Sequence[Any],
    own: Sequence[int | None],
    *,
    plane: MetricPlane,
    accuracy_m: float = SLIVER_M,
) -> Audit:
    """Find what n areas and the m areas of a level above contradict each other in.

    Geometries are WGS84, sound or not; ``own`` is, for each area, the place in ``parents`` of the
    one that its code names, None where it names none of them. What is nowhere wider than
    ``accuracy_m`` is a sliver.
    """
    areas, _ = sound_areas(geometries)
    above, _ = sound_areas(parents)
    found, shares, rounding = faults_above(areas, above, own, accuracy_m, plane)
    beside = parallel_borders(areas, above, own, accuracy_m, plane)
    return _audit(len(areas), accuracy_m, 0.0, [*found, *beside], shares, rounding)


def _audit(
    areas: int,
    accuracy_m: float,
    inlet_width_m: float,
    faults: Sequence[AuditFault],
    shares: Sequence[ParentShare],
    rounding: Sequence[float],
) -> Audit:
    return Audit(
        areas=areas,
        accuracy_m=accuracy_m,
        inlet_width_m=inlet_width_m,
        faults=tuple(sorted(faults, key=lambda it: (_ORDER[it.kind], -it.area_m2, it.members))),
        shares=tuple(shares),
        rounding_count=len(rounding),
        rounding_m2=float(np.sum(rounding)),
    )
