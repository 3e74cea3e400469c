"""Takes reports in: located, routed, joined to a case or opening one, in one transaction."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.core import repository as cases
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import open_case
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.case_reports_repository import (
    part_of_reports,
    report_counts,
    send_reports,
)
from gridsvc.cases.intake.contact import seal
from gridsvc.cases.intake.locate import locate
from gridsvc.cases.intake.match import crossing, join_first, ranked, reason_not_joined
from gridsvc.cases.intake.match_repository import (
    closed_candidates,
    open_candidates,
    open_candidates_alone,
)
from gridsvc.cases.intake.model import Filed, Matched, NewReport, ReportFiled, Routed
from gridsvc.cases.intake.models import Report, Reporter, ReportPlacement
from gridsvc.cases.intake.route import route
from gridsvc.db.base import uuid7
from gridsvc.db.driver import write_added
from gridsvc.errors import NotFound
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas

#: Crockford's digits: none is mistaken for another on the telephone.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Closed cases about a place that the answer names, the newest.
_EARLIER = 5


def file_report(occasion: Occasion, atlas: Atlas, new: NewReport, *, reporter_key: bytes) -> Filed:
    """File a report and give what became of it.

    Raises BadCoordinate, UnknownCrs, OutsideCity, NotFound or AmbiguousCode for a part's code,
    NotAllowed for a grid worker outside their own cells.
    """
    session = occasion.session
    matched = match(occasion, atlas, route(occasion, locate(occasion, atlas, new)))
    act = occasion.on(matched.case)
    secret = secrets.token_urlsafe(16)
    report = _stored(occasion, matched, secret, reporter_key)
    record_report(act, report, matched)
    write_added(session, keep=(matched.case, report))
    answers = act.emit(ReportFiled(report.id, matched))
    report.needs_confirmation = answers.get("needs_confirmation", False)
    return Filed(
        id=report.id,
        receipt=report.receipt,
        secret=secret,
        matched=matched,
        joint_whistle_id=answers.get("joint_whistle_id"),
        needs_confirmation=report.needs_confirmation,
        created_at=report.created_at,
        recorded_at=report.recorded_at,
    )


def match(occasion: Occasion, atlas: Atlas, routed: Routed) -> Matched:
    """Find the open case of a routed report and lock it, or open one."""
    session, city, criteria = occasion.session, occasion.city, routed.criteria
    near = open_candidates_alone(session, criteria)
    joined = None
    if routed.located.new.procedure is None and routed.opening.procedure.merges:
        joined = join_first(session, city, near, criteria)
    if joined is not None:
        case, candidate = joined
        if case.part_code is None and case.district_code == criteria.district:
            case.part_code = criteria.part_code
        crossed = crossing(atlas, routed.located.placement, candidate)
        return Matched(routed, case, True, crossed, tuple(near), ())
    earlier = closed_candidates(session, criteria, limit=_EARLIER)
    case = open_case(
        occasion, routed.located.place, criteria.key, routed.opening, routed.responsibility
    )
    return Matched(routed, case, False, None, tuple(near), tuple(earlier))


def check_report(occasion: Occasion, atlas: Atlas, new: NewReport) -> None:
    """Raise what :func:`file_report` would raise; nothing is kept."""
    route(occasion, locate(occasion, atlas, new))


def similar_cases(occasion: Occasion, atlas: Atlas, new: NewReport) -> dict[str, Any]:
    """What a report would find if it were filed now; nothing is kept.

    Raises what :func:`file_report` raises.
    """
    session, city = occasion.session, occasion.city
    routed = route(occasion, locate(occasion, atlas, new))
    criteria, procedure = routed.criteria, routed.opening.procedure
    candidates = ranked(open_candidates(session, criteria), criteria)
    apart = {
        candidate.id: reason_not_joined(
            candidate,
            criteria,
            city.procedures.get(candidate.procedure, candidate.procedure_version),
        )
        if procedure.merges
        else f"the report begins '{procedure.name}', a case of its own"
        for candidate in candidates
    }
    closed = closed_candidates(session, criteria, limit=_EARLIER)
    counts = report_counts(session, [candidate.id for candidate in (*candidates, *closed)])
    first = next((candidate for candidate in candidates if apart[candidate.id] is None), None)
    placement = routed.located.placement
    crossed = {candidate.id: crossing(atlas, placement, candidate) for candidate in candidates}
    return {
        "placement": placement.to_json(),
        "responsibility": routed.responsibility.to_json(),
        "would_join": None if first is None else str(first.id),
        "candidates": [
            {
                **candidate.to_json(criteria),
                "class": candidate.key.to_json(),
                "part_code": candidate.part_code,
                "reports": counts.get(candidate.id, 0),
                "joins": apart[candidate.id] is None,
                "reason": apart[candidate.id],
                "border_crossed": border and border.to_json(),
            }
            for candidate in candidates
            for border in (crossed[candidate.id],)
        ],
        "earlier": [
            {**candidate.to_json(criteria), "reports": counts.get(candidate.id, 0)}
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


#: What of a placement tells where the pin itself is.
_EXACT = frozenset({"point", "accuracy_m", "border"})


def shown_placement(placement: dict[str, Any], *, exact: bool) -> dict[str, Any]:
    """A placement whole, or without what tells where the pin itself is."""
    return {name: it for name, it in placement.items() if exact or name not in _EXACT}


def report_json(session: Session, report: Report, *, exact: bool) -> dict[str, Any]:
    """A report as anybody may see it: no contact, no description of a person.

    ``exact``: with where its pin is, for the staff of its case and whoever filed it; a receipt is
    short and can be guessed, and a pin shows whose window it is.
    """
    placed = repository.last_placement(session, report.district_code, report.id)
    case = cases.case_by_id(session, report.case_id)
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
        "placement": shown_placement(placed.placement, exact=exact),
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


def secret_hash(secret: str) -> str:
    """What is kept of the secret in a receipt's link: its SHA-256, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _stored(occasion: Occasion, matched: Matched, secret: str, reporter_key: bytes) -> Report:
    """The report, its placement, and its reporter's contact, added to the session."""
    session, routed, case = occasion.session, matched.routed, matched.case
    located, criteria = routed.located, routed.criteria
    new, placement, part = located.new, located.placement, located.part
    report_id = uuid7()
    report = Report(
        district_code=criteria.district,
        id=report_id,
        receipt=_receipt(session, criteria.district, report_id),
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
        footprint=None if new.footprint is None else from_shape(new.footprint.geometry, srid=4326),
        part_code=None if part is None else part.code,
        needs_confirmation=False,
        case_district=case.district_code,
        case_id=case.id,
        joined=matched.joined,
        created_at=located.reported_at,
        recorded_at=None if new.received_at is None else occasion.now,
        place_text=new.place_text,
        place_key=criteria.place_key,
        reporter_subject=occasion.caller.subject,
        secret_hash=secret_hash(secret),
    )
    key = {"district_code": report.district_code, "report_id": report.id}
    session.add(report)
    session.add(
        ReportPlacement(
            **key,
            n=1,
            placement=placement.to_json(),
            responsibility=routed.responsibility.to_json(),
            reason="as reported",
            placed_at=occasion.now,
        )
    )
    if new.reporter:
        session.add(Reporter(**key, sealed=seal(reporter_key, new.reporter)))
    return report


def _receipt(session: Session, district_code: str, report_id: uuid.UUID) -> str:
    while True:
        digits = "".join(secrets.choice(_DIGITS) for _ in range(8))
        value = f"{digits[:4]}-{digits[4:]}"
        if repository.claim_receipt(session, value, district_code, report_id):
            return value


#: Messages that are called otherwise than their entry in the trace.
_TOPICS = {"joined_into": "case_joined_into"}


def record_report(act: Act, report: Report, matched: Matched) -> None:
    """Record a stored report in its locked case, and tell whoever leads it that one has joined.

    The first receiver leads (首接负责): where another body answers at the place of a report that
    joins, that body is told who does, unless it has said that the case is not its own.
    """
    content: dict[str, Any] = {
        "report_id": str(report.id),
        "district_code": report.district_code,
        "receipt": report.receipt,
        "channel": report.channel,
        "across_border": matched.crossed is not None,
    }
    if matched.crossed is not None:
        content["border_crossed"] = matched.crossed.to_json()
    if report.recorded_at is not None:
        content |= {"recorded_later": True, "received_at": report.created_at.isoformat()}
    act.record("report_joined" if report.joined else "report_filed", content, at=report.created_at)
    if not report.joined:
        return
    lead, responsible = act.case.lead_body, matched.routed.responsibility.lead.code
    act.tell([lead], "report_joined", content)
    if responsible not in (lead, *act.progress.refused_by):
        told = {**content, "lead": lead, "rule": "the first receiver leads (首接负责)"}
        act.tell([responsible], "report_joined_elsewhere", told)


def transfer_reports(act: Act, target: Case, ids: Sequence[UUID] | None) -> list[Report]:
    """Give reports of the act's case to another (None: all), and the part with the last of them.

    Gives them in the order in which people reported.
    """
    sent = send_reports(act.session, act.case, target, ids)
    if ids is not None and act.case.part_code is not None:
        act.case.part_code = part_of_reports(act.session, act.case, act.case.part_code)
    return sent


def record_transfer(
    act: Act, action: str, other: Case, told: Mapping[str, Any], *, bodies: Collection[str] = ()
) -> None:
    """Record in a locked case what was done with it and another one, and tell its bodies.

    ``bodies`` are told, the lead where none are named, and who leads the other case.
    """
    content = {"case_id": str(other.id), "district_code": other.district_code, **told}
    act.record(action, content)
    told_to = bodies or [act.case.lead_body]
    act.tell(told_to, _TOPICS.get(action, action), {**content, "lead": other.lead_body})
