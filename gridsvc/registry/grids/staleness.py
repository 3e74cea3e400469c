"""Which communities no longer fit their unit grids, because their ground or barriers changed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level
from gridsvc.errors import BadCode
from gridsvc.registry.areas import repository as areas
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import edition_in_force
from gridsvc.registry.grids import rebuild_repository as repository
from gridsvc.registry.grids.barriers import barrier_hashes
from gridsvc.registry.grids.rebuild_repository import GridOrigin
from gridsvc.spatial.grid_matching import same_ground
from gridsvc.spatial.gridding_barriers import Barriers


class Reason(StrEnum):
    """Why the unit grids of a community no longer fit."""

    NEW = "new"
    GONE = "gone"
    OUTLINE = "outline"
    BARRIERS = "barriers"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, eq=False)
class StaleCommunity:
    """A community whose unit grids do not fit: its name, why, its present outline (WGS84).

    ``outline`` is None when the community is gone. ``barriers_hash``: as the community is to be
    cut now. ``had_barriers``: whether its grids were cut along barriers.
    """

    code: str
    name: str
    reason: Reason
    outline: Any
    barriers_hash: str | None
    had_barriers: bool


def stale_communities(
    session: Session, districts: Sequence[str] = (), *, now: dt.datetime
) -> list[StaleCommunity]:
    """The communities in force that their grids do not fit any more, in code order.

    ``districts``: all that have unit grids when empty. Barriers are not asked about.
    """
    wanted = sorted(set(districts)) or repository.every_gridded_district(session)
    if not wanted:
        return []
    return staleness_of(session, wanted, edition_in_force(session, Level.COMMUNITY, now))[0]


def staleness_of(
    session: Session,
    districts: Sequence[str],
    source: Edition,
    *,
    barriers: Barriers | None = None,
    asked: Collection[str] = (),
) -> tuple[list[StaleCommunity], list[str]]:
    """The stale communities in code order, and the codes of those that fit.

    A community does not fit when its ground differs by more than a millionth from what its grids
    were cut from, when ``barriers`` (None: not asked about) meet it otherwise than they did, or
    when it is ``asked`` for. Raises BadCode when what is asked for is in none of the districts.
    """
    names = edition_repository.codes_in(session, source.id)
    codes, shapes = areas.geometries_in(session, source.id, districts)
    outlines = dict(zip(codes, shapes, strict=True))
    unknown = sorted(set(asked) - outlines.keys())
    if unknown:
        raise BadCode(
            f"{unknown[0]} is not a community of {', '.join(districts)} in the edition"
            f" {source.id!r}.",
            field="communities",
        )
    gridded = {found.community: found for found in repository.sources(session, districts)}
    moved = _moved(session, source, gridded, outlines)
    hashes = _hashes(barriers, outlines)
    # Barriers that a border has moved away from, or to, have not changed themselves.
    compared = hashes | _hashes(barriers, moved)
    found: list[StaleCommunity] = []
    fitting: list[str] = []
    for code in sorted(gridded.keys() | outlines.keys()):
        before = gridded.get(code)
        reason = _reason(code, before, code in outlines, code in moved, compared.get(code), asked)
        if reason is None:
            fitting.append(code)
            continue
        found.append(
            StaleCommunity(
                code=code,
                name=names.get(code, ""),
                reason=reason,
                outline=outlines.get(code),
                barriers_hash=hashes.get(code),
                had_barriers=before is not None and before.barriers_hash is not None,
            )
        )
    return found, fitting


def _reason(
    code: str,
    before: GridOrigin | None,
    there: bool,
    moved: bool,
    barriers_hash: str | None,
    asked: Collection[str],
) -> Reason | None:
    if before is None:
        return Reason.NEW
    if not there:
        return Reason.GONE
    if barriers_hash is not None and barriers_hash != before.barriers_hash:
        return Reason.BARRIERS
    if moved:
        return Reason.OUTLINE
    return Reason.ASKED if code in asked else None


def _hashes(barriers: Barriers | None, outlines: dict[str, Any]) -> dict[str, str]:
    if barriers is None:
        return {}
    return dict(zip(outlines, barrier_hashes(barriers, list(outlines.values())), strict=True))


def _moved(
    session: Session, source: Edition, gridded: dict[str, GridOrigin], outlines: dict[str, Any]
) -> dict[str, Any]:
    """The communities whose ground is not that which their grids were cut from: that ground."""
    former = _former_outlines(session, source, gridded)
    return {
        code: old
        for code, old in former.items()
        if code in outlines and not same_ground(old, outlines[code])
    }


def _former_outlines(
    session: Session, source: Edition, gridded: dict[str, GridOrigin]
) -> dict[str, Any]:
    """What communities were cut from, where it was not the edition in force.

    Where that edition is not known any more, the cells themselves tell it.
    """
    prefixes = sorted({code[:6] for code in gridded})
    outlines: dict[str, Any] = {}
    for edition_id in {before.edition_id for before in gridded.values()} - {None, source.id}:
        codes, shapes = areas.geometries_in(session, str(edition_id), prefixes)
        outlines |= {
            code: shape
            for code, shape in zip(codes, shapes, strict=True)
            if code in gridded and gridded[code].edition_id == edition_id
        }
    unknown = [
        code
        for code, before in gridded.items()
        if code not in outlines and before.edition_id != source.id
    ]
    cells: dict[str, list[Any]] = defaultdict(list)
    rows = repository.valid_grids(session, unknown)
    for code, shape in zip(rows.communities, rows.geometries, strict=True):
        cells[code].append(shape)
    return outlines | {code: shapely.union_all(own) for code, own in cells.items()}
