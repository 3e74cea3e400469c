"""What another edition would route differently: its ground, and reports, parts and grids on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.cases.intake.reports_repository import report_points
from gridsvc.cases.intake.schemas import ReroutingAnswer
from gridsvc.errors import NotFound
from gridsvc.registry.editions.answers import (
    THINGS,
    Reader,
    RerouteCounts,
    ReroutedPage,
    answers_of,
    count_rerouted,
    rerouted_page,
)
from gridsvc.registry.editions.diff import EditionDiff, cut_grids, diff_editions
from gridsvc.registry.editions.schemas import CutAnswer

#: The stored places that an edition answers for, and how they are read.
KINDS: dict[str, Reader] = {"reports": report_points, **THINGS}


@dataclass(frozen=True, slots=True)
class Rerouting:
    """Two editions compared, and how many stored places of each kind go from whom to whom.

    A unit grid goes where a point inside it goes; ``cut`` are the cells that lose a part.
    """

    diff: EditionDiff
    tallies: dict[str, RerouteCounts]
    cut: tuple[CutAnswer, ...]

    def answer(self, *, most_moves: int | None = None) -> ReroutingAnswer:
        """The diff, and under each kind its tally; ``most_moves`` of each list."""
        return ReroutingAnswer(
            **dict(self.diff.answer(most_moves=most_moves)),
            **{kind: it.answer(most_moves=most_moves) for kind, it in self.tallies.items()},
            cut_unit_grids=len({(it.district_code, it.id) for it in self.cut}),
            cuts=self.cut[:most_moves],
        )


def rerouting(session: Session, index_dir: Path, before: str, after: str) -> Rerouting:
    """Compare two editions of one level, whatever their states, and what is stored on them.

    Stored placements stay as they are: this tells what would be answered. Raises what
    ``diff_editions`` raises.
    """
    diff = diff_editions(session, before, after)
    answers = answers_of(session, index_dir, before, after)
    tallies = {kind: count_rerouted(session, answers, read) for kind, read in KINDS.items()}
    return Rerouting(diff, tallies, cut_grids(session, diff.moves))


def rerouted(
    session: Session,
    index_dir: Path,
    before: str,
    after: str,
    kind: str,
    *,
    limit: int,
    cursor: str | None = None,
    prefix: str = "",
) -> ReroutedPage:
    """The stored places of one kind that would be answered otherwise, a page at a time.

    Of the districts whose code begins with ``prefix``.

    Raises NotFound for an unknown kind, BadInput for a wrong cursor, and what ``diff_editions``
    raises.
    """
    if kind not in KINDS:
        raise NotFound(f"A diff has no {kind[:40]!r}; it has {', '.join(KINDS)}.")
    answers = answers_of(session, index_dir, before, after)
    return rerouted_page(session, answers, KINDS[kind], limit=limit, cursor=cursor, prefix=prefix)
