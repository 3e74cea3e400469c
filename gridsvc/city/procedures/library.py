"""Reads every procedure in all its versions, and the rules and grades that choose among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.procedures.loader import load_procedure
from gridsvc.city.procedures.model import ANY, Grade, Library, Procedure, Rule
from gridsvc.errors import BadFile
from gridsvc.tables import table

_SHIPPED = Path(__file__).parent / "shipped"


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
    if above != one.level + 1 and not (one.level >= 3 and above is None):
        wanted = f"level {one.level + 1}" if one.level < 3 else "the district or the city"
        raise BadFile(
            f"{file}: a whistle of level {one.level} is raised to {wanted}, but '{raised.to}' is"
            f" {'no whistle' if above is None else f'of level {above}'}; no level may be skipped."
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
    """The rules of a CSV in the order of asking; it may have a column ``citizen_procedure``.

    A rule of a channel may leave the grade to the class. Raises BadFile with the line for a rule
    that names what there is not, is duplicated, or when no rule takes what is left.
    """
    rules: list[Rule] = []
    columns = ["channel", "kind", "class_prefix", "procedure", "grade"]
    for row in table(path, columns, ["citizen_procedure"], key=columns[:3]):
        rule = Rule(**row)
        for name in (rule.procedure, rule.begins(citizen=True)):
            if name not in procedures:
                raise BadFile(f"{row.where}: there is no procedure '{name}'.")
        if rule.grade not in grades and not (rule.grade == "" and rule.channel != ANY):
            raise BadFile(f"{row.where}: there is no grade '{rule.grade}'.")
        if rule.kind not in (ANY, "part", "event") or not rule.channel:
            raise BadFile(f"{row.where}: the kind is part, event or *, the channel a name or *.")
        if re.fullmatch("[0-9]{0,5}", rule.class_prefix) is None:
            raise BadFile(
                f"{row.where}: '{rule.class_prefix}' does not begin a class of five digits."
            )
        rules.append(rule)
    if not any((rule.channel, rule.kind, rule.class_prefix) == (ANY, ANY, "") for rule in rules):
        raise BadFile(f"{path.name}, line 1: the rule '*,*,' for everything else is missing.")
    return tuple(sorted(rules, key=_narrowness))


def _narrowness(rule: Rule) -> tuple[bool, int, bool]:
    return (rule.channel == ANY, -len(rule.class_prefix), rule.kind == ANY)
