"""Whether a repair has mended its fault and made no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely

from gridsvc.errors import CoverageBroken
from gridsvc.spatial.audit.measuring import is_rounding
from gridsvc.spatial.audit.model import AuditFault
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.polygons import multipolygon_of, polygons_of
from gridsvc.spatial.repair.model import Proposal

__all__ = ["check_repair"]

# The mouth of an inlet is found to this part of its size.
_SAME_GROUND = 0.01


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
                f"The {mended.kind.value} at {_place(mended)} would not be mended: choose another"
                " way."
            )
        if _more_than_rounding(shapely.difference(ground, known), _SAME_GROUND * fault.area_m2):
            raise CoverageBroken(
                f"Mending the {mended.kind.value} at {_place(mended)} would make a new"
                f" {fault.kind.value} of {fault.area_m2:.2f} m² at {_place(fault)}: choose another"
                " way."
            )


def _ground(fault: AuditFault) -> Any:
    return multipolygon_of(fault.geometry)


def _more_than_rounding(geometry: Any, noise_m2: float) -> bool:
    parts = [it for it in polygons_of(geometry) if not is_rounding(it)]
    return bool(parts) and float(area_m2(parts).sum()) > noise_m2


def _place(fault: AuditFault) -> str:
    return f"{fault.place[0]:.6f} {fault.place[1]:.6f}"
