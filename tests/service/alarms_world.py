"""Reports strewn over the western district, hot places among them, and scans of their days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.city.classes import STANDARD
from gridsvc.city.watches import Selection, Watch
from gridsvc.foresight.alarms.models import AlarmScan
from gridsvc.foresight.alarms.service import scan_day
from gridsvc.registry.placement.store import AtlasStore
from tests import cities
from tests.service import joint_city as city

#: The day before the Monday of the held clock.
DAY = dt.date(2026, 11, 22)
SCOOTERS = "09010"
#: A bicycle stand in the south-western street, 900 m west of the border.
STAND = city.beside_border(-900.0)
EVERY = Watch("all", "All reports", "全部诉求", Selection(), "h3-10", 0.05)
_STRIDE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Strewn:
    """The reports of a test, and the scans that it makes."""

    engine: Engine
    index_folder: Path

    def add(
        self,
        lon: Any,
        lat: Any,
        days: Any,
        *,
        code: str = SCOOTERS,
        hour: int = 12,
        one_case: bool = False,
    ) -> None:
        """Reports at these places and days, each of a case of its own or all of one."""
        zone = cities.calendar().zone
        at = [dt.datetime.combine(day, dt.time(hour), tzinfo=zone) for day in days]
        query = text(
            "insert into report (district_code, id, receipt, channel, standard, kind, class_code,"
            " description, accuracy_m, point, needs_confirmation, case_district, case_id, joined,"
            " created_at) select :district, gen_random_uuid(), '', 'app', :standard, 'event',"
            " :code, '', 10, st_setsrid(st_makepoint(x, y), 4326), false, :district,"
            " case when :one then cast(:case as uuid) else gen_random_uuid() end, false, at"
            " from unnest(cast(:x as float8[]), cast(:y as float8[]), cast(:at as timestamptz[]))"
            " as given (x, y, at)"
        )
        given = {"district": city.WEST, "standard": STANDARD, "code": code, "one": one_case}
        given |= {"case": "00000000-0000-7000-8000-000000000001"}
        given |= {"x": list(map(float, lon)), "y": list(map(float, lat)), "at": at}
        with self.engine.begin() as connection:
            connection.execute(query, given)

    def background(self, *, days: int, a_day: float, until: dt.date = DAY, seed: int = 18) -> None:
        """So many reports a day all over the district, for days up to one."""
        rng = np.random.default_rng(seed)
        count = int(a_day * days)
        lon, lat = rng.uniform(116.3001, 116.3199, count), rng.uniform(39.8801, 39.8999, count)
        self.add(lon, lat, [until - _STRIDE * int(n) for n in rng.integers(0, days, count)])

    def heap(self, first: dt.date, *, days: int, a_day: int, **more: Any) -> None:
        """So many reports a day at the stand."""
        when = [first + _STRIDE * n for n in range(days) for _ in range(a_day)]
        self.add([STAND["lon"]] * len(when), [STAND["lat"]] * len(when), when, **more)

    def calibrated(self, threshold: float = 12.0, day: dt.date = DAY - _STRIDE) -> None:
        """As if it had been calibrated on a day, which takes seconds."""
        found = {"places": 1, "reports": 1, "alpha": EVERY.alpha, "raised": 0, "chronic": []}
        key = {"district_code": city.WEST, "watch": EVERY.name, "day": day, "cells": EVERY.places}
        with Session(self.engine) as session, session.begin():
            made = {"threshold": threshold, "calibrated_on": day, "made_at": cities.now()}
            session.add(AlarmScan(**key, **found, **made))

    def scan(self, day: dt.date = DAY, watch: Watch = EVERY) -> AlarmScan:
        """The scan of a day, made on the morning after."""
        city_of = cities.city(var_dir=self.index_folder)
        now = city_of.calendar.begins(day + _STRIDE) + dt.timedelta(hours=10)
        store = AtlasStore(self.engine, city_of, cities.now)
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            return scan_day(session, city_of, city.WEST, watch, day, store.get, now=now)
