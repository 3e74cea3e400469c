"""Every procedure in all its versions, and the rules and grades that choose one and its limit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.classes import ClassKey
from gridsvc.city.procedures.loader import load_procedure
from gridsvc.city.procedures.model import Procedure
from gridsvc.errors import BadFile, BadInput, Unavailable
from gridsvc.tables import table

_SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True, slots=True)
class Library:
    """Procedures by name and version, grades by name, and the rules in the order of asking."""

    procedures: Mapping[tuple[str, int], Procedure]
    grades: Mapping[str, Grade]
    rules: tuple[Rule, ...]

    def get(self, name: str, version: int) -> Procedure:
        """That version of a procedure. Raises Unavailable when its file is gone."""
        found = self.procedures.get((name, version))
        if found is None:
            raise Unavailable(
                f"A case runs by '{name}' in version {version}, whose file is missing; put"
                f" {name}_v{version}.toml back into GRIDSVC_PROCEDURES_DIR."
            )
        return found

    def of(self, name: str, version: int | None = None) -> Procedure:
        """A procedure in a version, or in its newest one."""
        return self.newest(name) if version is None else self.get(name, version)

    def newest(self, name: str) -> Procedure:
        """The newest version, by which new cases begin. Raises BadInput for an unknown name."""
        versions = [version for known, version in self.procedures if known == name]
        if not versions:
            known = ", ".join(sorted({known for known, _ in self.procedures}))
            raise BadInput(
                f"There is no procedure '{name[:40]}'; there are {known}.", field="procedure"
            )
        return self.procedures[name, max(versions)]

    def newest_of_all(self) -> tuple[Procedure, ...]:
        """The newest version of every procedure, by name."""
        return tuple(self.newest(name) for name in sorted({name for name, _ in self.procedures}))

    def rule_for(self, channel: str, key: ClassKey) -> Rule:
        """The rule of a channel and a class: the channel's own first, then the narrowest class."""
        return next(rule for rule in self.rules if rule.fits(channel, key))


def load_library(folders: Sequence[Path], own: Path | None = None) -> Library:
    """Read the procedures of the systems' folders, then those of a city's ``own``.

    A later folder may add procedures and versions, never change one. The ``rules.csv`` and
    ``grades.csv`` of a city replace the shipped ones. Raises BadFile with file, line and reason.
    """
    found: dict[tuple[str, int], Procedure] = {}
    for folder in [*folders, *([] if own is None else [own])]:
        if not folder.is_dir():
            raise BadFile(f"The procedures are not in {folder}; see GRIDSVC_PROCEDURES_DIR.")
        for path in sorted(folder.glob("*.toml")):
            one = load_procedure(path)
            if path.name != f"{one.name}_v{one.version}.toml":
                raise BadFile(
                    f"{path.name}, line 1: it holds version {one.version} of '{one.name}', so it"
                    f" must be named {one.name}_v{one.version}.toml."
                )
            if (one.name, one.version) in found:
                raise BadFile(
                    f"{path.name}, line 1: version {one.version} of '{one.name}' already exists,"
                    " and cases may run by it; give the changed procedure the next version."
                )
            found[one.name, one.version] = one
    grades = read_grades(_file(own, "grades.csv"))
    rules = read_rules(_file(own, "rules.csv"), {name for name, _ in found}, grades)
    made = Library(found, grades, rules)
    for one in found.values():
        _check_raise(made, one)
    return made


def _file(own: Path | None, name: str) -> Path:
    return own / name if own is not None and (own / name).is_file() else _SHIPPED / name


def _check_raise(made: Library, one: Procedure) -> None:
    """A case is raised to a procedure that there is, a whistle by one level at a time."""
    raised = one.acts.get("raise")
    if raised is None:
        return
    file = f"{one.name}_v{one.version}.toml"
    if all(name != raised.to for name, _ in made.procedures):
        raise BadFile(f"{file}: a case is raised to '{raised.to}', but there is no such procedure.")
    if one.level is None:
        return
    above = made.newest(raised.to).level
    if above != (one.level + 1 if one.level < 3 else None):
        wanted = f"level {one.level + 1}" if one.level < 3 else "the district or the city"
        raise BadFile(
            f"{file}: a whistle of level {one.level} is raised to {wanted}, but '{raised.to}' is"
            f" {'no whistle' if above is None else f'of level {above}'}; no level may be skipped."
        )


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
            raise BadFile(f"{row.where}: {row['hours']} hours is not a limit.")
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
            raise BadFile(
                f"{row.where}: '{rule.class_prefix}' does not begin a class of five digits."
            )
        rules.append(rule)
    if not any((rule.channel, rule.kind, rule.class_prefix) == (_ANY, _ANY, "") for rule in rules):
        raise BadFile(f"{path.name}, line 1: the rule '*,*,' for everything else is missing.")
    return tuple(sorted(rules, key=_narrowness))


def _narrowness(rule: Rule) -> tuple[bool, int, bool]:
    return (rule.channel == _ANY, -len(rule.class_prefix), rule.kind == _ANY)
