"""How long each kind of personal data is kept, by class: a table that a city changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.tables import table


class Kind(StrEnum):
    """What is kept for a time: of a report since its case was closed, else since it was written."""

    CONTACT = "contact"
    WORDS = "words"
    TRACE = "trace"
    PHOTOS = "photos"
    MESSAGES = "messages"


#: Those that belong to a case, and so may be kept longer for one class than for another.
OF_CASES = (Kind.CONTACT, Kind.WORDS, Kind.TRACE, Kind.PHOTOS)


@dataclass(frozen=True, slots=True)
class Periods:
    """Days by the beginning of a class code; of several beginnings, the longest counts."""

    days: Mapping[Kind, Mapping[str, int]]


def load_periods(find: Find) -> Periods:
    """Read ``retention.csv``: a line for each kind, and any for single classes. Raises BadFile."""
    path = find("retention.csv")
    days: dict[Kind, dict[str, int]] = {}
    for row in table(path, ["kind", "class", "days", "source"], key=["kind", "class"]):
        if row["kind"] not in list(Kind):
            raise BadFile(f"{row.where}: kind is '{row['kind']}'; there are {', '.join(Kind)}.")
        kind, code = Kind(row["kind"]), row["class"]
        if code and (kind not in OF_CASES or not code.isdigit() or len(code) > 5):
            raise BadFile(
                f"{row.where}: class is '{code}'; write up to five digits, none for what belongs to"
                " no case."
            )
        if not row["days"].isdigit() or int(row["days"]) > 36_500:
            raise BadFile(f"{row.where}: days is '{row['days']}'; write 0 to 36500.")
        days.setdefault(kind, {})[code] = int(row["days"])
    for kind in Kind:
        if "" not in days.get(kind, {}):
            raise BadFile(f"{path.name}: a line for '{kind}' of every class is missing.")
    return Periods(days)


#: A city's own ``retention.csv`` beside its procedures and rules, where it has one.
PERIODS = Table(Path(__file__).parent / "shipped", load_periods)
