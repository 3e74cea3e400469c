"""Whom a whistle may call: owners, agreements, duty lists, and what the facts suggest."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import last_placement, reports_of
from gridsvc.cases.systems.whistles.attendance import comers, on_rosters
from gridsvc.cases.systems.whistles.facts import FACTS, suggested
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies import repository
from gridsvc.registry.bodies.repository import BodyRef
from gridsvc.registry.parts.repository import classes_beside, find
from gridsvc.registry.postings.roster import OFFERED, Listed, shown_minutes

#: A part this near says what lies beside the place, in metres.
_BESIDE_M = 50.0
_ORDER = ("asset_owner", "agreement", "duty", "fact")
_BY_HAND = {"ground": "named", "why": "named by the caller"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a body is proposed: ``asset_owner``, ``agreement``, ``duty`` or ``fact``, in words."""

    ground: str
    why: str
    lead: bool = False

    def to_json(self) -> dict[str, Any]:
        """``{ground, why}``."""
        return {"ground": self.ground, "why": self.why}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A body that may be called, for its reasons; ``called``: it has been.

    ``come`` are those of the street's roster who can come, None where it says nothing of the body.
    """

    body: BodyRef
    reasons: tuple[Reason, ...]
    called: bool
    come: tuple[Listed, ...] | None

    def to_json(self) -> dict[str, Any]:
        """``{body_code, name, kind, reasons, called, can_come, nobody_can_come}``."""
        return {
            "can_come": None if self.come is None else [_comer_json(one) for one in self.come],
            "nobody_can_come": self.come == (),
            "body_code": self.body.code,
            "name": self.body.name,
            "kind": self.body.kind,
            "reasons": [reason.to_json() for reason in self.reasons],
            "called": self.called,
        }


def proposals(
    session: Session,
    city: City,
    case: Case,
    *,
    found: str = "",
    at: dt.datetime | None = None,
) -> list[Proposal]:
    """Whom the present whistle of a case may call, the strongest reasons first.

    ``found`` is what somebody found on the spot. The street of the place is left out: it calls.
    With ``at`` its roster of then is asked who can come: first the bodies of whom somebody is
    posted and on duty, then those on call; last those from which nobody can come.
    """
    filed = reports_of(session, case)
    areas = _areas(session, case, filed)
    street = next((code for code in areas if len(code) == 9), None)
    reasons: dict[str, list[Reason]] = defaultdict(list)
    key = ClassKey(case.standard, case.kind, case.class_code)
    day = city.day(case.opened_at)
    for code, reason in (
        *_of_part(session, case),
        *_of_lists(session, case, key, areas, day),
        *_of_facts(session, city, case, areas, [found, *(report.description for report in filed)]),
    ):
        if code != street and reason not in reasons[code]:
            reasons[code].append(reason)
    bodies = repository.bodies_by_code(session, reasons)
    called = Progress.from_json(case.progress).called_bodies
    there = None if at is None else comers(session, city, case, street, at)

    def come(body: BodyRef) -> tuple[Listed, ...] | None:
        theirs = () if there is None else tuple(there.get(body.code, ()))
        return theirs if theirs or (there is not None and on_rosters(body)) else None

    listed = [
        Proposal(bodies[code], tuple(reasons[code]), code in called, come(bodies[code]))
        for code in reasons
        if code in bodies
    ]
    return sorted(listed, key=_rank)


def reasons_for(
    session: Session, city: City, case: Case, called: Collection[str], *, found: str = ""
) -> dict[str, Any]:
    """Why each called body is called: ``{called_for: {code: [reasons]}}``."""
    known = {one.body.code: one for one in proposals(session, city, case, found=found)}
    return {
        "called_for": {
            code: [reason.to_json() for reason in known[code].reasons]
            if code in known
            else [_BY_HAND]
            for code in called
        }
    }


def _rank(proposal: Proposal) -> tuple[int, int, bool, str]:
    best = min(proposal.reasons, key=lambda reason: (_ORDER.index(reason.ground), not reason.lead))
    come = proposal.come
    if come is None:
        nearness = len(OFFERED)
    else:
        nearness = OFFERED.index(come[0].kind) if come else len(OFFERED) + 1
    return nearness, _ORDER.index(best.ground), not best.lead, proposal.body.code


def _comer_json(one: Listed) -> dict[str, Any]:
    """Without the name, which the roster has."""
    return {
        "staff_code": one.staff_code,
        "kind": one.kind.value,
        "minutes": shown_minutes(one),
    }


def _areas(session: Session, case: Case, filed: Sequence[Report]) -> list[str]:
    """The codes of the place's areas, from the city down, as its first report was placed."""
    placed = last_placement(session, filed[0].district_code, filed[0].id) if filed else None
    drawn = {} if placed is None else placed.placement
    levels = (drawn.get(level) for level in ("district", "street", "community"))
    codes = [level["code"] for level in levels if level] or [case.district_code]
    return [codes[0][:2], codes[0][:4], *codes]


def _of_part(session: Session, case: Case) -> Iterator[tuple[str, Reason]]:
    part = None if case.part_code is None else find(session, case.district_code, case.part_code)
    if part is None:
        return
    for role, code in (
        ("owner", part.owner_body),
        ("maintainer", part.maintainer_body),
        ("competent body", part.competent_body),
    ):
        if code is not None:
            why = f"{role} of part {part.code} in the register"
            yield code, Reason("asset_owner", why, lead=role == "owner")


def _of_lists(
    session: Session, case: Case, key: ClassKey, areas: Sequence[str], day: dt.date
) -> Iterator[tuple[str, Reason]]:
    place = to_shape(case.point)
    lines = repository.answering(
        session, lon=place.x, lat=place.y, area_codes=areas, key=key, day=day, more=()
    )
    for ground, duties in (("agreement", lines.agreed), ("duty", lines.listed)):
        for duty in duties:
            yield duty.body_code, Reason(ground, duty.clause, lead=duty.role == "lead")


def _of_facts(
    session: Session, city: City, case: Case, areas: Sequence[str], said: Sequence[str]
) -> Iterator[tuple[str, Reason]]:
    place, key = to_shape(case.point), ClassKey(case.standard, case.kind, case.class_code)
    day = city.day(case.opened_at)
    beside = classes_beside(session, lon=place.x, lat=place.y, within_m=_BESIDE_M, day=day)
    for one in suggested(city.table(FACTS), said=said, key=key, parts=beside):
        fact = one.fact
        why = f"{fact.fact} ({fact.fact_zh}): {fact.by} '{one.found}'"
        for code in repository.bodies_named(session, fact.bodies, areas):
            yield code, Reason("fact", why)
