"""Unit grids that another edition would cut: part of a cell would be another area's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.registry.editions.points import grids_touching
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.moves import Move

__all__ = ["CutGrid", "cut_grids"]

#: Less ground than this is a border drawn twice, not a cell that is cut.
_LEAST_M2 = 1.0


@dataclass(frozen=True, slots=True)
class CutGrid:
    """A valid cell of which ``moved_m2`` of ``area_m2`` change hands; None is nobody."""

    district_code: str
    id: str
    before: str | None
    after: str | None
    moved_m2: float
    area_m2: float

    def to_json(self) -> dict[str, Any]:
        """``{district_code, id, before, after, moved_m2, area_m2}``."""
        return {
            "district_code": self.district_code,
            "id": self.id,
            "before": self.before,
            "after": self.after,
            "moved_m2": self.moved_m2,
            "area_m2": self.area_m2,
        }


def cut_grids(session: Session, moves: Sequence[Move]) -> tuple[CutGrid, ...]:
    """The valid cells that lose a part of their ground, but not all, by district and code.

    A cell that several moves take from is there once for each.
    """
    found = grids_touching(session, [move.geometry for move in moves])
    moved = [moves[i] for i in found.piece]
    pieces = shapely.intersection(found.geometries, [move.geometry for move in moved])
    moved_m2 = area_m2(pieces)
    whole_m2 = area_m2(found.geometries)
    return tuple(
        CutGrid(district, code, move.before, move.after, float(part), float(whole))
        for district, code, move, part, whole in zip(
            found.districts, found.codes, moved, moved_m2, whole_m2, strict=True
        )
        if _LEAST_M2 < part < whole - _LEAST_M2
    )
