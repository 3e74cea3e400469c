"""Who is reminded of a limit, and how long before or after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridsvc.cases.core.events import WhichLimit
from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_TO = ("body", "supervisor", "leader")
_LONGEST_HOURS = 8_784


@dataclass(frozen=True, slots=True)
class Reminder:
    """``to`` is told ``hours`` after a limit, before it where they are negative."""

    limit: WhichLimit
    hours: float
    to: str

    @property
    def name(self) -> str:
        """By which it is known that it was sent."""
        return f"{self.hours:g} {self.to}"


def read_reminders(path: Path) -> tuple[Reminder, ...]:
    """The rules of a CSV with limit, hours and to. Raises BadFile with file, line and reason."""
    rules = []
    for row in table(path, ["limit", "hours", "to"], key=["limit", "hours", "to"]):
        try:
            rule = Reminder(WhichLimit(row["limit"]), float(row["hours"]), row["to"])
        except ValueError as error:
            raise BadFile(
                f"{row.where}: {error}; the limits are {', '.join(WhichLimit)}, hours a number."
            ) from None
        if rule.to not in _TO:
            raise BadFile(f"{row.where}: '{rule.to}' is not one of {', '.join(_TO)}.")
        if not -_LONGEST_HOURS <= rule.hours <= _LONGEST_HOURS:
            raise BadFile(f"{row.where}: a reminder is at most {_LONGEST_HOURS} hours away.")
        rules.append(rule)
    return tuple(rules)


#: A city's own ``reminders.csv``, else the shipped one.
REMINDERS = Table(Path(__file__).parent, lambda find: read_reminders(find("reminders.csv")))
