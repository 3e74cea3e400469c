"""Which stored places another edition would answer otherwise for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from gridsvc.errors import BadInput
from gridsvc.registry.editions.diff import comparable_editions
from gridsvc.registry.editions.points import PlacedThings, grid_points, part_points
from gridsvc.registry.editions.schemas import AnswersMoved, ReroutedAnswer, TallyAnswer
from gridsvc.registry.placement.repository import areas_of
from gridsvc.registry.placement.store import locator_of
from gridsvc.spatial.locator import Locator

_CHUNK = 20_000

#: Reads stored places in the order of their keys: after a key, so many.
Reader = Callable[[Session, tuple[str, str], int], PlacedThings]

#: What the registry holds of places, and how it is read.
THINGS: dict[str, Reader] = {"parts": part_points, "unit_grids": grid_points}


@dataclass(frozen=True, slots=True)
class ReroutedPage:
    """Places in the order of district and id, and the cursor of the next page, if there is one."""

    things: tuple[ReroutedAnswer, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RerouteCounts:
    """How many places were looked at, and how many go from whom to whom, the most first."""

    looked_at: int
    moves: tuple[tuple[str | None, str | None, int], ...]

    @property
    def rerouted(self) -> int:
        """How many are answered for by somebody else."""
        return sum(count for _, _, count in self.moves)

    def answer(self, *, most_moves: int | None = None) -> TallyAnswer:
        """The counts, with so many of the moves; None: all."""
        moves = [
            AnswersMoved(before=before, after=after, count=count)
            for before, after, count in self.moves[:most_moves]
        ]
        return TallyAnswer.of(self, moves=moves)


@dataclass(frozen=True, slots=True)
class Answers:
    """Two editions that answer for points; both exactly, as a look-up does."""

    before: Locator
    after: Locator

    def of(
        self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
        """The codes before and after of n WGS84 points, '' for nobody."""
        return self._codes(self.before, lon, lat), self._codes(self.after, lon, lat)

    @staticmethod
    def _codes(
        locator: Locator, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.str_]:
        codes = np.array([*locator.codes, ""], dtype="U12")
        return codes[locator.locate(lon, lat)]


def answers_of(session: Session, index_dir: Path, before: str, after: str) -> Answers:
    """The answers of two editions, whatever their states; indexes are kept in ``index_dir``.

    Raises what ``comparable_editions`` raises.
    """
    found = []
    for edition in comparable_editions(session, before, after):
        rows = areas_of(session.connection(), edition.id)
        found.append(locator_of(index_dir, edition.level, rows.wkb, rows.codes))
    return Answers(*found)


def count_rerouted(session: Session, answers: Answers, read: Reader) -> RerouteCounts:
    """Count all places of a kind that another code answers for."""
    looked_at, moves = 0, Counter[tuple[str | None, str | None]]()
    for things in _chunks(session, read, ("", "")):
        looked_at += len(things.ids)
        before, after = answers.of(things.lon, things.lat)
        other = before != after
        moves.update(
            (old or None, new or None)
            for old, new in zip(before[other].tolist(), after[other].tolist(), strict=True)
        )
    ordered = sorted(moves.items(), key=lambda it: (-it[1], it[0][0] or "", it[0][1] or ""))
    return RerouteCounts(looked_at, tuple((old, new, count) for (old, new), count in ordered))


def rerouted_page(
    session: Session,
    answers: Answers,
    read: Reader,
    *,
    limit: int,
    cursor: str | None = None,
    prefix: str = "",
) -> ReroutedPage:
    """The places of a kind that another code answers for, a page at a time.

    ``prefix``: only those of districts whose code begins so. ``cursor`` is ``next`` of the page
    before. Raises BadInput for a cursor that no page gave.
    """
    found: list[ReroutedAnswer] = []
    for things in _chunks(session, read, max(_key(cursor), (prefix, ""))):
        before, after = answers.of(things.lon, things.lat)
        for i in np.flatnonzero(before != after).tolist():
            if not things.districts[i].startswith(prefix):
                return ReroutedPage(tuple(found), None)
            found.append(
                ReroutedAnswer(
                    district_code=things.districts[i],
                    id=things.ids[i],
                    before=str(before[i]) or None,
                    after=str(after[i]) or None,
                )
            )
            if len(found) > limit:
                last = found[limit - 1]
                return ReroutedPage(tuple(found[:limit]), f"{last.district_code}.{last.id}")
    return ReroutedPage(tuple(found), None)


def _chunks(session: Session, read: Reader, after: tuple[str, str]) -> Iterator[PlacedThings]:
    while True:
        things = read(session, after, _CHUNK)
        if things.ids:
            yield things
        if len(things.ids) < _CHUNK:
            return
        after = (things.districts[-1], things.ids[-1])


def _key(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    district, dot, id = cursor.partition(".")
    if not (dot and id and district.isdecimal() and len(cursor) <= 60):
        raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
    return district, id
