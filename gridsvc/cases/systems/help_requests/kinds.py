"""Kinds of help (help_kinds.csv): how long one waits for somebody, and may rate afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_LONGEST_HOURS, _LONGEST_DAYS = 8_784, 366


@dataclass(frozen=True, slots=True)
class HelpKind:
    """A kind: somebody is wanted within ``hours`` unless the asker says by when."""

    kind: str
    title: str
    title_zh: str
    hours: float
    rate_days: int


def read_kinds(path: Path) -> Mapping[str, HelpKind]:
    """The kinds of a CSV, each once. Raises BadFile with file, line and reason."""
    found = {}
    for row in table(path, ["kind", "title", "title_zh", "hours", "rate_days"], key=["kind"]):
        try:
            hours, days = float(row["hours"]), int(row["rate_days"])
        except ValueError as error:
            raise BadFile(f"{row.where}: {error}; hours and rate_days are numbers.") from None
        if not 0 < hours <= _LONGEST_HOURS or not 0 < days <= _LONGEST_DAYS:
            raise BadFile(
                f"{row.where}: hours are above 0 and at most {_LONGEST_HOURS}, rate_days 1 to"
                f" {_LONGEST_DAYS}."
            )
        if not 0 < len(row["kind"]) <= 20:
            raise BadFile(f"{row.where}: a kind has 1 to 20 characters.")
        found[row["kind"]] = HelpKind(row["kind"], row["title"], row["title_zh"], hours, days)
    if not found:
        raise BadFile(f"{path.name}, line 1: there is no kind of help.")
    return found


#: A city's own ``help_kinds.csv``, else the shipped one.
HELP_KINDS = Table(Path(__file__).parent, lambda find: read_kinds(find("help_kinds.csv")))
