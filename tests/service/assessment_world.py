"""Histories for the assessment: cases and what happened in them, written straight into the tables.

Times are the city's own (UTC+8); what a test does not name is dull.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, Submission
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.appeals.models import Appeal
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.city.classes import STANDARD
from gridsvc.db.base import uuid7
from tests.cities import calendar
from tests.service import joint_city as city

PLACE = "SRID=4326;POINT(116.31 39.885)"
#: Long after November 2026, and before the suspended case goes on.
NOW = dt.datetime(2027, 1, 15, tzinfo=dt.UTC)
DUE = "2026-11-10 10:00"


def at(text: str) -> dt.datetime:
    """A moment of the city: ``2026-11-10 10:00``."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=calendar().zone)


@dataclass
class History:
    """Adds things to a session; nothing is committed."""

    session: Session

    def case(
        self,
        due: str | None = DUE,
        closed: str | None = None,
        *,
        district: str = city.WEST,
        street: str | None = city.LEAD,
        body: str = city.LEAD,
        class_code: str = city.BUILDING,
        inspector: str | None = None,
        suspended: str | None = None,
        procedure: tuple[str, int, str] = ("ordinary", 2, "verify"),
        **more: Any,
    ) -> uuid.UUID:
        case_id = uuid7()
        given = {
            "district_code": district,
            "id": case_id,
            "procedure": procedure[0],
            "procedure_version": procedure[1],
            "step": procedure[2],
            "progress": {"step": procedure[2], "lead": body},
            "state": "open" if closed is None else "closed",
            "standard": STANDARD,
            "kind": "event",
            "class_code": class_code,
            "lead_body": body,
            "point": PLACE,
            "opened_at": at("2026-10-01 09:00"),
            "closed_at": None if closed is None else at(closed),
            "due_at": None if due is None else at(due),
            "suspended_until": None if suspended is None else at(suspended),
            "street_code": street,
            "community_code": None if street is None else f"{street}001",
            "inspector": inspector,
        }
        self.session.execute(insert(Case).values(given | more))
        return case_id

    def hand_in(
        self,
        case_id: uuid.UUID,
        body: str = city.LEAD,
        *,
        n: int,
        step: str = "handle",
        overdue: bool = False,
        district: str = city.WEST,
        score: int | None = None,
        limit: str = DUE,
    ) -> None:
        self.session.execute(
            insert(Submission).values(
                district_code=district,
                case_id=case_id,
                n=n,
                step=step,
                body_code=body,
                since=at("2026-10-01 09:00"),
                limit_at=at(limit),
                handed_in_at=at(limit) + dt.timedelta(hours=1 if overdue else -1),
                overdue=overdue,
                score=score,
            )
        )

    def appeal(
        self,
        case_id: uuid.UUID,
        body: str = city.LEAD,
        *,
        accepted: bool | None,
        district: str = city.WEST,
    ) -> None:
        decided = None if accepted is None else at("2026-12-02 10:00")
        self.session.execute(
            insert(Appeal).values(
                district_code=district,
                case_id=case_id,
                body_code=body,
                reason="the road was closed",
                appealed_at=at("2026-12-01 10:00"),
                accepted=accepted,
                decided_at=decided,
            )
        )

    def report(
        self,
        case_id: uuid.UUID,
        created: str = "2026-11-02 09:00",
        *,
        district: str = city.WEST,
        case_district: str | None = None,
    ) -> uuid.UUID:
        report_id = uuid7()
        self.session.execute(
            insert(Report).values(
                district_code=district,
                id=report_id,
                receipt="",
                channel="12345",
                standard=STANDARD,
                kind="event",
                class_code=city.BUILDING,
                description="",
                accuracy_m=10.0,
                point=PLACE,
                needs_confirmation=False,
                case_district=case_district or district,
                case_id=case_id,
                joined=False,
                created_at=at(created),
            )
        )
        return report_id

    def callback(
        self,
        case_id: uuid.UUID,
        report_id: uuid.UUID,
        said: tuple[bool, str] | None,
        *,
        unit: bool | None = None,
        reading: str = "hotline",
        n: int = 1,
        valid: bool = True,
        district: str = city.WEST,
        case_district: str | None = None,
    ) -> None:
        """``said`` is (solved, satisfied), None when the citizen was not reached.

        ``unit``: whether the unit contacted the citizen; asked for by the ``reading`` unit alone.
        """
        self.session.execute(
            insert(Callback).values(
                district_code=district,
                report_id=report_id,
                n=n,
                case_district=case_district or district,
                case_id=case_id,
                reading=reading,
                contacted=said is not None,
                unit_contacted=unit,
                solved=None if said is None else said[0],
                satisfied=None if said is None else said[1],
                valid=valid,
                reason=None if valid else "a wrong number",
                given_by="12345",
                at=at("2026-12-01 10:00"),
                written_at=at("2026-12-01 10:00"),
            )
        )

    def whistle(
        self,
        case_id: uuid.UUID,
        *,
        district: str = city.WEST,
        level: int | None = None,
        meeting: str | None = None,
    ) -> uuid.UUID:
        """A joint whistle, or one of a level, whose demand may name the time of a meeting."""
        whistle_id = uuid7()
        self.session.execute(
            insert(Whistle).values(
                district_code=district,
                id=whistle_id,
                case_id=case_id,
                kind="everyday",
                joint=level is None,
                level=level,
                ground="footprint" if level is None else "public_demand",
                facts={},
                demand={} if meeting is None else {"time": at(meeting).isoformat()},
                caller_body=city.LEAD,
                point=PLACE,
                state="open",
                blown_at=at("2026-11-01 09:00"),
            )
        )
        return whistle_id

    def called(
        self,
        whistle_id: uuid.UUID,
        body: str,
        *,
        by: str,
        came: str | None,
        told: str = "2026-11-01 09:00",
        far: bool = False,
        score: int | None = None,
        overdue: bool | None = None,
        district: str = city.WEST,
    ) -> None:
        """A called body that must report in ``by`` a moment, and came at another, or did not."""
        arrived = None if came is None else at(came)
        self.session.execute(
            insert(CalledBody).values(
                district_code=district,
                whistle_id=whistle_id,
                body_code=body,
                called_from=city.LEAD,
                role="department",
                task="",
                told_at=at(told),
                report_in_by=at(by),
                reported_in_at=arrived,
                late=None if arrived is None else arrived > at(by),
                far=None if arrived is None else far,
                done_at=None if score is None else arrived,
                score=score,
                overdue=overdue,
            )
        )


def november(history: History) -> dict[str, uuid.UUID]:
    """Nine cases around November 2026, whose figures test_assessment.py has counted by hand."""
    h, north = history, city.LEAD_NORTH
    b = {"street": north, "body": north}
    cases = {
        "in time": h.case(DUE, "2026-11-09 10:00", inspector="worker Li"),
        "late": h.case("2026-11-12 10:00", "2026-11-20 10:00", inspector="worker Li"),
        "waived": h.case("2026-11-15 10:00", "2026-11-18 10:00", class_code=city.RUBBISH),
        "open": h.case("2026-11-20 10:00"),
        "suspended": h.case("2026-11-30 23:59", suspended="2027-03-01 00:00"),
        "december": h.case("2026-12-01 00:00", "2026-11-30 10:00"),
        "reworked": h.case("2026-11-01 00:00", "2026-10-31 10:00", **b),
        "returned": h.case("2026-11-05 10:00", "2026-11-04 10:00", **b),
        "not called": h.case("2026-11-06 10:00", "2026-11-05 10:00", **b),
    }
    h.hand_in(cases["in time"], n=3)
    h.hand_in(cases["late"], n=3, overdue=True)
    h.hand_in(cases["waived"], n=3, overdue=True)
    h.appeal(cases["late"], accepted=False)
    h.appeal(cases["waived"], accepted=True)
    h.hand_in(cases["reworked"], north, n=3)
    h.hand_in(cases["reworked"], north, n=5)
    h.hand_in(cases["returned"], city.LEAD, n=3, step="refuse")
    h.hand_in(cases["returned"], north, n=5)
    h.hand_in(cases["not called"], north, n=3)
    reports = {name: h.report(case_id) for name, case_id in cases.items()}
    said: dict[str, tuple[bool, str] | None] = {
        "in time": (True, "satisfied"),
        "late": (False, "not"),
        "waived": (True, "fairly"),
        "returned": None,
    }
    for name, words in said.items():
        h.callback(cases[name], reports[name], words)
    h.callback(cases["reworked"], reports["reworked"], (True, "satisfied"))
    h.callback(cases["reworked"], reports["reworked"], None, n=2, valid=False)
    waiting = h.case(None, procedure=("checked", 1, "file"))
    h.report(waiting, "2026-11-30 23:59")
    h.report(waiting, "2026-12-01 00:00")
    whistle = h.whistle(cases["in time"])
    h.called(whistle, "XC-1", by="2026-11-03 09:30", came="2026-11-03 09:30", score=90)
    late = {"came": "2026-11-03 09:31", "far": True, "score": 60, "overdue": True}
    h.called(whistle, "XC-2", by="2026-11-03 09:30", **late)
    h.called(whistle, "XC-3", by="2026-11-03 09:30", came=None)
    h.called(whistle, "XC-4", by="2026-11-03 09:30", came="2026-11-03 08:50")
    h.called(whistle, "XC-5", by="2026-12-01 00:00", came="2026-12-01 00:00")
    return cases
