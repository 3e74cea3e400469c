"""What kinds of places care for children: of which ages, and how many of them come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_COLUMNS = ["kind", "title", "title_zh", "first_age", "last_age", "uptake", "source"]
#: Residents are counted by single years up to this age.
OLDEST = 6


@dataclass(frozen=True, slots=True)
class Care:
    """A kind of place: its names, the ages on August 31 that it takes, the share that comes."""

    kind: str
    title: str
    title_zh: str
    ages: tuple[int, ...]
    uptake: float


def read_care(path: Path) -> Mapping[str, Care]:
    """The kinds of a CSV. Raises BadFile with file, line and reason."""
    found = {}
    for row in table(path, _COLUMNS, key=["kind"]):
        try:
            first, last, uptake = int(row["first_age"]), int(row["last_age"]), float(row["uptake"])
        except ValueError:
            raise BadFile(f"{row.where}: ages are whole numbers, the uptake a share.") from None
        if not (0 <= first <= last <= OLDEST and 0 < uptake <= 1):
            raise BadFile(
                f"{row.where}: ages go from 0 to {OLDEST}, and the uptake is above 0, at most 1."
            )
        ages = tuple(range(first, last + 1))
        found[row["kind"]] = Care(row["kind"], row["title"], row["title_zh"], ages, uptake)
    return found


#: A city's own ``care.csv``, else the shipped one.
CARE = Table(Path(__file__).parent / "shipped", lambda find: read_care(find("care.csv")))
