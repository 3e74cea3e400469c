"""Confirms the side of a report near a border, chooses its part, and moves its pin."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.opening import opening_by_rule
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.sending_on import send_on
from gridsvc.cases.intake.locate import (
    STAFF,
    check_at_part,
    covers_place,
    named_part,
    wgs84_of,
)
from gridsvc.cases.intake.match import (
    Candidate,
    MatchCriteria,
    criteria_of,
    reason_not_joined,
)
from gridsvc.cases.intake.model import GivenPoint, Located, NewReport, PinMoved, Routed
from gridsvc.cases.intake.models import Report, ReportPlacement
from gridsvc.cases.intake.reports import record_transfer, transfer_reports
from gridsvc.cases.intake.reports_repository import last_placement, reports_of
from gridsvc.cases.intake.rights import covers_report, filed_by
from gridsvc.cases.intake.service import match, responsible_for, secret_hash
from gridsvc.city.classes import ClassKey
from gridsvc.errors import BadInput, NotAllowed, StepRefused
from gridsvc.registry.bodies.repository import Responsibility
from gridsvc.registry.parts.models import Part
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.model import AreaRef, Placement
from gridsvc.registry.placement.service import place, place_inside
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.ellipsoid import distance_m

#: Why a report that was confirmed on the other side of a border was placed again.
CONFIRMED = "the reporter confirmed the side"
_CHOSEN = "the part was chosen"

#: The procedures of cases whose place is not settled yet by a whistle or a plan.
_PLAIN = ("ordinary", "checked")


@dataclass(frozen=True, slots=True)
class _Placed:
    """A report at a place, new or confirmed, and who answers for it there."""

    report: Report
    part: Part | None
    placement: Placement
    responsibility: Responsibility

    @property
    def key(self) -> ClassKey:
        return ClassKey(self.report.standard, self.report.kind, self.report.class_code)


def confirm_side(
    occasion: Occasion, atlas: Atlas, report: Report, street: str, *, secret: str | None
) -> None:
    """The reporter, or the staff of the place, says on which side of a border the place is.

    It settles the side of this report: the other side is then not told, and on another side than
    where its pin is, the report is routed again by every list. Raises NotAllowed for others,
    StepRefused when nothing is to be confirmed, BadInput for a street that is none of the sides.
    """
    session, pin = occasion.session, to_shape(report.point)
    placement = place(atlas, pin.x, pin.y, report.accuracy_m)
    _check_may_confirm(occasion, report, placement, secret)
    act = _locked(occasion, report)
    if not report.needs_confirmation:
        raise StepRefused("The report needs no confirmation; its place is certain or settled.")
    sides = (
        {n.code: n.name for n in placement.border.neighbours if n.level == "street"}
        if (placement.border)
        else {}
    )
    own = placement.street
    sides |= {own.code: own.name} if own else {}
    if street not in sides:
        raise BadInput(
            f"'{street}' is not one of the streets at the place: {', '.join(sorted(sides))}.",
            field="street",
        )
    report.needs_confirmation = False
    withdrawn = 0 if _others_are_asked(session, act, report) else act.withdraw("near_border")
    said = {"report_id": str(report.id), "street": street, "messages_withdrawn": withdrawn}
    act.record("confirm_side", said)
    if own is not None and street == own.code:
        return
    confirmed = _on_side(placement, AreaRef(street, sides[street]))
    placed = _routed_again(occasion, report, confirmed, CONFIRMED)
    if len(reports_of(session, act.case)) == 1:
        _send_on(act, placed.responsibility, CONFIRMED)
    elif placed.responsibility.lead.code != act.case.lead_body:
        _leave(act, atlas, placed, CONFIRMED)


def choose_part(
    occasion: Occasion, atlas: Atlas, report: Report, code: str, *, secret: str | None
) -> None:
    """The reporter, or the staff of the place, says which part of its district a report means.

    It is routed again, and the owner of the part leads. A case about another part is left. Raises
    NotAllowed for others, NotFound for the code, BadInput for a part of another class or place.
    """
    session, pin = occasion.session, to_shape(report.point)
    placement = place(atlas, pin.x, pin.y, report.accuracy_m)
    _check_may_confirm(occasion, report, placement, secret)
    act = _locked(occasion, report)
    part = named_part(session, report.district_code, code, beside=(pin.x, pin.y))
    if part.class_code != report.class_code:
        raise BadInput(
            f"Part {part.code} is of class {part.class_code}, the report of {report.class_code};"
            " choose a part of its class.",
            field="code",
        )
    check_at_part(session, (pin.x, pin.y), report.accuracy_m, part)
    report.part_code = part.code
    placed = _routed_again(occasion, report, placement, _CHOSEN)
    act.record("choose_part", {"report_id": str(report.id), "part_code": part.code})
    alone = len(reports_of(session, act.case)) == 1
    if act.case.part_code not in (None, part.code) and not alone:
        _leave(act, atlas, placed, _CHOSEN)
        return
    act.case.part_code = part.code
    _send_on(act, placed.responsibility, _CHOSEN)


def move_report(
    occasion: Occasion,
    atlas: Atlas,
    report: Report,
    point: GivenPoint,
    *,
    reason: str,
    whole_case: bool,
) -> None:
    """Move the pin and route again.

    Where the report is then about another place, it leaves its case. The case moves when all of
    its reports do, or when supervision of its district says so (``whole_case``).

    Raises NotAllowed for callers who are not staff of the place, StepRefused in a joint or
    closed case, and what placing a point raises.
    """
    session, city, caller = occasion.session, occasion.city, occasion.caller
    if caller.role not in STAFF or not covers_report(session, caller, report):
        raise NotAllowed("Only staff of the report's place may move its pin.")
    act = _locked(occasion, report)
    if whole_case and not caller.supervises(act.case.district_code):
        raise NotAllowed(
            f"Only a token of role district, city or admin that covers {act.case.district_code}"
            " may move a whole case; without 'whole_case' the report alone is moved.",
            field="whole_case",
        )
    lon, lat, accuracy_m = wgs84_of(point, city.settings.report_accuracy_m)
    placed = _routed_again(occasion, report, place_inside(atlas, lon, lat, accuracy_m), reason)
    report.point = from_shape(Point(lon, lat), srid=4326)
    report.accuracy_m = accuracy_m
    act.record("move_pin", {"report_id": str(report.id), "to": [lon, lat], "reason": reason})
    others = [one for one in reports_of(session, act.case) if one.id != report.id]
    if others and not whole_case:
        if _still_in_case(act, placed):
            return
        if not all(_same_place(act, placed, one) for one in others):
            _leave(act, atlas, placed, reason)
            return
    _move_case(act, placed, reason)
    event = PinMoved(report.id, placed.key, placed.placement, placed.responsibility, True)
    answers = act.emit(event)
    report.needs_confirmation = answers.get("needs_confirmation", False)


def _check_may_confirm(
    occasion: Occasion, report: Report, placement: Placement, secret: str | None
) -> None:
    caller = occasion.caller
    if hmac.compare_digest(secret_hash(secret or ""), report.secret_hash or ""):
        return
    if filed_by(caller, report):
        return
    if caller.role in STAFF and covers_place(caller, placement):
        return
    raise NotAllowed(
        "Only whoever filed the report (with the same token, or the secret of the receipt) and"
        " the staff of its place may say which part it is about, or on which side of the border"
        " it lies."
    )


def _on_side(placement: Placement, street: AreaRef) -> Placement:
    """The placement as if its point lay in a neighbouring street."""
    district = placement.district
    if district is None or not street.code.startswith(district.code):
        near = placement.border.neighbours if placement.border else ()
        names = {n.code: n.name for n in near if n.level == "district"}
        district = AreaRef(street.code[:6], names.get(street.code[:6], ""))
    return placement._replace(district=district, street=street, community=None, unit_grid=None)


def _routed_again(occasion: Occasion, report: Report, placement: Placement, reason: str) -> _Placed:
    """Who answers for a report at a new place; its old placements are kept beside this one."""
    session = occasion.session
    part = None
    if report.part_code is not None:
        part = find(session, report.district_code, report.part_code)
    key = ClassKey(report.standard, report.kind, report.class_code)
    responsibility = responsible_for(occasion, placement, key, part)
    last = last_placement(session, report.district_code, report.id)
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
            placed_at=occasion.now,
        )
    )
    return _Placed(report, part, placement, responsibility)


def _same_place(act: Act, placed: _Placed, other: Report) -> bool:
    """Whether another report of the case is about the place to which the pin was moved."""
    pin, here = to_shape(other.point), placed.placement
    metres = distance_m(pin.x, pin.y, here.lon, here.lat)
    return bool(metres <= _criteria(act, placed).within_m)


def _still_in_case(act: Act, placed: _Placed) -> bool:
    """Whether a moved report would still join its case."""
    case, here, there = act.case, placed.placement, to_shape(act.case.point)
    candidate = Candidate(
        district_code=case.district_code,
        id=case.id,
        key=ClassKey(case.standard, case.kind, case.class_code),
        state=case.state,
        lead_body=case.lead_body,
        part_code=case.part_code,
        lon=there.x,
        lat=there.y,
        distance_m=distance_m(there.x, there.y, here.lon, here.lat),
        place_key=None,
        place_learnt=False,
        exact=case.inspector is not None,
        procedure=case.procedure,
        procedure_version=case.procedure_version,
    )
    criteria = _criteria(act, placed)
    if case.district_code not in criteria.districts:
        return False
    return reason_not_joined(candidate, criteria, act.procedure) is None


def _criteria(act: Act, placed: _Placed) -> MatchCriteria:
    return criteria_of(
        act.city,
        placed.placement,
        key=placed.key,
        part_code=placed.report.part_code,
        place_text=placed.report.place_text,
        responsible=placed.responsibility.lead.code,
        exact=act.caller.role is Role.GRID_WORKER,
    )


def _move_case(act: Act, placed: _Placed, reason: str) -> None:
    case, placement = act.case, placed.placement
    case.point = placed.report.point
    if (key := _criteria(act, placed).place_key) is not None:
        case.place_key, case.place_learnt = key, False
    case.street_code = None if placement.street is None else placement.street.code
    case.community_code = None if placement.community is None else placement.community.code
    _send_on(act, placed.responsibility, reason)


def _send_on(act: Act, responsibility: Responsibility, reason: str) -> None:
    """Give the case to whoever answers, by the clock that runs, and tell who led it."""
    before, lead = act.case.lead_body, responsibility.lead
    if lead.code == before:
        return
    send_on(act, lead, reason, restart=False)
    act.tell([before], "case_sent_away", {"to": lead.code, "reason": reason})


def _leave(act: Act, atlas: Atlas, placed: _Placed, reason: str) -> None:
    """Take a report out of its case, to the case of its new place or into one of its own."""
    report, source = placed.report, act.case
    new = NewReport(
        channel=report.channel,
        key=placed.key,
        description=report.description,
        point=None,
        part=None,
        footprint=None,
        reporter=None,
        place_text=report.place_text,
    )
    located = Located(new, placed.placement, placed.part, report.created_at)
    opening = opening_by_rule(act.city, report.channel, placed.key)
    routed = Routed(located, opening, placed.responsibility, _criteria(act, placed))
    matched = match(Occasion(act.session, act.city, act.caller, act.now), atlas, routed)
    target = act.on(matched.case)
    act.session.flush()
    transfer_reports(act, matched.case, [report.id])
    report.joined = matched.joined
    told = {"reason": reason, "reports": [report.receipt]}
    record_transfer(act, "reports_split_off", matched.case, told)
    record_transfer(target, "reports_split_in", source, told)
    event = PinMoved(report.id, placed.key, placed.placement, placed.responsibility, False)
    answers = target.emit(event)
    report.needs_confirmation = answers.get("needs_confirmation", False)


def _others_are_asked(session: Session, act: Act, report: Report) -> bool:
    """Whether another report of the case still waits for its reporter's word."""
    return any(
        other.needs_confirmation for other in reports_of(session, act.case) if other.id != report.id
    )


def _locked(occasion: Occasion, report: Report) -> Act:
    act = occasion.on(lock_case(occasion.session, report.case_id))
    occasion.session.refresh(report)
    case = act.case
    if report.case_id != case.id:
        raise StepRefused(f"The report was just given to case {report.case_id}; try again.")
    if case.state != "open" or case.procedure not in _PLAIN:
        raise StepRefused(
            f"The case runs as '{case.procedure}' and is {case.state}; its place is settled there."
        )
    return act
