"""Takes reports in: placed, routed, joined to a case or opening one, in one transaction."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.clock.zone import city_day
from gridsvc.cases.files import repository as files
from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.files.opening import Opening, chosen, open_case
from gridsvc.cases.files.repository import NearbyCase
from gridsvc.cases.files.stepping import running_of
from gridsvc.cases.messages.service import send
from gridsvc.cases.reports import repository
from gridsvc.cases.reports.calling import blow_if_called, joint_call
from gridsvc.cases.reports.contact import seal
from gridsvc.cases.reports.covering import check_covered, check_own_cells
from gridsvc.cases.reports.model import GivenPoint, NewReport, Routed, SimilarCase
from gridsvc.cases.reports.models import Report, Reporter, ReportPlacement
from gridsvc.cases.trace.service import append
from gridsvc.db.base import uuid7
from gridsvc.errors import AmbiguousCode, BadInput, NotFound
from gridsvc.registry.access.model import Caller
from gridsvc.registry.bodies.model import Responsibility
from gridsvc.registry.bodies.service import AssetOwner, find_responsible
from gridsvc.registry.codes.service import look_up
from gridsvc.registry.parts.models import Part
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place, place_inside
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

__all__ = ["asset_of", "file_report", "find_report", "placement_on", "report_json"]

#: Crockford's digits: none is mistaken for another on the telephone.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GEOD = Geod(ellps="WGS84")
#: A reporter may stand this far from the part that he names, beyond all accuracies.
_BESIDE_PART_M = 100.0
#: How well a part's position is known, by its position class (A, B, C), in metres.
_PART_ACCURACY_M = {"A": 0.5, "B": 1.0, "C": 10.0}


@dataclass(frozen=True, slots=True)
class _Place:
    lon: float
    lat: float
    accuracy_m: float


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
    NotAllowed for a grid worker outside his own cells.
    """
    part = None if new.part is None else _part(session, *new.part)
    here = _where(settings, new, part)
    placement = place_inside(atlas, here.lon, here.lat, here.accuracy_m)
    check_own_cells(caller, placement)
    opening = chosen(caller, new.channel, new.key, name=new.procedure, named=new.seats)
    if new.procedure is not None:
        check_covered(caller, placement)
    responsibility = find_responsible(
        session, placement, key=new.key, asset=asset_of(part), day=city_day(now)
    )
    call = joint_call(session, atlas, new, placement, responsibility)
    files.lock_surroundings(
        session, lon=here.lon, lat=here.lat, within_m=settings.merge_within_m, key=new.key
    )
    near = files.open_cases_near(
        session,
        lon=here.lon,
        lat=here.lat,
        within_m=settings.merge_within_m,
        key=new.key,
        districts=_districts(placement),
    )
    case, joined = _case(session, new, opening, placement, responsibility, near, part, caller, now)
    report = _store(session, new, here, placement, case, joined, call.needs_confirmation, now)
    report.part_code = part.code if part is not None else None
    session.add(report)
    session.flush()
    session.add(
        ReportPlacement(
            district_code=report.district_code,
            report_id=report.id,
            n=1,
            placement=placement.to_json(),
            responsibility=responsibility.to_json(),
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
    _trace(session, case, report, joined, caller, now)
    whistle_id, asked = None, False
    if running_of(case).merges:
        whistle_id, asked = blow_if_called(
            session, settings, case, placement, new.key, call, actor=caller.subject, now=now
        )
    report.needs_confirmation = asked
    return Routed(
        id=report.id,
        receipt=report.receipt,
        placement=placement,
        responsibility=responsibility,
        case_district=case.district_code,
        case_id=case.id,
        joined=joined,
        joined_across_border=joined and case.district_code != report.district_code,
        joint_whistle_id=whistle_id,
        needs_confirmation=asked,
        similar=tuple(SimilarCase(c.id, c.district_code, c.lead_body, c.distance_m) for c in near),
        mended=None if new.footprint is None else new.footprint.mended,
        created_at=now,
    )


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
            "closed_at": case.closed_at,
        },
    }


def _part(session: Session, district: str | None, code: str) -> Part:
    matches = look_up(session, code, district).matches
    bearers = [match.district_code for match in matches if match.kind == "part"]
    if not bearers:
        raise NotFound(
            f"{code} is a unit grid's code, not a part's; report its place instead.",
            field="part.code",
        )
    if len(bearers) > 1:
        raise AmbiguousCode(
            f"Parts of several districts have the code {code}: {', '.join(bearers)};"
            " say which in part.district.",
            field="part.district",
            districts=bearers,
        )
    code = next(match.code for match in matches if match.kind == "part")
    part = find(session, bearers[0], code)
    if part is None:
        raise AssertionError(f"part {code} was found and is gone")
    return part


def _where(settings: Settings, new: NewReport, part: Part | None) -> _Place:
    """The report's point in WGS84: as given, else the part's, else one inside the footprint."""
    given = None if new.point is None else _given(new.point, settings.report_accuracy_m)
    if part is not None:
        point = to_shape(part.geometry).representative_point()
        there = _Place(point.x, point.y, _PART_ACCURACY_M[part.position_class])
        if given is None:
            return there
        _check_at_part(given, there, part)
    if given is not None:
        return given
    if new.footprint is not None:
        point = new.footprint.geometry.representative_point()
        return _Place(point.x, point.y, settings.report_accuracy_m)
    raise BadInput(
        "The report has no place; give 'location', 'part' or 'footprint'.", field="location"
    )


def _check_at_part(given: _Place, there: _Place, part: Part) -> None:
    """Refuse a location that cannot be the part's: one of the two is a mistake."""
    metres = _GEOD.inv(given.lon, given.lat, there.lon, there.lat)[2]
    if metres > given.accuracy_m + there.accuracy_m + _BESIDE_PART_M:
        raise BadInput(
            f"The location lies {metres:,.0f} m from part {part.code} of {part.district_code};"
            " check the part's code, or report the location alone.",
            field="location",
        )


def _given(point: GivenPoint, default_m: float) -> _Place:
    x, y = check_lon_lat(point.x, point.y, point.crs)
    lon, lat = to_wgs84(x, y, point.crs)
    return _Place(lon, lat, default_m if point.accuracy_m is None else point.accuracy_m)


def asset_of(part: Part | None) -> AssetOwner | None:
    """The bodies that stand behind a part; None without one."""
    if part is None:
        return None
    return AssetOwner(part.code, part.owner_body, part.maintainer_body, part.competent_body)


def _districts(placement: Placement) -> list[str]:
    """The districts whose cases a report here may join: its own, and across a near border."""
    own = [] if placement.district is None else [placement.district.code]
    if placement.border is None or "district" not in placement.border.near_levels:
        return own
    return own + [n.code for n in placement.border.neighbours if n.level == "district"]


def _case(
    session: Session,
    new: NewReport,
    opening: Opening,
    placement: Placement,
    responsibility: Responsibility,
    near: list[NearbyCase],
    part: Part | None,
    caller: Caller,
    now: dt.datetime,
) -> tuple[CaseFile, bool]:
    """The open case that the report joins, locked; or a new one."""
    code = part.code if part is not None else None
    joins = new.procedure is None and opening.running.merges
    for candidate in near if joins else ():
        if candidate.part_code != code:
            continue
        case = files.lock_case(session, candidate.id)
        if case is not None and case.state == "open" and running_of(case).merges:
            return case, True
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    case = open_case(
        session,
        district_code=placement.district.code,
        street=None if placement.street is None else placement.street.code,
        community=None if placement.community is None else placement.community.code,
        key=new.key,
        opening=opening,
        responsibility=responsibility,
        lon=placement.lon,
        lat=placement.lat,
        part_code=code,
        caller=caller,
        now=now,
    )
    return case, False


def _store(
    session: Session,
    new: NewReport,
    here: _Place,
    placement: Placement,
    case: CaseFile,
    joined: bool,
    needs_confirmation: bool,
    now: dt.datetime,
) -> Report:
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    report_id = uuid7()
    footprint = new.footprint
    return Report(
        district_code=placement.district.code,
        id=report_id,
        receipt=_receipt(session, placement.district.code, report_id),
        channel=new.channel,
        standard=new.key.standard,
        kind=new.key.kind,
        class_code=new.key.code,
        description=new.description,
        given_x=None if new.point is None else new.point.x,
        given_y=None if new.point is None else new.point.y,
        given_crs=None if new.point is None else new.point.crs,
        accuracy_m=here.accuracy_m,
        point=from_shape(Point(here.lon, here.lat), srid=4326),
        footprint=None if footprint is None else from_shape(footprint.geometry, srid=4326),
        part_code=None,
        needs_confirmation=needs_confirmation,
        case_district=case.district_code,
        case_id=case.id,
        joined=joined,
        created_at=now,
    )


def _receipt(session: Session, district_code: str, report_id: uuid.UUID) -> str:
    while True:
        digits = "".join(secrets.choice(_DIGITS) for _ in range(8))
        value = f"{digits[:4]}-{digits[4:]}"
        if repository.claim_receipt(session, value, district_code, report_id):
            return value


def _trace(
    session: Session,
    case: CaseFile,
    report: Report,
    joined: bool,
    caller: Caller,
    now: dt.datetime,
) -> None:
    content = {
        "report_id": str(report.id),
        "district_code": report.district_code,
        "receipt": report.receipt,
        "channel": report.channel,
        "across_border": case.district_code != report.district_code,
    }
    append(
        session,
        case.district_code,
        case.id,
        action="report_joined" if joined else "report_filed",
        actor=caller.subject,
        content=content,
        at=now,
        now=now,
    )
    if joined:
        send(
            session,
            case.district_code,
            case.id,
            [case.lead_body],
            topic="report_joined",
            content=content,
            now=now,
        )
