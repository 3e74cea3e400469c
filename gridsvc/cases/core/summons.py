"""Whom a step calls: named bodies, city units, assistants, or everybody who answers in the grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.engine import COMMAND, REPORTER, SUPERVISION, parties, system_steps
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Called, Progress
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.whistles.step_whistles import OpeningWhistle, blow_step
from gridsvc.city.current import current
from gridsvc.city.procedures.model import Actor, Call, Callee, Procedure, Step
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies.repository import bodies_by_code, bodies_of_grid
from gridsvc.settings import Settings

__all__ = ["call_bodies", "named_bodies", "take_system_steps", "tell_called", "tell_next"]

_NOBODY = {SUPERVISION, COMMAND, REPORTER}


def call_bodies(
    session: Session,
    case: CaseFile,
    progress: Progress,
    step: Step,
    evidence: Mapping[str, Any],
    *,
    at: dt.datetime,
) -> tuple[Progress, tuple[str, ...]]:
    """The progress with the bodies that a step calls, and the codes of those newly called.

    Raises BadInput and NotFound for bodies in the evidence that cannot be called.
    """
    new: list[Called] = []
    known = set(progress.called_bodies)
    for call in step.calls:
        named = call.who in (Callee.NAMED, Callee.CITY_UNITS)
        for code in _callees(session, case, progress, call, evidence):
            if code in known and named:
                raise BadInput(f"{code} has been called already.", field="evidence.bodies")
            if code not in known:
                known.add(code)
                new.append(Called(code, at, own=call.limit))
    called = tuple(each.body for each in new)
    return replace(progress, called=(*progress.called, *new)), called


def _callees(
    session: Session, case: CaseFile, progress: Progress, call: Call, evidence: Mapping[str, Any]
) -> list[str]:
    match call.who:
        case Callee.NAMED | Callee.CITY_UNITS:
            return named_bodies(
                session, evidence.get("bodies"), city_wide=call.who is Callee.CITY_UNITS
            )
        case Callee.ASSISTANTS:
            return list(progress.assistants)
        case Callee.LEAD:
            return [progress.lead]
        case Callee.GRID_BODIES:
            point = to_shape(case.point)
            return bodies_of_grid(
                session,
                case.district_code,
                lon=point.x,
                lat=point.y,
                territory=progress.seat(Actor.TERRITORY) or progress.lead,
                day=current().day(case.opened_at),
            )
        case Callee.TERRITORY | Callee.COMMUNITY:
            seated = progress.seat(Actor(call.who.value))
            return [] if seated is None else [seated]


def named_bodies(
    session: Session, codes: Any, *, city_wide: bool, field: str = "evidence.bodies"
) -> list[str]:
    """The codes of a list, each once, of bodies that exist; ``city_wide``: of the whole city.

    Raises BadInput and NotFound.
    """
    if not isinstance(codes, list) or not codes or not all(isinstance(c, str) for c in codes):
        raise BadInput("'bodies' must be a list of body codes.", field=field)
    found = bodies_by_code(session, codes)
    for code in codes:
        if code not in found:
            raise NotFound(f"No body has the code '{code[:40]}'.", field=field)
        if city_wide and found[code].district is not None:
            raise BadInput(
                f"{found[code].name} ({code}) is no city unit; it works for"
                f" {found[code].area_code} alone.",
                field=field,
            )
    return list(dict.fromkeys(codes))


def take_system_steps(
    session: Session,
    settings: Settings,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    since: str | None,
    *,
    opening: OpeningWhistle | None = None,
    at: dt.datetime,
    now: dt.datetime,
) -> Progress:
    """Carry out the calls of the system's own steps between ``since`` and the present step.

    They happened ``at`` a moment; ``opening`` is what was said of the case's first whistle.
    """
    for step in system_steps(running, since, progress.step):
        if not step.calls:
            continue
        progress, called = call_bodies(session, case, progress, step, {}, at=at)
        append(
            session,
            case.district_code,
            case.id,
            action=step.name,
            actor="gridsvc",
            content={"called": list(called)},
            at=at,
            now=now,
        )
        if not step.blows:
            tell_called(session, case, step, called, by="gridsvc", evidence={}, now=now)
            continue
        blow_step(
            session,
            settings,
            case,
            running,
            progress,
            step,
            called,
            {},
            opening,
            actor="gridsvc",
            at=at,
            now=now,
        )
    return progress


def tell_called(
    session: Session,
    case: CaseFile,
    step: Step,
    called: tuple[str, ...],
    *,
    by: str,
    evidence: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    """Tell the newly called bodies, by whom and for what."""
    point = to_shape(case.point)
    content = {
        "by": by,
        "step": step.name,
        "title_zh": step.title_zh,
        "class_code": case.class_code,
        "point": [point.x, point.y],
        **evidence,
    }
    send(session, case.district_code, case.id, called, topic="called", content=content, now=now)


def tell_next(
    session: Session,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    *,
    but: tuple[str, ...],
    now: dt.datetime,
) -> None:
    """Tell the bodies whose step it is now; ``but`` those that know it."""
    step = running.step(progress.step)
    if step is None or progress.closed:
        return
    due = [body for body in parties(progress, step.by) if body not in _NOBODY and body not in but]
    limits = {each.body: each.limit_at for each in progress.called}
    for body in due:
        own = limits.get(body) if step.by is Actor.EACH_CALLED else None
        limit = own or case.limit_at
        content = {
            "step": step.name,
            "title_zh": step.title_zh,
            "limit_at": None if limit is None else limit.isoformat(),
        }
        send(
            session, case.district_code, case.id, [body], topic="step_due", content=content, now=now
        )
