"""When recurring places are looked at again: a rule of dates for each matter, data of the city."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_COLUMNS = ["group", "class", "before", "lead_days", "source"]


@dataclass(frozen=True, slots=True)
class Season:
    """A rule: what is said with the words of ``group``, or is of classes that begin with ``class``.

    It is looked at from ``lead_days`` before a day of the year, and before that day.
    """

    group: str
    class_prefix: str
    month: int
    day: int
    lead_days: int

    def due(self, day: dt.date) -> dt.date | None:
        """The day before which it must be looked at, if it may be on this one; else None."""
        for year in (day.year, day.year + 1):
            before = dt.date(year, self.month, self.day)
            if before - dt.timedelta(days=self.lead_days) <= day < before:
                return before
        return None


def season_of(seasons: Sequence[Season], groups: Sequence[str], class_code: str) -> Season | None:
    """The rule for a matter: that of a group of words, else of the longest fitting class."""
    for season in seasons:
        if season.group and season.group in groups:
            return season
    fitting = [one for one in seasons if not one.group and class_code.startswith(one.class_prefix)]
    return max(fitting, key=lambda one: len(one.class_prefix), default=None)


def read_seasons(path: Path) -> tuple[Season, ...]:
    """The rules of a CSV. Raises BadFile with file, line and reason."""
    found = []
    for row in table(path, _COLUMNS, key=["group", "class"]):
        if bool(row["group"]) == bool(row["class"]):
            raise BadFile(f"{row.where}: a rule is for a group of words, or for a class.")
        if row["class"] and re.fullmatch("[0-9]{1,5}", row["class"]) is None:
            raise BadFile(f"{row.where}: '{row['class']}' does not begin a class of five digits.")
        try:
            # Of a year without a leap day: no rule is for February 29.
            before = dt.date.fromisoformat(f"2025-{row['before']}")
        except ValueError:
            raise BadFile(
                f"{row.where}: before is '{row['before']}'; write month and day, as 06-01."
            ) from None
        if not row["lead_days"].isdigit() or not 1 <= int(row["lead_days"]) <= 180:
            raise BadFile(f"{row.where}: lead_days is '{row['lead_days']}'; write 1 to 180.")
        found.append(
            Season(row["group"], row["class"], before.month, before.day, int(row["lead_days"]))
        )
    return tuple(found)


#: A city's own ``seasons.csv``, else the shipped one.
SEASONS = Table(Path(__file__).parent, lambda find: read_seasons(find("seasons.csv")))
