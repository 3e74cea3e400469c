"""What called bodies do: they accept, report in, finish, are sent back, and are scored."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import shapely
from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import Point

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import REPORTER, SUPERVISION
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.core.rights import acting_body, own_body, speaks_for_reporter
from gridsvc.cases.core.service import happened_at
from gridsvc.cases.systems.whistles.exits import check_absent, mark_absent
from gridsvc.cases.systems.whistles.locking import locked_body, record_of_body
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.signing_in import judges
from gridsvc.errors import BadInput, NotAllowed, StepRefused

_GEOD = Geod(ellps="WGS84")


def accept(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    at: dt.datetime | None,
) -> CalledBody:
    """A called body accepts. Raises NotFound, StepRefused."""
    act, _, called = locked_body(occasion, whistle_id, body)
    if called.accepted_at is not None:
        raise StepRefused(f"{body} already accepted at {called.accepted_at.isoformat()}.")
    happened = happened_at(at, since=act.case.opened_at, now=act.now)
    called.accepted_at, called.accepted_stated_at = act.now, at and happened
    late = called.accept_by is not None and act.now > called.accept_by
    content = {} if called.accept_by is None else {"late": late}
    record_of_body(act, "accept", called, content, at=happened)
    return called


def report_in(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    lon: float,
    lat: float,
    at: dt.datetime | None,
) -> CalledBody:
    """A called body arrives at a WGS84 point: late after its limit.

    The service's own clock judges; ``at`` is kept as stated. Too far away it has arrived only; it
    has reported in once who called it signs it in, and may itself come nearer before.

    At the limit itself it is in time. Raises StepRefused before both sides of a joint whistle have
    fixed time and place, before the body has accepted a whistle of a level, and for a second time.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body)
    if called.report_in_by is None:
        raise StepRefused(
            "Time and place are not agreed yet; both sides take 'agree_plan' before they report in."
        )
    if called.reported_in_at is not None:
        raise StepRefused(f"{body} already reported in at {called.reported_in_at.isoformat()}.")
    since, event = act.case.opened_at, "the case was opened"
    if not whistle.joint:
        if called.accepted_at is None:
            raise StepRefused(f"{body} has not accepted; that comes before it reports in.")
        since, event = called.accepted_stated_at or called.accepted_at, f"{body} accepted"
    place = to_shape(whistle.point)
    happened = happened_at(at, since=since, now=act.now, event=event)
    called.arrived_at, called.reported_in_stated_at = act.now, at and happened
    called.reported_in_point = from_shape(Point(lon, lat), srid=4326)
    if whistle.ground == "line" and whistle.footprint is not None:
        # A team works along a line: what counts is the nearest place of it.
        arrived, line = Point(lon, lat), to_shape(whistle.footprint)
        place = shapely.get_point(shapely.shortest_line(line, arrived), 0)
    called.metres_off = float(_GEOD.inv(place.x, place.y, lon, lat)[2])
    called.far = called.metres_off > act.city.settings.report_in_radius_m
    content: dict[str, Any] = {
        "metres_off": round(called.metres_off, 1),
        "far": called.far,
        "point": [lon, lat],
    }
    if called.far:
        record_of_body(act, "arrive", called, content, at=happened)
        asked = {"whistle_id": str(whistle.id), "body": body, **content}
        told = [one for one in judges(act, whistle, called) if one not in (REPORTER, SUPERVISION)]
        act.tell(told, "sign_in_asked", asked)
    else:
        called.reported_in_at = called.arrived_at
        content["late"] = called.late = called.arrived_at > called.report_in_by
        record_of_body(act, "report_in", called, content, at=happened)
    return called


def done(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    note: str,
    at: dt.datetime | None,
) -> CalledBody:
    """A called body says that its part is done. Raises StepRefused before it can be."""
    act, whistle, called = locked_body(occasion, whistle_id, body)
    if called.reported_in_at is None:
        raise StepRefused(f"{body} has not reported in; that comes before 'done'.")
    if whistle.joint and not act.progress.repeats:
        raise StepRefused("No joint action has been recorded; act on the spot before 'done'.")
    if called.done_at is not None:
        raise StepRefused(f"{body} was already done at {called.done_at.isoformat()}.")
    came = called.reported_in_stated_at or called.reported_in_at
    happened = happened_at(at, since=came, now=act.now, event=f"{body} reported in")
    called.done_at, called.done_stated_at = act.now, at and happened
    content: dict[str, Any] = {"note": note}
    if called.done_by is not None:
        called.overdue = called.done_at > called.done_by
        content["overdue"] = called.overdue
    record_of_body(act, "done", called, content, at=happened)
    return called


def again(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    by: str,
    note: str,
) -> CalledBody:
    """The caller finds it not solved: the body goes on until it is. Its limit stays.

    Raises StepRefused for a joint whistle, anybody but the caller, a body that is not done, and
    one that has its score.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body)
    if whistle.joint:
        raise StepRefused("In a joint whistle both sides act again with 'joint_action'.")
    if by != called.called_from:
        raise StepRefused(
            f"{body} was called by {called.called_from}; only that side can send it back."
        )
    if called.done_at is None:
        raise StepRefused(f"{body} is not done; it is still acting anyway.")
    if called.score is not None:
        raise StepRefused(f"{body} was already scored by {called.scored_by}.")
    content = {"by": by, "note": note, "was_done_at": called.done_at.isoformat()}
    called.done_at, called.done_stated_at, called.overdue = None, None, None
    record_of_body(act, "again", called, content, at=act.now, by=by)
    act.tell([body], "again", {"whistle_id": str(whistle.id), "note": note})
    return called


def score(
    occasion: Occasion,
    whistle_id: uuid.UUID,
    body: str,
    *,
    by: str,
    value: int,
    note: str,
) -> CalledBody:
    """A body is scored, 0 to 100: by its caller, in a joint whistle by the other side.

    ``by`` is the party that scores; a side scores the departments that it called too. A body that
    has not reported in when its limit has passed is scored 0, and nobody waits for it any longer.
    Raises StepRefused for a body's own score, a stranger's, a second one, or one too early.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body, states=("open", "raised"))
    _check_scorer(act, whistle, called, by)
    absent = check_absent(act, whistle, called, value)
    if called.done_at is None and whistle.state == "open" and not absent:
        raise StepRefused(f"{body} is not done yet; it is scored afterwards.")
    if called.score is not None:
        raise StepRefused(f"{body} was already scored by {called.scored_by}.")
    called.score, called.scored_by = value, by
    content = {"score": value, "by": by, "note": note}
    record_of_body(act, "score", called, content, at=act.now, by=by)
    if absent:
        mark_absent(act, whistle, called)
    return called


def _check_scorer(act: Act, whistle: Whistle, called: CalledBody, by: str) -> None:
    """Refuse a score from anybody but who judges the body."""
    body = called.body_code
    if by == body:
        other = "the other side" if whistle.joint else whistle.caller_body
        raise StepRefused(f"{body} cannot score itself; {other} does.")
    scorers = judges(act, whistle, called)
    if by in scorers:
        return
    if called.role != "side":
        raise StepRefused(f"{body} was called by {called.called_from}, which scores it.")
    raise StepRefused(f"The sides of the whistle are scored by {' and '.join(scorers)}.")


def scoring_party(occasion: Occasion, whistle: Whistle, named: str | None) -> str:
    """The named party, else the caller's own, if the token may act for it.

    Raises BadInput when it must be named, NotAllowed for a token that may not, NotFound.
    """
    session, caller = occasion.session, occasion.caller
    if whistle.caller_body == REPORTER and named in (None, REPORTER):
        case = case_by_id(session, whistle.case_id)
        if case is None or not speaks_for_reporter(occasion.on(case), "score"):
            raise NotAllowed(
                "Only whoever blew this whistle scores its bodies, with the same token."
            )
        return REPORTER
    if not caller.staff:
        raise NotAllowed("Only whoever blew this whistle, with the same token, takes part in it.")
    if named == SUPERVISION or (whistle.caller_body == SUPERVISION and named is None):
        if not caller.supervises(whistle.district_code):
            raise NotAllowed(
                "Only supervision scores these bodies: a token of role district, city or admin"
                f" that covers {whistle.district_code}."
            )
        return SUPERVISION
    by = named or own_body(caller)
    if by is None and not whistle.joint:
        by = whistle.caller_body
    if by is None:
        raise BadInput("Say in 'by' which side scores.", field="by")
    return acting_body(session, caller, by)
