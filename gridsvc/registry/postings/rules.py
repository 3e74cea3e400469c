"""Kinds of postings and limits of answers: data of the city, checked on load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile
from gridsvc.tables import Row, table

_LONGEST_HOURS = 8_784.0
_FASTEST_KMH = 200.0
_LATEST_MIN = 1_440.0
_E = TypeVar("_E", bound=StrEnum)


class PostingKind(StrEnum):
    """How somebody belongs to a street's roster."""

    #: 派驻: sits in the street's enforcement centre.
    POSTED = "posted"
    #: 随叫随到: elsewhere, and comes when called.
    ON_CALL = "on_call"
    #: 联络: is told, and does not come.
    LIAISON = "liaison"


class Answered(StrEnum):
    """What is answered within a limit: the street's opinion, a replacement that it asked for."""

    OPINION = "opinion"
    REPLACEMENT = "replacement"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: how long until somebody has left, and how fast they come; None: they do not."""

    kind: PostingKind
    title: str
    title_zh: str
    leaves_after_min: float | None
    speed_kmh: float | None

    def minutes(self, metres: float) -> float | None:
        """Minutes until somebody is there who starts so far away, None for who does not come."""
        if self.leaves_after_min is None or self.speed_kmh is None:
            return None
        return self.leaves_after_min + metres / 1000 / self.speed_kmh * 60


@dataclass(frozen=True, slots=True)
class PostingRules:
    """The rules of a city: every kind, every limit."""

    kinds: Mapping[PostingKind, Kind]
    limits: Mapping[Answered, Limit]


def read_rules(find: Find) -> PostingRules:
    """Read ``posting_kinds.csv`` and ``posting_limits.csv``.

    Raises BadFile with file, line and reason.
    """
    path, kinds = find("posting_kinds.csv"), dict[PostingKind, Kind]()
    columns = ["kind", "title", "title_zh", "leaves_after_min", "speed_kmh"]
    for row in table(path, columns, key=["kind"]):
        kind = _one_of(row, "kind", PostingKind)
        leaves = _number(row, "leaves_after_min", 0, _LATEST_MIN)
        speed = _number(row, "speed_kmh", 1, _FASTEST_KMH)
        comes = kind is not PostingKind.LIAISON
        if (leaves is None) == comes or (speed is None) == comes:
            raise BadFile(
                f"{row.where}: leaves_after_min and speed_kmh are given for who comes, and empty"
                " for liaison."
            )
        kinds[kind] = Kind(kind, row["title"], row["title_zh"], leaves, speed)
    limits = {}
    limits_path = find("posting_limits.csv")
    for row in table(limits_path, ["what", "hours", "clock", "source"], key=["what"]):
        hours = _number(row, "hours", 1, _LONGEST_HOURS)
        if hours is None:
            raise BadFile(f"{row.where}: a limit has its hours.")
        limits[_one_of(row, "what", Answered)] = Limit(hours, _one_of(row, "clock", Clock))
    for where, wanted, found in (
        (path, PostingKind, set[str](kinds)),
        (limits_path, Answered, set[str](limits)),
    ):
        if lacking := [one.value for one in wanted if one not in found]:
            raise BadFile(f"{where.name}, line 1: '{lacking[0]}' is missing.")
    return PostingRules(kinds, limits)


def _one_of(row: Row, name: str, known: type[_E]) -> _E:
    try:
        return known(row[name])
    except ValueError:
        raise BadFile(
            f"{row.where}: '{row[name][:40]}' is not one of {', '.join(known)}."
        ) from None


def _number(row: Row, name: str, least: float, most: float) -> float | None:
    if not row[name]:
        return None
    try:
        value = float(row[name])
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise BadFile(f"{row.where}: {name} must be a number from {least:g} to {most:g}.")
    return value


#: A city's own ``posting_kinds.csv`` and ``posting_limits.csv``, each where it has one.
POSTING_RULES = Table(Path(__file__).parent, read_rules)
