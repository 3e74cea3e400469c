"""Takes reports in: located, routed, joined to a case or opening one, in one transaction."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import asdict, replace
from typing import Any

from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import choose_opening, open_case
from gridsvc.cases.intake.address import closer
from gridsvc.cases.intake.locate import locate, parts_meant, place_of
from gridsvc.cases.intake.match import (
    criteria_of,
    crossing,
    join_first,
    judged,
)
from gridsvc.cases.intake.model import (
    Located,
    Matched,
    NewReport,
    ReportFiled,
    Routed,
    proof_path,
)
from gridsvc.cases.intake.models import Report, Reporter, ReportPlacement
from gridsvc.cases.intake.personal import words_hash
from gridsvc.cases.intake.reports_repository import report_counts
from gridsvc.cases.intake.repository import (
    claim_receipt,
    closed_candidates,
    open_candidates,
    open_candidates_alone,
)
from gridsvc.city.classes import ClassKey
from gridsvc.db.base import uuid7, write_added
from gridsvc.errors import BadInput
from gridsvc.registry.access.keys import seal
from gridsvc.registry.bodies.repository import Responsibility
from gridsvc.registry.bodies.rule import AssetOwner
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.parts.models import Part
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.store import Atlas

#: Crockford's digits: none is mistaken for another on the telephone.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Closed cases about a place that the answer names, the newest.
_EARLIER = 5


def file_report(
    occasion: Occasion, atlas: Atlas, new: NewReport, *, reporter_key: bytes
) -> tuple[Case, dict[str, Any]]:
    """File a report; gives its case, locked or new, and the answer of ``POST /v1/reports``.

    Raises BadCoordinate, UnknownCrs, OutsideCity, NotFound or AmbiguousCode for a part's code,
    NotAllowed for a grid worker outside their own cells.
    """
    routed = route(occasion, locate(occasion, atlas, new))
    matched = match(occasion, atlas, routed)
    case, crossed = matched.case, matched.crossed
    secret = secrets.token_urlsafe(16)
    report = _stored(occasion, matched, secret, reporter_key)
    act = occasion.on(case)
    record_report(act, report, matched)
    write_added(occasion.session, keep=(case, report))
    answers = act.emit(ReportFiled(report.id, matched))
    report.needs_confirmation = answers.get("needs_confirmation", False)
    whistle = answers.get("joint_whistle_id")
    return case, {
        "id": str(report.id),
        "receipt": report.receipt,
        "secret": secret,
        "placement": routed.located.placement.to_json(),
        "responsibility": routed.responsibility.to_json(),
        "case_id": str(case.id),
        "joined": matched.joined,
        "joined_across_border": crossed is not None,
        "border_crossed": crossed and crossed.to_json(),
        "joint_whistle_id": whistle and str(whistle),
        "needs_confirmation": report.needs_confirmation,
        "similar": [candidate.to_json(routed.criteria) for candidate in matched.near],
        "earlier": [candidate.to_json(routed.criteria) for candidate in matched.earlier],
        "parts": parts_meant(occasion, routed.located),
        "mended": None if new.footprint is None else new.footprint.mended,
        "created_at": report.created_at.isoformat(),
        "recorded_at": report.recorded_at and report.recorded_at.isoformat(),
        "proof": proof_path(report.receipt),
    }


def route(occasion: Occasion, located: Located) -> Routed:
    """Route a located report. Raises NotAllowed, BadInput, and NotFound where nobody answers."""
    new, city = located.new, occasion.city
    opening = choose_opening(
        city, occasion.caller, new.channel, new.key, name=new.procedure, named=new.seats
    )
    told_at_once = occasion.caller.staff and opening.procedure.calls_at_once
    if new.endangered is not None and not told_at_once:
        raise BadInput(
            f"This begins '{opening.procedure.name}', and nobody would be told at once who is"
            " endangered; say it in 'description'.",
            field="endangered",
        )
    responsibility = responsible_for(occasion, located.placement, new.key, located.part)
    criteria = criteria_of(
        city,
        located.placement,
        key=new.key,
        part_code=place_of(located.placement, located.part).part_code,
        place_text=new.place_text,
        responsible=responsibility.lead.code,
        exact=occasion.caller.role is Role.GRID_WORKER,
    )
    told = _told(located, words=occasion.caller.staff)
    opening = replace(opening, whistle=new.whistle, made_at=new.made_at, told=told)
    return Routed(located, opening, responsibility, criteria)


def _told(located: Located, *, words: bool) -> dict[str, Any]:
    """What bodies that a case calls at its opening are told: what, where, and who is in danger.

    Without ``words`` nothing that the reporter wrote: a citizen's words go into no message.
    """
    new, placed = located.new, located.placement
    areas = (placed.district, placed.street, placed.community)
    written = {
        "what": new.description,
        "address": new.place_text,
        "endangered": new.endangered,
    }
    return {
        **(written if words else {}),
        "areas": [area.name for area in areas if area is not None],
        "unit_grid": placed.unit_grid and placed.unit_grid.code,
    }


def asset_of(part: Part) -> AssetOwner:
    """The bodies that answer for a part."""
    return AssetOwner(part.code, part.owner_body, part.maintainer_body, part.competent_body)


def responsible_for(
    occasion: Occasion, placement: Placement, key: ClassKey, part: Part | None
) -> Responsibility:
    """Who answers for a class at a place on the day of the occasion, by every list."""
    asset = None if part is None else asset_of(part)
    day = occasion.city.day(occasion.now)
    return find_responsible(occasion.session, placement, key=key, asset=asset, day=day)


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
        if criteria.place_key is not None and closer(criteria.place_key, case.place_key):
            case.place_key, case.place_learnt = criteria.place_key, True
        crossed = crossing(atlas, routed.located.placement, candidate)
        return Matched(routed, case, True, crossed, tuple(near), ())
    earlier = closed_candidates(session, criteria, limit=_EARLIER)
    here = place_of(routed.located.placement, routed.located.part, criteria.place_key)
    case = open_case(occasion, here, criteria.key, routed.opening, routed.responsibility)
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
    found = judged(city, open_candidates(session, criteria), criteria)
    own = None if procedure.merges else f"the report begins '{procedure.name}', a case of its own"
    candidates = [candidate for candidate, _ in found]
    apart = {candidate.id: own or reason for candidate, reason in found}
    closed = closed_candidates(session, criteria, limit=_EARLIER)
    counts = report_counts(session, [candidate.id for candidate in (*candidates, *closed)])
    first = next((candidate for candidate in candidates if apart[candidate.id] is None), None)
    placement = routed.located.placement
    crossed = {candidate.id: crossing(atlas, placement, candidate) for candidate in candidates}
    return {
        "placement": placement.to_json(),
        "responsibility": routed.responsibility.to_json(),
        "parts": parts_meant(occasion, routed.located),
        "would_join": None if first is None else str(first.id),
        "candidates": [
            {
                **candidate.to_json(criteria),
                "class": asdict(candidate.key),
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
        earlier_cases=[],
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
        drawn = secrets.randbits(5 * 8)
        digits = "".join(_DIGITS[drawn >> 5 * n & 31] for n in range(8))
        value = f"{digits[:4]}-{digits[4:]}"
        if claim_receipt(session, value, district_code, report_id):
            return value


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
    kept = content | {"words_sha256": words_hash(report)}
    act.record("report_joined" if report.joined else "report_filed", kept, at=report.created_at)
    if not report.joined:
        return
    lead, responsible = act.case.lead_body, matched.routed.responsibility.lead.code
    act.tell([lead], "report_joined", content)
    if responsible not in (lead, *act.progress.refused_by):
        told = {**content, "lead": lead, "rule": "the first receiver leads (首接负责)"}
        act.tell([responsible], "report_joined_elsewhere", told)
