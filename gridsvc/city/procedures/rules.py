"""Which procedure a report begins, and in what time: rules by channel and class, and grades."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.classes import ClassKey
from gridsvc.errors import BadFile
from gridsvc.tables import table

__all__ = ["Grade", "Rule", "read_grades", "read_rules"]

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
    columns = ["grade", "hours", "clock", "title", "title_zh"]
    for row in table(path, columns, key=["grade"]):
        try:
            limit = Limit(float(row["hours"]), Clock(row["clock"]))
        except ValueError as error:
            raise BadFile(
                f"{row.where}: {error}; hours are a number, the clock one of {', '.join(Clock)}."
            ) from None
        if not 0 < limit.hours < 87_600:
            raise BadFile(f"{row.where}: {row['hours']} hours are no limit.")
        if not row["grade"]:
            raise BadFile(f"{row.where}: the grade is empty.")
        grades[row["grade"]] = Grade(row["grade"], limit, row["title"], row["title_zh"])
    return grades


def read_rules(
    path: Path, procedures: Collection[str], grades: Mapping[str, Grade]
) -> tuple[Rule, ...]:
    """The rules of a CSV: channel, kind, class_prefix, procedure, grade; in the order of asking.

    Raises BadFile with the line for a rule that names what there is not, is duplicated, or when
    no rule takes what is left.
    """
    rules: list[Rule] = []
    columns = ["channel", "kind", "class_prefix", "procedure", "grade"]
    for row in table(path, columns, key=columns[:3]):
        rule = Rule(**row)
        if rule.procedure not in procedures:
            raise BadFile(f"{row.where}: there is no procedure '{rule.procedure}'.")
        if rule.grade not in grades:
            raise BadFile(f"{row.where}: there is no grade '{rule.grade}'.")
        if rule.kind not in (_ANY, "part", "event") or not rule.channel:
            raise BadFile(f"{row.where}: the kind is part, event or *, the channel a name or *.")
        if re.fullmatch("[0-9]{0,5}", rule.class_prefix) is None:
            raise BadFile(f"{row.where}: '{rule.class_prefix}' begins no class of five digits.")
        rules.append(rule)
    if not any((rule.channel, rule.kind, rule.class_prefix) == (_ANY, _ANY, "") for rule in rules):
        raise BadFile(f"{path.name}, line 1: the rule '*,*,' for all the others is missing.")
    return tuple(sorted(rules, key=_narrowness))


def _narrowness(rule: Rule) -> tuple[bool, int, bool]:
    return (rule.channel == _ANY, -len(rule.class_prefix), rule.kind == _ANY)
