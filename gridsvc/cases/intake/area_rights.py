"""Where a caller may report, and where he may open a case by himself."""

from __future__ import annotations

from gridsvc.callers import Caller, Role
from gridsvc.errors import NotAllowed
from gridsvc.registry.placement.model import Placement

__all__ = ["check_covered", "check_own_cells"]


def check_own_cells(caller: Caller, placement: Placement) -> None:
    """A grid worker reports inside his own cells. Raises NotAllowed."""
    if caller.role is not Role.GRID_WORKER:
        return
    areas = (placement.district, placement.street, placement.community)
    if not any(area is not None and caller.covers(area.code) for area in areas):
        raise NotAllowed(
            f"The place lies outside the grid worker's own cells ({caller.area}); whoever is"
            " bound to its cells reports it.",
            field="location",
        )


def check_covered(caller: Caller, placement: Placement) -> None:
    """Who opens a case by himself does so in his own area. Raises NotAllowed."""
    areas = (placement.district, placement.street, placement.community)
    if not any(area is not None and caller.covers(area.code) for area in areas):
        raise NotAllowed(
            f"The place lies outside {caller.area}, which the token covers; whoever is"
            " responsible there opens the case, or report it: POST /v1/reports.",
            field="location",
        )
