"""Made-up leaks of the western district, written straight into the tables."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from sqlalchemy import insert
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.address import place_key
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.city.classes import STANDARD
from gridsvc.city.merging import GENERIC_PLACES
from gridsvc.db.base import uuid7
from gridsvc.demo.leaks import Leak, made_up_leaks
from gridsvc.registry.placement.model import AreaRef
from tests import cities
from tests.service import joint_city as city

CITY = cities.city()
YEAR = 2025
#: What was said of every third case that is closed: it is not solved.
UNSOLVED_EVERY = 3


def street_at(lat: float) -> Any:
    return city.STREETS[0] if lat < city.MIDDLE_LAT else city.STREETS[1]


def leaks(seed: int) -> list[Leak]:
    return made_up_leaks(
        city.DISTRICTS[0].geometry,
        CITY.plane,
        year=YEAR,
        seed=seed,
        street_of=lambda lon, lat: f"西城区{street_at(lat).name}",
    )


class _Placed:
    """Of a placement, as much as an address is read by."""

    def __init__(self, lat: float) -> None:
        street = street_at(lat)
        self.district = AreaRef(city.WEST, "西城区")
        self.street = AreaRef(street.code, street.name)
        self.community = AreaRef(f"{street.code}001", "")


def key_of(leak: Leak) -> str | None:
    """The form of its address, as the intake keeps it."""
    if leak.place_text is None:
        return None
    return place_key(leak.place_text, _Placed(leak.lat), CITY.table(GENERIC_PLACES))  # type: ignore[arg-type]


def metres(made: Sequence[Leak]) -> np.ndarray:
    points = shapely.points([(leak.lon, leak.lat) for leak in made])
    return shapely.get_coordinates(CITY.plane.project(points))


def fill(session: Session, made: Sequence[Leak], *, state: str = "closed") -> list[uuid.UUID]:
    """A report and a case of its own for each, and a callback; gives the reports' ids."""
    cases, reports, callbacks = [], [], []
    for n, leak in enumerate(made):
        street, at = street_at(leak.lat), CITY.calendar.begins(leak.on) + dt.timedelta(hours=9)
        case_id, report_id = uuid7(), uuid7()
        point = f"SRID=4326;POINT({leak.lon} {leak.lat})"
        about = {"standard": STANDARD, "kind": "event", "class_code": city.BUILDING}
        cases.append(
            {
                **about,
                "district_code": city.WEST,
                "id": case_id,
                "procedure": "ordinary",
                "procedure_version": 3,
                "step": "verify",
                "progress": {"step": "verify", "lead": street.code},
                "state": state,
                "lead_body": street.code,
                "point": point,
                "opened_at": at,
                "closed_at": None if state == "open" else at + dt.timedelta(days=5),
                "street_code": street.code,
                "community_code": f"{street.code}001",
                "place_key": key_of(leak),
            }
        )
        reports.append(
            {
                **about,
                "district_code": city.WEST,
                "id": report_id,
                "receipt": f"R{n:08d}",
                "channel": "12345",
                "description": leak.description,
                "accuracy_m": 30.0,
                "point": point,
                "needs_confirmation": False,
                "case_district": city.WEST,
                "case_id": case_id,
                "joined": False,
                "created_at": at,
                "place_text": leak.place_text,
                "place_key": key_of(leak),
            }
        )
        if state == "closed":
            callbacks.append(
                {
                    "district_code": city.WEST,
                    "report_id": report_id,
                    "n": 1,
                    "case_district": city.WEST,
                    "case_id": case_id,
                    "reading": "hotline",
                    "contacted": True,
                    "solved": bool(n % UNSOLVED_EVERY),
                    "satisfied": "satisfied" if n % UNSOLVED_EVERY else "not",
                    "valid": True,
                    "given_by": "12345",
                    "at": at + dt.timedelta(days=6),
                    "written_at": at + dt.timedelta(days=6),
                }
            )
    for table, rows in ((Case, cases), (Report, reports), (Callback, callbacks)):
        if rows:
            session.execute(insert(table), rows)
    return [row["id"] for row in reports]
