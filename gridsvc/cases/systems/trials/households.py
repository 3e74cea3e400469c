"""Who has a vote: one household for the many spellings of its address, in batches that part."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gridsvc.cases.intake.address import normalised
from gridsvc.errors import BadInput

#: In a smaller batch the counts would tell who voted how.
FEWEST = 3
_MOST_BATCHES = 50
_MOST_LETTERS = 80
#: 3号楼2单元502室 and 3-2-502 are one household.
_LEVEL = re.compile(r"(?<=\d)(?:楼|单元|门|室|户|号)(?=\d|$)")


@dataclass(frozen=True, slots=True)
class Batch:
    """The households of an area, as somebody wrote them or in their one form."""

    area: str
    households: tuple[str, ...]


def household_of(written: str) -> str:
    """The one form of a household's address. Raises BadInput for a text without one."""
    form = _LEVEL.sub("-", normalised(written)).strip("-")
    if not 0 < len(form) <= _MOST_LETTERS:
        raise BadInput(
            f"'households': {written[:40]!r} is not an address; write 3号楼2单元502室 or 3-2-502.",
            field="households",
        )
    return form


def check_batches(batches: Sequence[Batch]) -> list[Batch]:
    """The batches in one form: no household votes twice. Raises BadInput."""
    if not 1 <= len(batches) <= _MOST_BATCHES:
        raise BadInput(f"'batches' has 1 to {_MOST_BATCHES} batches.", field="batches")
    areas = sorted({batch.area for batch in batches})
    for wider, narrower in itertools.pairwise(areas):
        if narrower.startswith(wider):
            raise BadInput(
                f"'batches': {narrower} lies in {wider}; a household of both would vote twice.",
                field="batches",
            )
    written_as: dict[tuple[str, str], str] = {}
    found = []
    for batch in batches:
        forms = []
        for written in batch.households:
            form = household_of(written)
            if (before := written_as.get((batch.area, form))) is not None:
                raise BadInput(
                    f"'households': {written[:40]!r} of {batch.area} is the household"
                    f" {before[:40]!r}; each has one vote.",
                    field="households",
                )
            written_as[batch.area, form] = written
            forms.append(form)
        if len(forms) < FEWEST:
            raise BadInput(
                f"A batch has at least {FEWEST} households: the counts of fewer would tell who"
                " voted how.",
                field="households",
            )
        found.append(Batch(batch.area, tuple(forms)))
    return found
