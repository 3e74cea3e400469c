"""Which procedure a report begins, and in what time: rules by channel and class, and grades."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.classes import ClassKey
from gridsvc.city.limits import Clock, Limit
from gridsvc.errors import BadFile

__all__ = ["Grade", "Rule", "read_grades", "read_rules", "table_rows"]

_ANY = "*"


@dataclass(frozen=True, slots=True)
class Grade:
    """How urgent a case is, and its limit."""

    name: str
    limit: Limit
    title: str
    title_zh: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Reports of a channel (``*``: any), a kind (``*``) and classes with a prefix begin so."""

    channel: str
    kind: str
    class_prefix: str
    procedure: str
    grade: str

    def fits(self, channel: str, key: ClassKey) -> bool:
        """Whether the rule speaks of a report."""
        return (
            self.channel in (_ANY, channel)
            and self.kind in (_ANY, key.kind)
            and key.code.startswith(self.class_prefix)
        )


def read_grades(path: Path) -> dict[str, Grade]:
    """The grades of a CSV: grade, hours, clock, title, title_zh. Raises BadFile with the line."""
    grades: dict[str, Grade] = {}
    for where, row in table_rows(path, ["grade", "hours", "clock", "title", "title_zh"]):
        try:
            limit = Limit(float(row["hours"]), Clock(row["clock"]))
        except ValueError as error:
            raise BadFile(
                f"{where}: {error}; hours are a number, the clock one of {', '.join(Clock)}."
            ) from None
        if not 0 < limit.hours < 87_600:
            raise BadFile(f"{where}: {row['hours']} hours are no limit.")
        if row["grade"] in grades or not row["grade"]:
            raise BadFile(f"{where}: the grade '{row['grade']}' is empty or stands twice.")
        grades[row["grade"]] = Grade(row["grade"], limit, row["title"], row["title_zh"])
    return grades


def read_rules(
    path: Path, procedures: Collection[str], grades: Mapping[str, Grade]
) -> tuple[Rule, ...]:
    """The rules of a CSV: channel, kind, class_prefix, procedure, grade; in the order of asking.

    Raises BadFile with the line for a rule that names what there is not, stands twice, or when
    no rule takes what is left.
    """
    rules: dict[tuple[str, str, str], Rule] = {}
    for where, row in table_rows(path, ["channel", "kind", "class_prefix", "procedure", "grade"]):
        rule = Rule(**row)
        if rule.procedure not in procedures:
            raise BadFile(f"{where}: there is no procedure '{rule.procedure}'.")
        if rule.grade not in grades:
            raise BadFile(f"{where}: there is no grade '{rule.grade}'.")
        if rule.kind not in (_ANY, "part", "event") or not rule.channel:
            raise BadFile(f"{where}: the kind is part, event or *, the channel a name or *.")
        if re.fullmatch("[0-9]{0,5}", rule.class_prefix) is None:
            raise BadFile(f"{where}: '{rule.class_prefix}' begins no class of five digits.")
        key = (rule.channel, rule.kind, rule.class_prefix)
        if key in rules:
            raise BadFile(f"{where}: an earlier line rules this already.")
        rules[key] = rule
    if (_ANY, _ANY, "") not in rules:
        raise BadFile(f"{path.name}, line 1: the rule '*,*,' for all the others is missing.")
    return tuple(sorted(rules.values(), key=_narrowness))


def _narrowness(rule: Rule) -> tuple[bool, int, bool]:
    return (rule.channel == _ANY, -len(rule.class_prefix), rule.kind == _ANY)


def table_rows(path: Path, columns: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV in UTF-8, each with its file and line. Raises BadFile."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames != columns:
                raise BadFile(
                    f"{path.name}, line 1: the columns are {reader.fieldnames}, but must be"
                    f" {columns}."
                )
            for row in reader:
                where = f"{path.name}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise BadFile(f"{where}: the line has not {len(columns)} fields.")
                yield where, row
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is no UTF-8 text ({error.reason}); save it as UTF-8.") from None
    except csv.Error as error:
        raise BadFile(f"{path.name} is no CSV ({error}).") from None
