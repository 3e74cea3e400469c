"""What lanes do when a report is filed, or its pin is moved: their chiefs are told."""

from __future__ import annotations

import uuid

from gridsvc.cases.core.act import SERVICE, Act
from gridsvc.cases.intake.model import PinMoved, ReportFiled
from gridsvc.cases.systems.lanes import repository
from gridsvc.cases.systems.lanes.models import LaneReport
from gridsvc.registry.lanes.repository import lanes_near
from gridsvc.registry.lanes.rules import LANE_RULES


def follow_report(act: Act, event: ReportFiled) -> None:
    """A report within reach of a lane goes to its chief."""
    place = event.matched.routed.located.placement
    _tell_chiefs(act, event.report_id, place.lon, place.lat)


def follow_pin(act: Act, event: PinMoved) -> None:
    """A report whose pin was moved goes to the chiefs of the lanes that are near now."""
    repository.forget(act.session, event.report_id)
    _tell_chiefs(act, event.report_id, event.placement.lon, event.placement.lat)


def _tell_chiefs(act: Act, report_id: uuid.UUID, lon: float, lat: float) -> None:
    reach_m = act.city.table(LANE_RULES).reach_m
    found = lanes_near(act.session, lon, lat, reach_m, act.city.day(act.now))
    if not found:
        return
    for one in found:
        act.session.add(
            LaneReport(
                lane_district=one.district_code,
                segment_code=one.code,
                report_id=report_id,
                case_district=act.case.district_code,
                case_id=act.case.id,
                staff_code=one.chief and one.chief.staff_code,
                metres=one.metres,
                told_at=act.now,
            )
        )
    lanes = [
        {
            "district": one.district_code,
            "segment": one.code,
            "metres": round(one.metres, 2),
            "chief": one.chief and one.chief.staff_code,
        }
        for one in found
    ]
    act.record("lane_told", {"report_id": str(report_id), "lanes": lanes}, actor=SERVICE)
