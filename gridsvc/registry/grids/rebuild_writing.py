"""Writes a rebuild: new cells, redrawn ones, void ones with successors, and the parts in them."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.city.calendar import Calendar
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.grids import rebuild_repository as repository
from gridsvc.registry.grids.matching import Matched
from gridsvc.registry.grids.measures import CityMeasures
from gridsvc.registry.grids.staleness import Reason, StaleCommunity
from gridsvc.registry.grids.storing import GridNumber, hexadecimal, new_edition, store_cells
from gridsvc.registry.parts.placing import own_placer
from gridsvc.spatial.ellipsoid import area_m2, length_m


def write_rebuild(
    session: Session,
    districts: Sequence[str],
    source: Edition,
    found: Sequence[StaleCommunity],
    fitting: Sequence[str],
    matched: Matched,
    numbers: Sequence[GridNumber],
    voided: Sequence[Voided],
    calendar: Calendar,
    now: dt.datetime,
) -> tuple[str | None, int]:
    """Write all of it; gives the new edition of unit grids, and how many parts moved.

    The edition is None when no cell changed.
    """
    _note(session, source, found, fitting)
    if not (matched.numbered or matched.kept or voided):
        return None, 0
    day = calendar.day(now)
    edition_id = new_edition(
        session, districts, source, calendar, now, what="Unit grids rebuilt in"
    )
    store_cells(session, edition_id, day, [matched.cells[k] for k in matched.numbered], numbers)
    _redraw(session, edition_id, matched, day)
    reasons = {stale.code: stale.reason for stale in found}
    repository.make_void(
        session,
        [
            {
                "district": cell.district_code,
                "code": cell.code,
                "reason": f"{_WHY[reasons[cell.community_code].value]} (edition {source.id})",
                "day": day,
                "successor": next(
                    (it.code for it in cell.successors if it.district_code == cell.district_code),
                    None,
                ),
            }
            for cell in voided
        ],
    )
    repository.copy_successors(
        session,
        (
            (cell.district_code, cell.code, it.district_code, it.code, it.shared_m2, it.share)
            for cell in voided
            for it in cell.successors
        ),
    )
    return edition_id, _move_parts(session, matched, voided, day, now)


_WHY = {
    "new": "the community was cut for the first time",
    "gone": "the community is no more",
    "outline": "the community's border changed",
    "barriers": "roads, walls, rivers or buildings changed",
    "asked": "the community was cut anew on request",
}


def _note(
    session: Session, source: Edition, found: Sequence[StaleCommunity], fitting: Sequence[str]
) -> None:
    """What communities were cut from; those that fit are cut from the present edition as well."""
    repository.note_communities(
        session,
        source.id,
        {stale.code: stale.barriers_hash for stale in found if stale.outline is not None},
    )
    repository.note_edition(session, source.id, fitting)
    gone = [stale.code for stale in found if stale.outline is None]
    if gone:
        repository.forget_communities(session, gone)


def _redraw(session: Session, edition_id: str, matched: Matched, day: dt.date) -> None:
    if not matched.kept:
        return
    keys = [(matched.old.districts[old], matched.old.codes[old]) for old, _, _ in matched.kept]
    repository.keep_former(session, keys, day)
    cells = [matched.cells[new] for _, new, _ in matched.kept]
    polygons = [cell.polygon for cell in cells]
    sizes = area_m2(polygons)
    compactness = 4.0 * math.pi * sizes / length_m(shapely.boundary(polygons)) ** 2
    repository.redraw(
        session,
        [
            {
                "district": district,
                "code": code,
                "geometry": blob,
                "area_m2": size,
                "nominal_m2": cell.nominal_m2,
                "compactness": shape,
                "edition": edition_id,
                "day": day,
            }
            for (district, code), cell, blob, size, shape in zip(
                keys,
                cells,
                hexadecimal(polygons),
                sizes.tolist(),
                compactness.tolist(),
                strict=True,
            )
        ],
    )


def _move_parts(
    session: Session,
    matched: Matched,
    voided: Sequence[Voided],
    day: dt.date,
    now: dt.datetime,
) -> int:
    """Place the parts again that were in cells that changed, or have none and lie on new ones."""
    grids: dict[str, list[str]] = defaultdict(list)
    for cell in voided:
        grids[cell.district_code].append(cell.code)
    for old, _, _ in matched.kept:
        grids[matched.old.districts[old]].append(matched.old.codes[old])
    changed = [matched.cells[k] for k in matched.numbered]
    changed += [matched.cells[new] for _, new, _ in matched.kept]
    moved = 0
    for district in sorted(grids.keys() | {cell.community[:6] for cell in changed}):
        ground = shapely.union_all(
            [cell.polygon for cell in changed if cell.community.startswith(district)]
        )
        codes, places = repository.parts_to_place(
            session, district, grids[district], shapely.to_wkb(ground)
        )
        if not codes:
            continue
        placed = own_placer(session, district, now)(places[:, 0], places[:, 1])
        moved += repository.move_parts(
            session,
            district,
            [
                {
                    "code": code,
                    "grid": str(grid) or None,
                    "community": str(community) or None,
                    "street": str(street) or None,
                }
                for code, grid, community, street in zip(
                    codes,
                    placed.grid_codes,
                    placed.community_codes,
                    placed.street_codes,
                    strict=True,
                )
            ],
            day,
        )
    return moved


@dataclass(frozen=True, slots=True)
class RebuiltCommunity:
    """A community that was recut, why, and how many of its cells went which way.

    ``unchanged``: code and polygon; ``redrawn``: the code stays with another polygon.
    """

    code: str
    name: str
    reason: Reason
    unchanged: int
    redrawn: int
    void: int
    new: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A code that stays with another polygon, and the least share that both have in common.

    A share of 1: only vertices of its neighbours were put on its border.
    """

    district_code: str
    code: str
    share: float


@dataclass(frozen=True, slots=True)
class Successor:
    """A cell that took ground of a void one: m², and the share of the void one's ground."""

    district_code: str
    code: str
    shared_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Voided:
    """A code that is void, the community that it was in, and its successors, the most first."""

    district_code: str
    code: str
    community_code: str
    successors: tuple[Successor, ...]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What a rebuild changed, or would change when it is not ``committed``.

    ``fitting``: communities that fit their grids. ``new``: pairs of community and 8-digit code.
    ``parts_moved``: parts that got another grid, community or street (0 before the commit).
    """

    committed: bool
    edition_id: str | None
    communities_edition_id: str
    keep_share: float
    day: dt.date
    communities: tuple[RebuiltCommunity, ...]
    fitting: int
    kept: tuple[Kept, ...]
    voided: tuple[Voided, ...]
    new: tuple[tuple[str, str], ...]
    parts_moved: int
    city: CityMeasures | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Every community and every code."""
        return {
            **asdict(self),
            "new": [{"community_code": one, "code": code} for one, code in self.new],
        }
