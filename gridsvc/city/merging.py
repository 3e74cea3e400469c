"""The tables of what makes two reports one: how near, which classes, which words name no place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import Row, table

_SHIPPED = Path(__file__).parent / "shipped"
_COLUMNS = ["kind", "class_prefix", "citizen_m", "exact_m", "reason"]
_KIN_COLUMNS = ["group", "kind", "class", "reason"]
#: In the table, both kinds.
ANY = "*"
#: Nothing farther away than this is taken for the same thing by its distance alone.
_MOST_M = 2_000.0


@dataclass(frozen=True, slots=True)
class ClassDistance:
    """Metres within which reports of a kind (``*``: both) and of classes with a prefix join.

    ``citizen_m`` is for people with a telephone, ``exact_m`` for grid workers, who stand at the
    place.
    """

    kind: str
    class_prefix: str
    citizen_m: float
    exact_m: float


def read_distances(path: Path) -> tuple[ClassDistance, ...]:
    """The lines of a CSV, the narrowest class first.

    Raises BadFile with file, line and reason.
    """
    lines = [_line(row) for row in table(path, _COLUMNS, key=["kind", "class_prefix"])]
    return tuple(sorted(lines, key=lambda line: (-len(line.class_prefix), line.kind == ANY)))


@dataclass(frozen=True, slots=True)
class Kin:
    """A class of a kind (``*``: both) that people take for the others of its group."""

    group: str
    kind: str
    code: str


def read_kin(path: Path) -> tuple[Kin, ...]:
    """The lines of a CSV, those of one kind first.

    Raises BadFile with file, line and reason.
    """
    lines = [_kin(row) for row in table(path, _KIN_COLUMNS, key=["kind", "class"])]
    return tuple(sorted(lines, key=lambda line: line.kind == ANY))


def read_generic_places(path: Path) -> re.Pattern[str]:
    """The words of a file, one a line, that name no place by themselves, the longest first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


#: A city's own ``generic_places.txt``, else the shipped one.
GENERIC_PLACES = Table(_SHIPPED, lambda find: read_generic_places(find("generic_places.txt")))
#: A city's own ``merging.csv``, else the shipped one.
DISTANCES = Table(_SHIPPED, lambda find: read_distances(find("merging.csv")))
#: A city's own ``kin.csv``, else the shipped one.
KIN = Table(_SHIPPED, lambda find: read_kin(find("kin.csv")))


def _kin(row: Row) -> Kin:
    _check_kind(row)
    if not row["group"]:
        raise BadFile(f"{row.where}: the group is empty; name what its classes have in common.")
    if re.fullmatch("[0-9]{5}", row["class"]) is None:
        raise BadFile(f"{row.where}: '{row['class']}' is not a class of five digits.")
    return Kin(row["group"], row["kind"], row["class"])


def _check_kind(row: Row) -> None:
    if row["kind"] not in (ANY, "part", "event"):
        raise BadFile(f"{row.where}: the kind is '{row['kind']}', but must be part, event or *.")


def _line(row: Row) -> ClassDistance:
    _check_kind(row)
    if re.fullmatch("[0-9]{1,5}", row["class_prefix"]) is None:
        raise BadFile(
            f"{row.where}: '{row['class_prefix']}' does not begin a class of five digits."
        )
    metres = [_metres(row.where, name, row[name]) for name in ("citizen_m", "exact_m")]
    return ClassDistance(row["kind"], row["class_prefix"], *metres)


def _metres(where: str, name: str, value: str) -> float:
    try:
        metres = float(value)
    except ValueError:
        metres = math.nan
    if not 0 < metres <= _MOST_M:
        raise BadFile(
            f"{where}: {name} is '{value}', but must be metres above 0, up to {_MOST_M:,.0f}."
        )
    return metres
