"""The queries of reports near lanes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from geoalchemy2.shape import to_shape
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.lanes.models import LaneReport


@dataclass(frozen=True, slots=True)
class NearLane:
    """A report that went to a chief: where it is now (WGS84), and how far from the segment."""

    segment_code: str
    report_id: uuid.UUID
    case_district: str
    case_id: uuid.UUID
    kind: str
    class_code: str
    metres: float
    told_at: dt.datetime
    place: tuple[float, float]


def forget(session: Session, report_id: uuid.UUID) -> None:
    """A report is near no lane any more."""
    session.execute(delete(LaneReport).where(LaneReport.report_id == report_id))


def reports_of_chief(
    session: Session, district: str, staff: str, *, since: dt.datetime, limit: int
) -> Sequence[NearLane]:
    """What went to a chief since a moment, the newest first."""
    rows = session.execute(
        select(LaneReport, Report.kind, Report.class_code, Report.point)
        .join(Report, Report.id == LaneReport.report_id)
        .where(
            LaneReport.lane_district == district,
            LaneReport.staff_code == staff,
            LaneReport.told_at >= since,
        )
        .order_by(LaneReport.told_at.desc(), LaneReport.report_id, LaneReport.segment_code)
        .limit(limit)
    )
    found = []
    for one, kind, class_code, point in rows:
        place = to_shape(point)
        found.append(
            NearLane(
                segment_code=one.segment_code,
                report_id=one.report_id,
                case_district=one.case_district,
                case_id=one.case_id,
                kind=kind,
                class_code=class_code,
                metres=one.metres,
                told_at=one.told_at,
                place=(place.x, place.y),
            )
        )
    return found
