"""The sign-in (签到): who called a body registers who came, and decides on who came too far off."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import REPORTER, SUPERVISION
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.locking import locked_body, record_of_body
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.errors import StepRefused


def judges(act: Act, whistle: Whistle, called: CalledBody) -> list[str]:
    """Who signs a called body in and scores it: who called it.

    The sides of a joint whistle do that for each other; supervision for one whose other side has
    left.
    """
    if called.role != "side":
        return [called.called_from]
    sides = [
        one.body_code
        for one in repository.called_bodies(act.session, [whistle.id])
        if one.role == "side" and one.exit is None
    ]
    if len(sides) < 2:
        return [SUPERVISION]
    return [side for side in sides if side != called.body_code]


def sign_in(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    by: str,
    accepted: bool,
    who: Sequence[str],
    note: str,
) -> CalledBody:
    """Register that a body came, and ``who`` (names); or, with ``accepted`` false, that it did not.

    An arrival too far from the place has reported in with this, at the time of the arrival. A body
    that has not said anything is at the place now. Of one that has reported in, who came is
    registered. Raises StepRefused for anybody but who called it, before time and place are agreed,
    and where there is nothing to decide.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body)
    allowed = judges(act, whistle, called)
    if by not in allowed:
        raise StepRefused(f"{body} is signed in by {' and '.join(allowed)}.")
    if called.report_in_by is None:
        raise StepRefused(
            "Time and place are not agreed yet; both sides take 'agree_plan' before they report in."
        )
    content: dict[str, Any] = {"by": by, "note": note, "who": list(who)}
    if called.reported_in_at is not None:
        if not accepted:
            raise StepRefused(f"{body} already reported in at {called.reported_in_at.isoformat()}.")
        if not who:
            raise StepRefused(f"{body} has reported in; say in 'who' whom you register.")
        record_of_body(act, "sign_in", called, content, at=act.now, by=by)
    elif accepted:
        _report_in(act, whistle, called, content, by)
    else:
        _refuse(act, whistle, called, content, by)
    return called


def _report_in(
    act: Act, whistle: Whistle, called: CalledBody, content: dict[str, Any], by: str
) -> None:
    if called.arrived_at is None:
        called.arrived_at, called.reported_in_point = act.now, whistle.point
        called.metres_off, called.far = 0.0, False
    called.accepted_at = called.accepted_at or called.arrived_at
    called.reported_in_at = called.arrived_at
    assert called.report_in_by is not None
    assert called.metres_off is not None
    called.late = called.arrived_at > called.report_in_by
    content |= {
        "metres_off": round(called.metres_off, 1),
        "far": called.far,
        "late": called.late,
        "arrived_at": called.arrived_at.isoformat(),
    }
    record_of_body(act, "report_in", called, content, at=act.now, by=by)


def _refuse(
    act: Act, whistle: Whistle, called: CalledBody, content: dict[str, Any], by: str
) -> None:
    body = called.body_code
    if called.arrived_at is None:
        raise StepRefused(f"{body} has not said that it came; there is nothing to refuse.")
    content["arrived_at"] = called.arrived_at.isoformat()
    called.arrived_at = called.reported_in_point = called.metres_off = called.far = None
    called.reported_in_stated_at = None
    record_of_body(act, "sign_in_refused", called, content, at=act.now, by=by)
    told = {"whistle_id": str(whistle.id), "by": by, "note": content["note"]}
    if by not in (REPORTER, SUPERVISION):
        told["body"] = body
    act.tell([body], "sign_in_refused", told)
