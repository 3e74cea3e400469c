"""Confirms the side of a report near a border, and moves a report's pin."""

from __future__ import annotations

import datetime as dt

from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core import repository as files
from gridsvc.cases.core.messages.service import withdraw
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.refusals import send_on
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.locate import asset_of
from gridsvc.cases.intake.model import GivenPoint
from gridsvc.cases.intake.models import Report, ReportPlacement
from gridsvc.city.classes import ClassKey
from gridsvc.city.current import current
from gridsvc.errors import BadInput, NotAllowed, StepRefused
from gridsvc.registry.bodies.service import body_or_refuse, find_responsible
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.service import place_inside
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

__all__ = ["confirm_side", "move_report"]

#: Roles that may say that a pin is on the wrong side of a line nobody can see.
_STAFF = {Role.GRID_WORKER, Role.STREET, Role.DISTRICT, Role.CITY, Role.ADMIN}


def confirm_side(
    session: Session, report: Report, street: str, *, actor: str, now: dt.datetime
) -> None:
    """The reporter says on which side the place is; the other side is then not told.

    Raises StepRefused when nothing is to be confirmed, BadInput for a street that is none of
    the sides.
    """
    case = _locked(session, report)
    placed = repository.last_placement(session, report.district_code, report.id)
    if not report.needs_confirmation or placed is None:
        raise StepRefused("The report needs no confirmation; its place is certain or settled.")
    border = placed.placement["border"] or {"neighbours": []}
    own = placed.placement["street"]
    sides = [n["code"] for n in border["neighbours"] if n["level"] == "street"]
    sides += [own["code"]] if own else []
    if street not in sides:
        raise BadInput(
            f"'{street}' is none of the streets at the place: {', '.join(sorted(set(sides)))}.",
            field="street",
        )
    report.needs_confirmation = False
    withdrawn = 0
    if not _others_are_asked(session, case, report):
        withdrawn = withdraw(session, case.district_code, case.id, topic="near_border", now=now)
    append(
        session,
        case.district_code,
        case.id,
        action="confirm_side",
        actor=actor,
        content={"report_id": str(report.id), "street": street, "messages_withdrawn": withdrawn},
        at=now,
        now=now,
    )
    if own is None or street != own["code"]:
        body = body_or_refuse(session, street, field="street")
        send_on(session, case, body, reason="the reporter confirmed the side", actor=actor, now=now)


def move_report(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    report: Report,
    point: GivenPoint,
    *,
    reason: str,
    caller: Caller,
    now: dt.datetime,
) -> None:
    """Move the pin and route again; the case goes to whoever answers at the new place.

    Raises NotAllowed for callers who are no staff of the place, StepRefused in a joint or
    closed case, and what placing a point raises.
    """
    if caller.role not in _STAFF or not report.district_code.startswith(caller.area[:6]):
        raise NotAllowed("Only staff of the report's district may move its pin.")
    case = _locked(session, report)
    x, y = check_lon_lat(point.x, point.y, point.crs)
    lon, lat = to_wgs84(x, y, point.crs)
    accuracy = settings.report_accuracy_m if point.accuracy_m is None else point.accuracy_m
    placement = place_inside(atlas, lon, lat, accuracy)
    key = ClassKey(report.standard, report.kind, report.class_code)
    part = (
        None if report.part_code is None else find(session, report.district_code, report.part_code)
    )
    responsibility = find_responsible(
        session, placement, key=key, asset=asset_of(part), day=current().day(now)
    )
    last = repository.last_placement(session, report.district_code, report.id)
    if last is None:
        raise AssertionError(f"report {report.id} was never placed")
    session.add(
        ReportPlacement(
            district_code=report.district_code,
            report_id=report.id,
            n=last.n + 1,
            placement=placement.to_json(),
            responsibility=responsibility.to_json(),
            reason=reason,
            placed_at=now,
        )
    )
    report.point = from_shape(Point(lon, lat), srid=4326)
    report.accuracy_m = accuracy
    if not report.joined:
        case.street_code = None if placement.street is None else placement.street.code
        case.community_code = None if placement.community is None else placement.community.code
    append(
        session,
        case.district_code,
        case.id,
        action="move_pin",
        actor=caller.subject,
        content={"report_id": str(report.id), "to": [lon, lat], "reason": reason},
        at=now,
        now=now,
    )
    if responsibility.lead.code != case.lead_body:
        send_on(session, case, responsibility.lead, reason=reason, actor=caller.subject, now=now)


def _others_are_asked(session: Session, case: CaseFile, report: Report) -> bool:
    """Whether another report of the case still waits for its reporter's word."""
    joined = repository.reports_of(session, case.district_code, case.id)
    return any(other.needs_confirmation for other in joined if other.id != report.id)


def _locked(session: Session, report: Report) -> CaseFile:
    case = files.lock_case(session, report.case_id)
    session.refresh(report)
    if case is None:
        raise AssertionError(f"report {report.id} has no case")
    if report.case_id != case.id:
        raise StepRefused(f"The report was just given to case {report.case_id}; try again.")
    if case.state != "open" or case.procedure != "ordinary":
        raise StepRefused(
            f"The case runs as '{case.procedure}' and is {case.state}; its place is settled there."
        )
    return case
