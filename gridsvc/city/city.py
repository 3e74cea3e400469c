"""The City: everything that is one city's, read once at the edge, frozen, and passed on."""

from __future__ import annotations

import datetime as dt
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gridsvc.city.calendar import Calendar
from gridsvc.city.care import CARE
from gridsvc.city.merging import DISTANCES, GENERIC_PLACES, KIN
from gridsvc.city.procedures.library import load_library
from gridsvc.city.procedures.model import Library
from gridsvc.city.retention import PERIODS
from gridsvc.city.robots import ROBOTS
from gridsvc.city.synonyms import SYNONYMS
from gridsvc.city.system import System
from gridsvc.city.table import Table
from gridsvc.city.watches import WATCHES
from gridsvc.city.weights import WEIGHTS
from gridsvc.settings import Settings
from gridsvc.spatial.plane import MetricPlane

T = TypeVar("T")
_TABLES: tuple[Table[Any], ...] = (
    DISTANCES,
    GENERIC_PLACES,
    KIN,
    WEIGHTS,
    PERIODS,
    SYNONYMS,
    CARE,
    ROBOTS,
    WATCHES,
)


@dataclass(frozen=True, slots=True)
class City:
    """One city: its settings, calendar, procedures, metric plane, tables, and the systems it runs.

    ``systems`` hear events in this order. Two cities live in one process, each by its own tables.
    """

    settings: Settings
    calendar: Calendar
    systems: tuple[System, ...]
    procedures: Library
    plane: MetricPlane
    tables: Mapping[Table[Any], Any]

    @classmethod
    def load(cls, settings: Settings) -> City:
        """Read a city's tables. Raises BadFile with file, line and reason."""
        systems: tuple[System, ...] = pkgutil.resolve_name(settings.systems)
        tables = [*_TABLES, *(table for system in systems for table in system.tables)]
        folders = [system.procedures for system in systems if system.procedures is not None]
        return cls(
            settings=settings,
            calendar=Calendar.load(settings),
            systems=systems,
            procedures=load_library(folders, own=settings.procedures_dir),
            plane=MetricPlane.at(settings.city_lon, settings.city_lat),
            tables={table: table.load(settings) for table in tables},
        )

    @property
    def standard(self) -> str:
        """The class list in force: a class that names no list is of this one."""
        return self.settings.class_standard

    def day(self, moment: dt.datetime) -> dt.date:
        """The day of the city on which an aware moment falls."""
        return self.calendar.day(moment)

    def table(self, table: Table[T]) -> T:
        """A table as this city has it; of one of its systems, or of the city itself."""
        found: T = self.tables[table]
        return found
