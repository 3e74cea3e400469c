"""What is watched for hot places: sets of classes and hours, and how seldom it may cry wolf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile, BadInput
from gridsvc.tables import Row, table

_COLUMNS = ["name", "title", "title_zh", "classes", "hours", "places", "alpha"]
_CLASS = re.compile(r"(part|event):\d{0,5}", re.ASCII)
_HOURS = re.compile(r"(\d|1\d|2[0-3])-(\d|1\d|2[0-4])", re.ASCII)
_CELLS = re.compile(r"unit_grid|h3-(7|8|9|10|11)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which reports count: ``classes`` like ``event:09`` (kind and the beginning of a code).

    None at all is every class. ``hours`` are those of the city's day: from, and up to but not with;
    the second may be smaller, over midnight. None is the whole day.
    """

    classes: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is scanned every day: which reports, in which places, with which chance of an alarm.

    ``places`` is ``unit_grid`` or ``h3-`` and a resolution; ``alpha`` the chance that a year in
    which nothing is hot has any alarm.
    """

    name: str
    title: str
    title_zh: str
    selection: Selection
    places: str
    alpha: float


def read_selection(classes: str, hours: str) -> Selection:
    """The reports that a text of classes (divided by blanks) and one of hours (22-6) mean.

    Raises BadInput.
    """
    kinds = tuple(classes.split())
    for one in kinds:
        if _CLASS.fullmatch(one) is None:
            raise BadInput(
                f"'classes': {one[:40]!r} is not event: or part: with up to 5 digits.",
                field="classes",
            )
    return Selection(kinds, _hours(hours))


def read_cells(text: str) -> str:
    """The kind of places that a text means. Raises BadInput."""
    if _CELLS.fullmatch(text) is None:
        raise BadInput(f"{text[:40]!r} is not unit_grid, or h3-7 to h3-11.", field="cells")
    return text


def load_watches(find: Find) -> Mapping[str, Watch]:
    """Read ``watches.csv``. Raises BadFile with file, line and reason."""
    rows = table(find("watches.csv"), _COLUMNS, key=["name"])
    return {row["name"]: _watch(row) for row in rows}


def _watch(row: Row) -> Watch:
    try:
        selection, places = read_selection(row["classes"], row["hours"]), read_cells(row["places"])
        alpha = float(row["alpha"])
    except BadInput as error:
        raise BadFile(f"{row.where}: {error.detail}") from None
    except ValueError:
        alpha = 0.0
    if not 0.001 <= alpha <= 0.5:
        raise BadFile(f"{row.where}: alpha is '{row['alpha'][:40]}'; write 0.001 to 0.5.")
    if not all(row[name] for name in ("name", "title", "title_zh")) or len(row["name"]) > 40:
        raise BadFile(f"{row.where}: a watch has a name of up to 40 letters and two titles.")
    return Watch(row["name"], row["title"], row["title_zh"], selection, places, alpha)


def _hours(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if found is None or int(found[1]) == int(found[2]):
        raise BadInput(
            f"'hours' is {text[:40]!r}; write the first hour and the one after the last: 22-6.",
            field="hours",
        )
    return int(found[1]), int(found[2])


#: A city's own ``watches.csv`` beside its procedures and rules, else the shipped one.
WATCHES = Table(Path(__file__).parent / "shipped", load_watches)
