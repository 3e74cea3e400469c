"""The faults of one set of areas: overlaps, gaps, inlets, broken rings and duplicates."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.audit.inlets import find_inlets, walls_of
from gridsvc.spatial.audit.measuring import fault_at, is_rounding
from gridsvc.spatial.audit.model import AuditFault, FaultKind
from gridsvc.spatial.audit.net import claimed_faces
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.polygons import multipolygon_of, polygons_of

Shapes = NDArray[np.object_]
_PLACE = re.compile(r"\[(\S+) (\S+)\]$")


def sound_areas(geometries: Sequence[Any]) -> tuple[Shapes, list[AuditFault]]:
    """The areas with their rings repaired (MultiPolygons), and a fault for each that was broken.

    ``geometries`` are WGS84; None counts as empty, and an empty area stays empty.
    """
    given = np.array([shapely.MultiPolygon() if it is None else it for it in geometries], object)
    broken = ~shapely.is_valid(given) | shapely.is_empty(given)
    sound = given.copy()
    faults = []
    for index in np.flatnonzero(broken).tolist():
        geometry = given[index]
        parts = polygons_of(shapely.make_valid(geometry))
        sound[index] = multipolygon_of(shapely.union_all(parts))
        faults.append(_invalid(index, geometry, sound[index]))
    return sound, faults


def faults_within(
    areas: Shapes, accuracy_m: float, inlet_width_m: float, plane: MetricPlane
) -> tuple[list[AuditFault], list[float]]:
    """The overlaps, gaps, inlets and duplicates of valid areas, and the m² of rounding left out.

    Ground that several areas claim is one fault for each connected place with the same claimants.
    Areas of the same shape are one duplicate, and no overlap with each other.
    """
    tree = shapely.STRtree(areas)
    claimed: defaultdict[tuple[int, ...], list[Any]] = defaultdict(list)
    outside = []
    faults: list[AuditFault] = []
    rounding: list[float] = []
    for face in claimed_faces(areas):
        if face.claimants:
            claimed[face.claimants].append(face.geometry)
        elif face.outside:
            outside.append(face.geometry)
        elif is_rounding(face.geometry):
            rounding.append(float(area_m2(face.geometry)))
        else:
            members = tuple(walls_of(face.geometry, tree))
            faults.append(fault_at(FaultKind.GAP, members, face.geometry, accuracy_m, plane))
    for claimants, pieces in claimed.items():
        whole = shapely.union_all(pieces) if len(pieces) > 1 else pieces[0]
        kind = FaultKind.DUPLICATE if _same_shape(areas, claimants) else FaultKind.OVERLAP
        for place in polygons_of(whole):
            if is_rounding(place):
                rounding.append(float(area_m2(place)))
            else:
                faults.append(fault_at(kind, claimants, place, accuracy_m, plane))
    for inlet in find_inlets(outside, tree, inlet_width_m):
        if is_rounding(inlet.geometry):
            rounding.append(float(area_m2(inlet.geometry)))
        else:
            faults.append(
                fault_at(
                    FaultKind.INLET,
                    inlet.members,
                    inlet.geometry,
                    accuracy_m,
                    plane,
                    mouth_m=inlet.mouth_m,
                )
            )
    return faults, rounding


def _same_shape(areas: Shapes, claimants: tuple[int, ...]) -> bool:
    first = areas[claimants[0]]
    return all(shapely.equals(first, areas[other]) for other in claimants[1:])


def _invalid(index: int, given: Any, sound: Any) -> AuditFault:
    changed, at, reason = 0.0, np.zeros(2), "Empty"
    if not shapely.is_empty(given):
        words = str(shapely.is_valid_reason(given))
        named = _PLACE.search(words)
        at = shapely.get_coordinates(given)[0] if named is None else np.array(named.groups(), float)
        changed = abs(float(area_m2(sound)) - float(area_m2(given)))
        reason = _PLACE.sub("", words).strip()
    return AuditFault(
        kind=FaultKind.INVALID,
        members=(index,),
        area_m2=changed,
        place=(float(at[0]), float(at[1])),
        geometry=given,
        reason=reason,
    )
