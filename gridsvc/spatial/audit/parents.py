"""Areas against the level above: ground outside the own parent, shares, codes in conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.audit.measuring import ROUNDING_M2, fault_at, is_rounding
from gridsvc.spatial.audit.model import AuditFault, FaultKind, ParentShare
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.polygons import polygons_of

Shapes = NDArray[np.object_]


def faults_above(
    areas: Shapes,
    parents: Shapes,
    own: Sequence[int | None],
    accuracy_m: float,
    plane: MetricPlane,
) -> tuple[list[AuditFault], list[ParentShare], list[float]]:
    """Ground outside the own parent, codes in conflict, all shares, and the m² of rounding.

    ``areas`` and ``parents`` are valid (WGS84); ``own`` is, for each area, the place in the list
    of parents that its code names, None where it names none. Both levels are noded in degrees.
    Areas that lie wholly in their own parent have no shares listed.
    """
    faults: list[AuditFault] = []
    shares: list[ParentShare] = []
    rounding: list[float] = []
    tree = shapely.STRtree(parents)
    for index in _not_nested(areas, parents, own):
        area, parent = areas[index], own[index]
        near = np.sort(tree.query(area, predicate="intersects"))
        inside = shapely.intersection(area, parents[near])
        sizes = dict(zip(near.tolist(), area_m2(inside).tolist(), strict=True))
        nobody = shapely.difference(area, shapely.union_all(parents[near]))
        whole = float(area_m2(area))
        held = [(n, size) for n, size in sizes.items() if size > ROUNDING_M2]
        rest = float(area_m2(nobody))
        listed = [*held, (None, rest)] if rest > ROUNDING_M2 else held
        shares += [ParentShare(index, n, size, size / whole) for n, size in listed if whole]
        most = max(held, key=lambda it: it[1], default=(None, 0.0))[0]
        if parent is None or (most is not None and most != parent):
            faults.append(_conflict(index, area, parent, most, accuracy_m, plane))
        if parent is None:
            continue
        outside = shapely.difference(area, parents[parent])
        neighbours = near[near != parent]
        others = shapely.intersection(outside, parents[neighbours])
        grounds: list[tuple[tuple[int, ...], Any]] = [
            ((parent, n), it) for n, it in zip(neighbours.tolist(), others, strict=True)
        ]
        grounds.append(((parent,), nobody))
        for named, ground in grounds:
            for place in polygons_of(ground):
                if is_rounding(place):
                    rounding.append(float(area_m2(place)))
                else:
                    kind = FaultKind.OUTSIDE_PARENT
                    faults.append(fault_at(kind, (index,), place, accuracy_m, plane, parents=named))
    return faults, shares, rounding


def _not_nested(areas: Shapes, parents: Shapes, own: Sequence[int | None]) -> list[int]:
    """The areas that their own parent does not cover, or that have none, in order."""
    by_parent: defaultdict[int, list[int]] = defaultdict(list)
    found = []
    for index, parent in enumerate(own):
        if shapely.is_empty(areas[index]):
            continue
        if parent is None:
            found.append(index)
        else:
            by_parent[parent].append(index)
    for parent, members in by_parent.items():
        shape = parents[parent]
        shapely.prepare(shape)
        covered = shapely.covers(shape, areas[members])
        found += [index for index, inside in zip(members, covered, strict=True) if not inside]
    return sorted(found)


def _conflict(
    index: int,
    area: Any,
    parent: int | None,
    most: int | None,
    accuracy_m: float,
    plane: MetricPlane,
) -> AuditFault:
    named = tuple(n for n in (parent, most) if n is not None)
    reason = "its code names no parent" if parent is None else "another parent holds more of it"
    return fault_at(
        FaultKind.CODE_CONFLICT, (index,), area, accuracy_m, plane, parents=named, reason=reason
    )
