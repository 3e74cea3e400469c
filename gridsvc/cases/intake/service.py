"""Takes reports in: placed, routed, joined to a case or opening one, in one transaction."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core import repository as files
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.opening import Opening, chosen, open_case
from gridsvc.cases.core.stepping import running_of
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.area_rights import check_covered, check_own_cells
from gridsvc.cases.intake.candidate_repository import (
    closed_candidates,
    open_candidates,
    open_candidates_alone,
    report_counts,
)
from gridsvc.cases.intake.candidates import About, ranked
from gridsvc.cases.intake.contact import seal
from gridsvc.cases.intake.locate import Located, asset_of, locate_report
from gridsvc.cases.intake.match import Crossing, about_of, crossing, join_first, stays_apart
from gridsvc.cases.intake.model import NewReport, Routed
from gridsvc.cases.intake.models import Report, Reporter, ReportPlacement
from gridsvc.cases.intake.recording import came_at, trace_report
from gridsvc.cases.systems.joint.triggers import blow_if_called, joint_call
from gridsvc.city.current import current
from gridsvc.db.base import uuid7
from gridsvc.db.batch import write_added
from gridsvc.errors import NotFound
from gridsvc.registry.bodies.model import Responsibility
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.settings import Settings

__all__ = [
    "check_report",
    "file_report",
    "find_report",
    "placement_on",
    "report_json",
    "similar_cases",
]

#: Crockford's digits: none is mistaken for another on the telephone.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Closed cases about a place that the answer names, the newest.
_EARLIER = 5


@dataclass(frozen=True, slots=True)
class _Read:
    """A report that was placed and routed, and what it is about; nothing is kept yet."""

    located: Located
    opening: Opening
    responsibility: Responsibility
    about: About

    @property
    def placement(self) -> Placement:
        return self.located.placement


def file_report(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    new: NewReport,
    *,
    caller: Caller,
    reporter_key: bytes,
    now: dt.datetime,
) -> Routed:
    """File a report and give what became of it.

    Raises BadCoordinate, UnknownCrs, OutsideCity, NotFound or AmbiguousCode for a part's code,
    NotAllowed for a grid worker outside his own cells, and as :func:`came_at`.
    """
    read = _read(session, atlas, settings, new, caller, now)
    came = came_at(caller, read.placement, new.received_at, now)
    placement, about = read.placement, read.about
    call = joint_call(session, atlas, new, placement, read.responsibility)
    near = open_candidates_alone(session, about)
    joins = new.procedure is None and read.opening.running.merges
    joined = join_first(session, near, about) if joins else None
    report_id = uuid7()
    receipt = _receipt(session, about.district, report_id)
    crossed, earlier = None, []
    if joined is not None:
        case, candidate = joined
        crossed = crossing(atlas, placement, candidate)
        if case.part_code is None and case.district_code == about.district:
            case.part_code = about.part_code
    else:
        earlier = closed_candidates(session, about, limit=_EARLIER)
        case = _open(session, settings, read, caller, now)
    report = _report(report_id, receipt, new, read, case, came, now)
    report.joined, report.needs_confirmation = joined is not None, call.needs_confirmation
    session.add(report)
    _keep_beside(session, report, read, new, reporter_key, now)
    trace_report(
        session,
        case,
        report,
        crossed,
        responsible=read.responsibility.lead.code,
        actor=caller.subject,
        now=now,
    )
    write_added(session, keep=(case, report))
    whistle_id, asked = None, False
    if running_of(case).merges:
        whistle_id, asked = blow_if_called(
            session,
            settings,
            case,
            placement,
            new.key,
            call,
            new_case=joined is None,
            actor=caller.subject,
            now=now,
        )
    report.needs_confirmation = asked
    return Routed(
        id=report.id,
        receipt=report.receipt,
        placement=placement,
        responsibility=read.responsibility,
        case_district=case.district_code,
        case_id=case.id,
        joined=report.joined,
        border_crossed=crossed,
        joint_whistle_id=whistle_id,
        needs_confirmation=asked,
        similar=tuple(candidate.to_json(about) for candidate in near),
        earlier=tuple(candidate.to_json(about) for candidate in earlier),
        mended=None if new.footprint is None else new.footprint.mended,
        created_at=came,
        recorded_at=report.recorded_at,
    )


def check_report(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    new: NewReport,
    *,
    caller: Caller,
    now: dt.datetime,
) -> None:
    """Raise what :func:`file_report` would raise; nothing is kept."""
    read = _read(session, atlas, settings, new, caller, now)
    came_at(caller, read.placement, new.received_at, now)


def similar_cases(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    new: NewReport,
    *,
    caller: Caller,
    now: dt.datetime,
) -> dict[str, Any]:
    """What a report would find if it were filed now; nothing is kept.

    Raises what :func:`file_report` raises.
    """
    read = _read(session, atlas, settings, new, caller, now)
    about = read.about
    candidates = ranked(open_candidates(session, about), about)
    joins = read.opening.running.merges
    apart = {
        candidate.id: stays_apart(candidate, about)
        if joins
        else f"the report begins '{read.opening.running.name}', a case of its own"
        for candidate in candidates
    }
    closed = closed_candidates(session, about, limit=_EARLIER)
    counts = report_counts(session, [candidate.id for candidate in (*candidates, *closed)])
    first = next((candidate for candidate in candidates if apart[candidate.id] is None), None)
    return {
        "placement": read.placement.to_json(),
        "responsibility": read.responsibility.to_json(),
        "would_join": None if first is None else str(first.id),
        "candidates": [
            {
                **candidate.to_json(about),
                "class": candidate.key.to_json(),
                "part_code": candidate.part_code,
                "reports": counts.get(candidate.id, 0),
                "joins": apart[candidate.id] is None,
                "reason": apart[candidate.id],
                "border_crossed": _json(crossing(atlas, read.placement, candidate)),
            }
            for candidate in candidates
        ],
        "earlier": [
            {**candidate.to_json(about), "reports": counts.get(candidate.id, 0)}
            for candidate in closed
        ],
    }


def find_report(session: Session, name: str) -> Report:
    """The report of an id or a receipt. Raises NotFound."""
    try:
        found = repository.report_by_id(session, uuid.UUID(name))
    except ValueError:
        found = repository.report_by_receipt(session, name.upper())
    if found is None:
        raise NotFound(f"There is no report '{name[:40]}'; give its id or its receipt.")
    return found


def placement_on(atlas: Atlas, report: Report) -> Placement:
    """Where a report's pin is by another atlas; what was stored of it stays."""
    pin = to_shape(report.point)
    return place(atlas, pin.x, pin.y, report.accuracy_m)


def report_json(session: Session, report: Report) -> dict[str, Any]:
    """A report as anybody may see it: no contact, no description of a person."""
    placed = repository.last_placement(session, report.district_code, report.id)
    case = files.case_by_id(session, report.case_id)
    if placed is None or case is None:
        raise AssertionError(f"report {report.id} has no placement or no case")
    return {
        "id": str(report.id),
        "receipt": report.receipt,
        "district_code": report.district_code,
        "channel": report.channel,
        "class": {"standard": report.standard, "kind": report.kind, "code": report.class_code},
        "part_code": report.part_code,
        "created_at": report.created_at,
        "recorded_at": report.recorded_at,
        "placement": placed.placement,
        "responsibility": placed.responsibility,
        "placements": placed.n,
        "needs_confirmation": report.needs_confirmation,
        "joined": report.joined,
        "case_id": str(case.id),
        "case": {
            "state": case.state,
            "step": case.step,
            "procedure": case.procedure,
            "lead_body": case.lead_body,
            "opened_at": case.opened_at,
            "closed_at": case.closed_at,
        },
    }


def _read(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    new: NewReport,
    caller: Caller,
    now: dt.datetime,
) -> _Read:
    located = locate_report(session, atlas, settings, new)
    placement, part = located.placement, located.part
    check_own_cells(caller, placement)
    opening = chosen(caller, new.channel, new.key, name=new.procedure, named=new.seats)
    opening = replace(opening, whistle=new.whistle)
    if new.procedure is not None:
        check_covered(caller, placement)
    responsibility = find_responsible(
        session, placement, key=new.key, asset=asset_of(part), day=current().day(now)
    )
    about = about_of(
        settings,
        placement,
        key=new.key,
        part=None if part is None else (part.district_code, part.code),
        place_text=new.place_text,
        responsible=responsibility.lead.code,
        exact=caller.role is Role.GRID_WORKER,
    )
    return _Read(located, opening, responsibility, about)


def _open(
    session: Session, settings: Settings, read: _Read, caller: Caller, now: dt.datetime
) -> CaseFile:
    placement = read.placement
    return open_case(
        session,
        settings,
        district_code=read.about.district,
        street=None if placement.street is None else placement.street.code,
        community=None if placement.community is None else placement.community.code,
        key=read.about.key,
        opening=read.opening,
        responsibility=read.responsibility,
        lon=placement.lon,
        lat=placement.lat,
        part_code=read.about.part_code,
        caller=caller,
        now=now,
    )


def _report(
    report_id: uuid.UUID,
    receipt: str,
    new: NewReport,
    read: _Read,
    case: CaseFile,
    came: dt.datetime,
    now: dt.datetime,
) -> Report:
    placement, part, footprint = read.placement, read.located.part, new.footprint
    return Report(
        district_code=read.about.district,
        id=report_id,
        receipt=receipt,
        channel=new.channel,
        standard=new.key.standard,
        kind=new.key.kind,
        class_code=new.key.code,
        description=new.description,
        given_x=None if new.point is None else new.point.x,
        given_y=None if new.point is None else new.point.y,
        given_crs=None if new.point is None else new.point.crs,
        accuracy_m=placement.accuracy_m,
        point=from_shape(Point(placement.lon, placement.lat), srid=4326),
        footprint=None if footprint is None else from_shape(footprint.geometry, srid=4326),
        part_code=None if part is None else part.code,
        needs_confirmation=False,
        case_district=case.district_code,
        case_id=case.id,
        joined=False,
        created_at=came,
        recorded_at=None if new.received_at is None else now,
        place_text=new.place_text,
        place_key=read.about.place_key,
    )


def _keep_beside(
    session: Session,
    report: Report,
    read: _Read,
    new: NewReport,
    reporter_key: bytes,
    now: dt.datetime,
) -> None:
    """Its placement, and its reporter's contact."""
    session.add(
        ReportPlacement(
            district_code=report.district_code,
            report_id=report.id,
            n=1,
            placement=read.placement.to_json(),
            responsibility=read.responsibility.to_json(),
            reason="as reported",
            placed_at=now,
        )
    )
    if new.reporter:
        session.add(
            Reporter(
                district_code=report.district_code,
                report_id=report.id,
                sealed=seal(reporter_key, new.reporter),
            )
        )


def _receipt(session: Session, district_code: str, report_id: uuid.UUID) -> str:
    while True:
        digits = "".join(secrets.choice(_DIGITS) for _ in range(8))
        value = f"{digits[:4]}-{digits[4:]}"
        if repository.claim_receipt(session, value, district_code, report_id):
            return value


def _json(crossed: Crossing | None) -> dict[str, Any] | None:
    return None if crossed is None else crossed.to_json()
