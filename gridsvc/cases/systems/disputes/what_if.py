"""The whole what-if: what the registry and the open cases say about a proposal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.intake.service import asset_of
from gridsvc.cases.systems.disputes import repository
from gridsvc.cases.systems.disputes.repository import CaseOn, cases_on
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.agreements import AgreementDraft
from gridsvc.registry.bodies.repository import BodyRef
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.repository import parts_on
from gridsvc.registry.disputes.view import part_json
from gridsvc.registry.disputes.what_if import (
    BorderMove,
    Change,
    answer_of,
    change_of_agreement,
    change_of_border,
)
from gridsvc.registry.disputes.what_if_view import (
    Asked,
    areas_json,
    counted,
    duties_json,
    grids_json,
    parts_json,
    sides_of,
    transfers_json,
)
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.store import Atlas


def what_if(
    session: Session,
    city: City,
    atlas: Atlas,
    proposal: BorderMove | AgreementDraft,
    *,
    seen: Callable[[CaseOn], bool],
    now: dt.datetime,
) -> dict[str, Any]:
    """Which ground, parts, unit grids, open cases, duties and bodies change sides.

    Every list has its ``count``; of the cases only those that are ``seen`` are told. Nothing is
    written. Raises NotFound where no edition of the level is in force or a draft names an unknown
    body, BadInput for an unknown class.
    """
    if isinstance(proposal, BorderMove):
        change = change_of_border(session, city, proposal, now=now)
    else:
        change = change_of_agreement(session, proposal, now=now)
    bodies: set[BodyRef] = set()
    asked = answer_of(session, atlas, change)
    answer = {
        "kind": "agreement" if change.moves is None else "border",
        "level": change.level,
        "edition": change.edition_id,
        "day": change.day.isoformat(),
        "areas": areas_json(change),
        "transfers": transfers_json(change),
        "overlapping_m2": round(change.redrawn.overlapping_m2, 2) if change.redrawn else 0.0,
        "unclaimed_m2": round(change.redrawn.unclaimed_m2, 2) if change.redrawn else 0.0,
        "parts": parts_json(session, change, asked, bodies),
        "unit_grids": grids_json(session, change),
        "cases": _cases(session, change, asked, bodies, seen),
        "duties": duties_json(session, change, bodies),
    }
    answer["bodies"] = counted(
        [body.to_json() for body in sorted(bodies, key=lambda body: body.code)]
    )
    return answer


def _cases(
    session: Session,
    change: Change,
    asked: Asked,
    bodies: set[BodyRef],
    seen: Callable[[CaseOn], bool],
) -> dict[str, Any]:
    """The open cases that change sides or would go to another body; adds those bodies."""
    rows = []
    for case in filter(seen, cases_on(session, change.region)):
        key = ClassKey(case.standard, case.kind, case.class_code)
        part = None if case.part_code is None else find(session, case.district_code, case.part_code)
        found = asked(case.lon, case.lat, key, None if part is None else asset_of(part))
        if not found.changed:
            continue
        bodies |= {it for it in (found.before, found.after) if it and found.before != found.after}
        rows.append(
            {
                "id": str(case.id),
                "district_code": case.district_code,
                "class_code": case.class_code,
                "lead_body": case.lead_body,
                **sides_of(change, found),
            }
        )
    return counted(rows)


def inside_json(session: Session, dispute: Dispute, day: dt.date, *, named: bool) -> dict[str, Any]:
    """``{reports, placements, parts}``, each ``{count, listed}``: no persons; parts of a day.

    ``named``: with the points of reports, and why they were placed anew, for staff of the sides.
    """
    ground = to_shape(dispute.geometry)
    reports = repository.reports_on(session, ground)
    placements = repository.placements_on(session, ground)
    untold = set() if named else {"point", "reason"}
    return {
        "reports": counted([it.model_dump(exclude=untold) for it in reports]),
        "placements": counted([it.model_dump(exclude=untold) for it in placements]),
        "parts": counted([part_json(it) for it in parts_on(session, ground, day)]),
    }
