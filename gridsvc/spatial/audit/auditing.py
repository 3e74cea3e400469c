"""The audit of a set of areas, by itself and against the level above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gridsvc.spatial.audit.borders import parallel_borders
from gridsvc.spatial.audit.model import Audit, FaultKind, ParentShare
from gridsvc.spatial.audit.parents import faults_above
from gridsvc.spatial.audit.within import faults_within, sound_areas

__all__ = ["INLET_WIDTH_M", "SLIVER_M", "audit_areas"]

#: The longest mouth of an inlet where nobody says otherwise.
INLET_WIDTH_M = 20.0
#: What is nowhere wider is a sliver where nobody says otherwise: two drawings of one line.
SLIVER_M = 1.0

_ORDER = {kind: place for place, kind in enumerate(FaultKind)}


def audit_areas(
    geometries: Sequence[Any],
    *,
    parents: Sequence[Any] = (),
    own: Sequence[int | None] = (),
    accuracy_m: float = SLIVER_M,
    inlet_width_m: float = INLET_WIDTH_M,
) -> Audit:
    """Find everything that is wrong with n areas that should cover a place once and whole.

    ``geometries`` are polygons and multipolygons in WGS84, sound or not: a broken one is listed,
    and repaired before it is compared, so that one bad ring does not hide the others' faults.
    ``parents`` are those of the level above (none: they are not compared), and ``own`` is then,
    for each area, the place of its parent in that list or None. What is nowhere wider than
    ``accuracy_m`` is a sliver; ``inlet_width_m`` is the longest mouth of an inlet (0: none are
    sought).
    """
    areas, faults = sound_areas(geometries)
    found, rounding = faults_within(areas, accuracy_m, inlet_width_m)
    faults += found
    shares: list[ParentShare] = []
    if len(parents):
        above, _ = sound_areas(parents)
        found, shares, thin = faults_above(areas, above, own, accuracy_m)
        faults += [*found, *parallel_borders(areas, above, own, accuracy_m)]
        rounding += thin
    return Audit(
        areas=len(areas),
        accuracy_m=accuracy_m,
        inlet_width_m=inlet_width_m,
        faults=tuple(sorted(faults, key=lambda it: (_ORDER[it.kind], -it.area_m2, it.members))),
        shares=tuple(shares),
        rounding_count=len(rounding),
        rounding_m2=float(np.sum(rounding)),
    )
