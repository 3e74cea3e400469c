"""Unit grids are repaired where their communities changed; all others keep code and polygon."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from gridsvc.city.calendar import Calendar
from gridsvc.codes import Level
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.editions.service import edition_in_force
from gridsvc.registry.grids import rebuild_repository, repository
from gridsvc.registry.grids.matching import Matched, cut_anew, match
from gridsvc.registry.grids.measures import city_measures
from gridsvc.registry.grids.rebuild_writing import (
    Kept,
    Rebuild,
    RebuiltCommunity,
    Successor,
    Voided,
    write_rebuild,
)
from gridsvc.registry.grids.service import checked_districts, telling
from gridsvc.registry.grids.staleness import StaleCommunity, staleness_of
from gridsvc.registry.grids.storing import GridNumber, number_cells
from gridsvc.spatial.gridding_barriers import Barriers

#: A code stays with a cell that shares so much of both: the tenth by which the standard lets the
#: size of a cell differ.
KEEP_SHARE = 0.9


def rebuild_grids(
    session: Session,
    districts: Sequence[str] = (),
    *,
    barriers: Barriers | None = None,
    without_barriers: bool = False,
    communities: Sequence[str] = (),
    keep_share: float = KEEP_SHARE,
    commit: bool = False,
    progress: Callable[[str], None] | None = None,
    calendar: Calendar,
    now: dt.datetime,
) -> Rebuild:
    """Recut what no longer fits, and say which cells keep their code and which are void.

    ``districts``: all that have unit grids when empty; where ground goes from one district to
    another, name both. A community is recut when its ground is not that which its grids were
    cut from: then only around what it gained and lost. It is recut as a whole when ``barriers``
    meet it otherwise than they did, and when it is one of ``communities``. All other cells are not
    touched.

    A new cell keeps the code of the old one in its community with which it shares at least
    ``keep_share`` of both: one code is one place. All other old cells become void, with reason,
    date and the cells that took their ground; all other new ones get numbers never used before.
    Without ``commit`` nothing is written, and the answer is what would be. The city's day of
    ``now`` is the first on which the new cells answer.

    Raises BadInput for a ``keep_share`` that lets two cells claim one code; NotFound where there
    are no unit grids; Conflict when communities were cut along barriers and none are given
    (``without_barriers``: they are to be cut without); and what numbering raises.
    """
    started = time.perf_counter()
    tell = progress or (lambda _: None)
    if not 0.5 < keep_share <= 1.0:
        raise BadInput(
            f"keep_share is {keep_share:g}; give more than 0.5, so that no two cells claim one"
            " code, and at most 1.",
            field="keep_share",
        )
    wanted = _gridded(session, districts)
    repository.lock_districts(session, wanted)
    source = edition_in_force(session, Level.COMMUNITY, now)
    tell("Comparing communities with what their unit grids were cut from.")
    found, fitting = staleness_of(session, wanted, source, barriers=barriers, asked=communities)
    if barriers is None and not without_barriers:
        _refuse_to_forget_barriers(found)
    tell(f"{len(found):,} of {len(found) + len(fitting):,} communities do not fit.")
    ground = cut_anew(session, found, barriers, telling(tell))
    matched = match(session, ground, keep_share)
    numbers = number_cells(session, [matched.cells[k].community for k in matched.numbered])
    voided = _voided(matched, numbers)
    edition_id, moved = None, 0
    if commit and (found or fitting):
        edition_id, moved = write_rebuild(
            session, wanted, source, found, fitting, matched, numbers, voided, calendar, now
        )
    return Rebuild(
        committed=commit,
        edition_id=edition_id,
        communities_edition_id=source.id,
        keep_share=keep_share,
        day=calendar.day(now),
        communities=_by_community(found, matched),
        fitting=len(fitting),
        kept=tuple(
            Kept(matched.old.districts[old], matched.old.codes[old], share)
            for old, _, share in matched.kept
        ),
        voided=voided,
        new=tuple(
            (matched.cells[k].community, str(number.local))
            for k, number in zip(matched.numbered, numbers, strict=True)
        ),
        parts_moved=moved,
        city=city_measures(ground.grids),
        seconds=time.perf_counter() - started,
    )


def _gridded(session: Session, districts: Sequence[str]) -> list[str]:
    there = rebuild_repository.every_gridded_district(session)
    if not there:
        raise NotFound("No district has unit grids; make them with 'gridsvc grids build'.")
    wanted = checked_districts(districts) if districts else there
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise NotFound(
            f"District {missing[0]} has no unit grids; make them with 'gridsvc grids build'.",
            field="districts",
        )
    return wanted


def _refuse_to_forget_barriers(found: Sequence[StaleCommunity]) -> None:
    followed = [stale.code for stale in found if stale.had_barriers and stale.outline]
    if followed:
        raise Conflict(
            f"The unit grids of {followed[0]} follow roads, walls or buildings ({len(followed):,}"
            " communities in all); give the files again (--roads, --walls, --rivers,"
            " --buildings), or say --without-barriers."
        )


def _voided(matched: Matched, numbers: Sequence[GridNumber]) -> tuple[Voided, ...]:
    """The old cells whose codes end, each with what took its ground, the most first."""
    name = {
        k: (matched.cells[k].community[:6], str(number.local))
        for k, number in zip(matched.numbered, numbers, strict=True)
    }
    name |= {
        new: (matched.old.districts[old], matched.old.codes[old]) for old, new, _ in matched.kept
    }
    return tuple(
        Voided(
            matched.old.districts[old],
            matched.old.codes[old],
            matched.old.communities[old],
            tuple(
                Successor(*name[overlap.new], overlap.shared_m2, overlap.of_old)
                for overlap in sorted(
                    matched.taken[old], key=lambda it: (-it.shared_m2, name[it.new])
                )
            ),
        )
        for old in matched.void
    )


def _by_community(
    found: Sequence[StaleCommunity], matched: Matched
) -> tuple[RebuiltCommunity, ...]:
    unchanged = Counter(matched.old.communities[k] for k in matched.unchanged)
    kept = Counter(matched.old.communities[old] for old, _, _ in matched.kept)
    void = Counter(matched.old.communities[k] for k in matched.void)
    new = Counter(matched.cells[k].community for k in matched.numbered)
    return tuple(
        RebuiltCommunity(
            stale.code,
            stale.name,
            stale.reason,
            unchanged[stale.code],
            kept[stale.code],
            void[stale.code],
            new[stale.code],
        )
        for stale in found
    )
