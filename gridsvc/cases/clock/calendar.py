"""Which days are working days: public holidays out, make-up days (调休) in."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import chinese_calendar
import structlog

from gridsvc.errors import BadFile
from gridsvc.settings import get_settings

__all__ = ["WorkingDays", "read_working_days", "working_days"]

_COLUMNS = ["date", "kind", "name"]
_KINDS = {"workday": True, "holiday": False}
_SATURDAY = 5
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of every year.

    ``own`` is the city's table: a day to whether it is worked. It goes before the published
    calendar of chinesecalendar; a year that neither knows has its weekends free, and a warning
    is logged once for it.
    """

    own: Mapping[dt.date, bool] = field(default_factory=dict)
    _warned: set[int] = field(default_factory=set, compare=False)

    def is_working(self, day: dt.date) -> bool:
        """Whether a day of the city is worked."""
        listed = self.own.get(day)
        if listed is not None:
            return listed
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            if not any(known.year == day.year for known in self.own):
                self._warn(day.year)
            return day.weekday() < _SATURDAY

    def _warn(self, year: int) -> None:
        if year not in self._warned:
            self._warned.add(year)
            _log.warning(
                "the holidays of a year are not known; its limits count weekends only, until"
                " GRIDSVC_WORKING_DAYS names a table of them",
                year=year,
            )


def read_working_days(path: Path) -> dict[dt.date, bool]:
    """A city's own table: a CSV with the columns date, kind (``holiday``, ``workday``) and name.

    It lists the days that differ from the plain week, as the State Council announces them.
    Raises BadFile with the line.
    """
    if not path.is_file():
        raise BadFile(f"The table of working days is not at {path}; see GRIDSVC_WORKING_DAYS.")
    days: dict[dt.date, bool] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames != _COLUMNS:
                raise BadFile(
                    f"{path.name}, line 1: the columns are {reader.fieldnames}, but must be"
                    f" {_COLUMNS}."
                )
            for row in reader:
                day, worked = _row(row, f"{path.name}, line {reader.line_num}")
                if day in days:
                    raise BadFile(f"{path.name}, line {reader.line_num}: {day} stands twice.")
                days[day] = worked
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is no UTF-8 text ({error.reason}); save it as UTF-8.") from None
    return days


def _row(row: dict[str, str], where: str) -> tuple[dt.date, bool]:
    try:
        day = dt.date.fromisoformat(row["date"] or "")
    except ValueError:
        raise BadFile(f"{where}: {row['date']!r} is no day; write 2027-01-01.") from None
    worked = _KINDS.get(row["kind"] or "")
    if worked is None:
        raise BadFile(f"{where}: the kind {row['kind']!r} is neither holiday nor workday.")
    return day, worked


@lru_cache
def working_days() -> WorkingDays:
    """The working days of this process, with the city's own table where a setting names one."""
    path = get_settings().working_days
    return WorkingDays() if path is None else WorkingDays(read_working_days(path))
