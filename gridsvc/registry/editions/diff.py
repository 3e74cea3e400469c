"""What parts one edition from another: areas born, gone, renamed, changed, and ground moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from sqlalchemy.orm import Session

from gridsvc.answers import Named
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.points import grids_touching
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.editions.schemas import (
    CutAnswer,
    DiffAnswer,
    GroundChanged,
    GroundMoved,
    NameChanged,
)
from gridsvc.registry.editions.service import existing_edition
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.moves import Change, Move, moved_ground


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """What the second edition has otherwise than the first; areas in code order.

    ``changed`` are the codes of both whose ground differs; ``moves`` is all ground that changes
    hands, also that of areas born and gone, the largest first. ``unbalanced_m2`` is rounding.
    """

    before: str
    after: str
    level: str
    born: tuple[Named, ...]
    gone: tuple[Named, ...]
    renamed: tuple[NameChanged, ...]
    changed: tuple[Change, ...]
    moves: tuple[Move, ...]
    unbalanced_m2: float

    def answer(self, *, most_moves: int | None = None) -> DiffAnswer:
        """The answer with the ``most_moves`` largest moves; None: all."""
        return DiffAnswer.of(
            self,
            changed=[GroundChanged.of(it) for it in self.changed],
            moves=[GroundMoved.of(it) for it in self.moves[:most_moves]],
            moves_in_all=len(self.moves),
            moved_m2=sum(it.area_m2 for it in self.moves),
        )


def comparable_editions(session: Session, before: str, after: str) -> tuple[Edition, Edition]:
    """Two editions of one level of areas, in any state.

    Raises NotFound for an unknown one; BadInput when they are the same; Conflict when their levels
    differ, or when they are builds of unit grids.
    """
    old, new = existing_edition(session, before), existing_edition(session, after)
    if old.id == new.id:
        raise BadInput(f"{before!r} is given twice; name two editions to compare.", field="after")
    if old.level != new.level:
        raise Conflict(
            f"{before!r} is of level {old.level} and {after!r} of level {new.level}; only editions"
            " of one level are compared.",
            field="after",
        )
    if old.level == "unit_grid":
        raise Conflict(
            "Builds of unit grids coexist and are not compared; name editions of districts,"
            " streets or communities."
        )
    return old, new


def diff_editions(session: Session, before: str, after: str) -> EditionDiff:
    """Compare two editions of one level, whatever their states: a draft too.

    Raises what ``comparable_editions`` raises.
    """
    first, second = comparable_editions(session, before, after)
    old, new = named_areas(session, first.id), named_areas(session, second.id)
    moved = moved_ground(
        {code: shape for code, (_, shape) in old.items()},
        {code: shape for code, (_, shape) in new.items()},
    )
    both = sorted(old.keys() & new.keys())
    return EditionDiff(
        before=first.id,
        after=second.id,
        level=first.level,
        born=tuple(Named(code=code, name=new[code][0]) for code in sorted(new.keys() - old.keys())),
        gone=tuple(Named(code=code, name=old[code][0]) for code in sorted(old.keys() - new.keys())),
        renamed=tuple(
            NameChanged(code=code, before=old[code][0], after=new[code][0])
            for code in both
            if old[code][0] != new[code][0]
        ),
        changed=tuple(it for it in moved.changes if it.code in old and it.code in new),
        moves=moved.moves,
        unbalanced_m2=moved.unbalanced_m2,
    )


#: Less ground than this is a border drawn twice, not a cell that is cut.
_LEAST_M2 = 1.0


def cut_grids(session: Session, moves: Sequence[Move]) -> tuple[CutAnswer, ...]:
    """The valid cells that lose a part of their ground, but not all, by district and code.

    A cell that several moves take from is there once for each.
    """
    found = grids_touching(session, [move.geometry for move in moves])
    moved = [moves[i] for i in found.piece]
    pieces = shapely.intersection(found.geometries, [move.geometry for move in moved])
    moved_m2 = area_m2(pieces)
    whole_m2 = area_m2(found.geometries)
    return tuple(
        CutAnswer(
            district_code=district,
            id=code,
            before=move.before,
            after=move.after,
            moved_m2=float(part),
            area_m2=float(whole),
        )
        for district, code, move, part, whole in zip(
            found.districts, found.codes, moved, moved_m2, whole_m2, strict=True
        )
        if _LEAST_M2 < part < whole - _LEAST_M2
    )
