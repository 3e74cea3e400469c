"""What called bodies do: they accept, report in, finish, and are scored."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.moments import happened_at
from gridsvc.cases.procedures.progress import Progress
from gridsvc.cases.trace.service import append
from gridsvc.cases.whistles import repository
from gridsvc.cases.whistles.blowing import locked_whistle
from gridsvc.cases.whistles.models import CalledBody, Whistle
from gridsvc.errors import NotFound, StepRefused
from gridsvc.settings import Settings

__all__ = ["accept", "done", "report_in", "score"]

_GEOD = Geod(ellps="WGS84")


def accept(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body accepts. Raises NotFound, StepRefused."""
    _, case, called = _locked_body(session, whistle_id, body)
    if called.accepted_at is not None:
        raise StepRefused(f"{body} has accepted already, at {called.accepted_at.isoformat()}.")
    called.accepted_at = happened_at(at, since=case.opened_at, now=now)
    _note(session, case, "accept", called, {}, actor=actor, at=called.accepted_at, now=now)
    return called


def report_in(
    session: Session,
    settings: Settings,
    whistle_id: uuid.UUID,
    body: str,
    *,
    lon: float,
    lat: float,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body arrives at a WGS84 point: late after its limit, flagged when too far away.

    Raises StepRefused before both sides have fixed time and place, and for a second time.
    """
    whistle, case, called = _locked_body(session, whistle_id, body)
    if called.report_in_by is None:
        raise StepRefused(
            "Time and place are not fixed yet; both sides take 'agree_plan' before they report in."
        )
    if called.reported_in_at is not None:
        raise StepRefused(
            f"{body} has reported in already, at {called.reported_in_at.isoformat()}."
        )
    place = to_shape(whistle.point)
    called.reported_in_at = happened_at(at, since=case.opened_at, now=now)
    called.reported_in_point = from_shape(Point(lon, lat), srid=4326)
    called.metres_off = float(_GEOD.inv(place.x, place.y, lon, lat)[2])
    called.late = called.reported_in_at > called.report_in_by
    called.far = called.metres_off > settings.report_in_radius_m
    content = {
        "metres_off": round(called.metres_off, 1),
        "late": called.late,
        "far": called.far,
        "point": [lon, lat],
    }
    _note(
        session, case, "report_in", called, content, actor=actor, at=called.reported_in_at, now=now
    )
    return called


def done(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    note: str,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body says that its part is done. Raises StepRefused before it can be."""
    _, case, called = _locked_body(session, whistle_id, body)
    if called.reported_in_at is None:
        raise StepRefused(f"{body} has not reported in; that comes before 'done'.")
    if not Progress.from_json(case.progress).repeats:
        raise StepRefused("No joint action has been recorded; act on the spot before 'done'.")
    if called.done_at is not None:
        raise StepRefused(f"{body} was done already, at {called.done_at.isoformat()}.")
    called.done_at = happened_at(
        at, since=called.reported_in_at, now=now, event=f"{body} reported in"
    )
    _note(session, case, "done", called, {"note": note}, actor=actor, at=called.done_at, now=now)
    return called


def score(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    by: str,
    value: int,
    note: str,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """One side scores a body, 0 to 100: the other side, or a department that it called itself.

    Raises StepRefused for a body's own score, a stranger's, a second one, or one too early.
    """
    whistle, case, called = _locked_body(session, whistle_id, body)
    sides = [side["code"] for side in whistle.facts["sides"]]
    if by not in sides:
        raise StepRefused(f"Only the sides of the whistle score: {' and '.join(sides)}.")
    if by == body:
        raise StepRefused(f"{body} cannot score itself; the other side does.")
    if called.role == "department" and by != called.called_from:
        raise StepRefused(f"{body} was called by {called.called_from}, which scores it.")
    if called.done_at is None:
        raise StepRefused(f"{body} is not done yet; it is scored afterwards.")
    if called.score is not None:
        raise StepRefused(f"{body} has its score already, from {called.scored_by}.")
    called.score, called.scored_by = value, by
    content = {"score": value, "by": by, "note": note}
    _note(session, case, "score", called, content, actor=actor, at=now, now=now)
    return called


def _locked_body(
    session: Session, whistle_id: uuid.UUID, body: str
) -> tuple[Whistle, CaseFile, CalledBody]:
    whistle, case = locked_whistle(session, whistle_id)
    if whistle.state != "open":
        raise StepRefused(f"The whistle is {whistle.state}; nothing can be recorded in it.")
    for called in repository.called_bodies(session, [whistle.id]):
        if called.body_code == body:
            return whistle, case, called
    raise NotFound(f"The whistle {whistle_id} did not call '{body}'.", field="body")


def _note(
    session: Session,
    case: CaseFile,
    action: str,
    called: CalledBody,
    content: dict[str, Any],
    *,
    actor: str,
    at: dt.datetime,
    now: dt.datetime,
) -> None:
    append(
        session,
        case.district_code,
        case.id,
        action=action,
        actor=actor,
        content={"whistle_id": str(called.whistle_id), **content},
        at=at,
        now=now,
        body_code=called.body_code,
    )
