"""Cities for tests: the shipped tables, with settings of a test's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import gridsvc.cases.systems as systems
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.settings import Settings

__all__ = ["BOUNDARIES", "SYSTEM_FOLDERS", "calendar", "city", "now", "on"]

#: Names, codes and sources of the boundaries.
BOUNDARIES = Settings().boundaries_dir
#: The folders in which the shipped procedures lie.
SYSTEM_FOLDERS = sorted({p.parent for p in Path(systems.__file__).parent.glob("*/*_v*.toml")})


def calendar(own: Mapping[dt.date, bool] | None = None, zone: str = "Asia/Shanghai") -> Calendar:
    return Calendar(ZoneInfo(zone), own or {})


def city(**settings: Any) -> City:
    return City.load(Settings(**settings))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def on(day: dt.date | None = None) -> dict[str, Any]:
    """Noon of a day of the city (now when None), for what takes ``calendar`` and ``now``."""
    days = calendar()
    moment = now() if day is None else days.begins(day) + dt.timedelta(hours=12)
    return {"calendar": days, "now": moment}
