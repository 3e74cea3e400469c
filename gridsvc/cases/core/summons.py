"""Whom a step summons: named bodies, city units, assistants, or all that answer in the grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import SERVICE, Act
from gridsvc.cases.core.engine import parties
from gridsvc.cases.core.events import StepDue, StepTaken
from gridsvc.cases.core.progress import Progress, Summoned
from gridsvc.cases.core.rights import body_of
from gridsvc.city.procedures.model import LISTED, Actor, Callee, Procedure, Step, Summons
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies.repository import bodies_by_code, bodies_of_grid
from gridsvc.registry.classes.repository import names_of

#: A step of the service's own and the bodies that it summons, with the progress around it.
ServiceSteps = tuple[tuple[Step, tuple[str, ...], Progress, Progress], ...]


def summon(
    act: Act, progress: Progress, step: Step, evidence: Mapping[str, Any], *, at: dt.datetime
) -> tuple[Progress, tuple[str, ...]]:
    """The progress with the bodies that a step summons, and the codes of those that are new.

    Raises BadInput and NotFound for bodies in the evidence that cannot be summoned.
    """
    return summoned(
        progress, step, lambda summons: _callees(act, progress, summons, evidence), at=at
    )


def summoned(
    progress: Progress,
    step: Step,
    callees: Callable[[Summons], Collection[str]],
    *,
    at: dt.datetime,
) -> tuple[Progress, tuple[str, ...]]:
    """As :func:`summon`, where ``callees`` says whom a summons means.

    A step that is taken again, after a return, may name bodies that it called before: they stay
    called. Raises BadInput for a body that it calls twice.
    """
    new: list[Summoned] = []
    for summons in step.calls:
        named = summons.who in LISTED
        for code in callees(summons):
            if code in (each.body for each in new):
                if named:
                    raise BadInput(f"{code} has already been called.", field="evidence.bodies")
            elif code not in progress.called_bodies:
                new.append(Summoned(code, at, own=summons.limit))
    after = replace(progress, called=(*progress.called, *new))
    return after, tuple(each.body for each in new)


def service_steps(
    act: Act, procedure: Procedure, progress: Progress, since: str | None, *, at: dt.datetime
) -> tuple[Progress, ServiceSteps]:
    """What the service's own steps between ``since`` and the present step summon."""
    taken = []
    for step in procedure.summoning_steps(since, progress.step):
        before = progress
        progress, summoned = summon(act, progress, step, {}, at=at)
        taken.append((step, summoned, before, progress))
    return progress, tuple(taken)


def follow_service_steps(
    act: Act,
    steps: ServiceSteps,
    *,
    opening: Any = None,
    told: Mapping[str, Any] | None = None,
    at: dt.datetime,
) -> None:
    """Record the service's own steps, tell whom they summon, and let the systems hear of them.

    They happened ``at`` a moment; ``opening`` is what was said of the case's first whistle,
    ``told`` what the bodies are told of the report with which the case began.
    """
    for step, summoned, before, after in steps:
        act.record(step.name, {"called": list(summoned)}, at=at, actor=SERVICE)
        if not step.blows:
            tell_summoned(act, step, summoned, by=SERVICE, evidence=told or {})
        act.emit(StepTaken(step, None, {}, summoned, before, after, at, opening))


def _callees(
    act: Act, progress: Progress, summons: Summons, evidence: Mapping[str, Any]
) -> list[str]:
    match summons.who:
        case Callee.NAMED | Callee.CITY_UNITS:
            city_wide = summons.who is Callee.CITY_UNITS
            return named_bodies(act.session, evidence.get("bodies"), city_wide=city_wide)
        case Callee.OFFICES:
            return _offices(act, progress, evidence.get("bodies"))
        case Callee.ASSISTANTS:
            return list(progress.assistants)
        case Callee.LEAD:
            return [progress.lead]
        case Callee.GRID_BODIES:
            point = to_shape(act.case.point)
            return bodies_of_grid(
                act.session,
                act.case.district_code,
                lon=point.x,
                lat=point.y,
                territory=progress.seat(Actor.TERRITORY) or progress.lead,
                day=act.city.day(act.case.opened_at),
            )
        case Callee.TERRITORY | Callee.COMMUNITY:
            seated = progress.seat(Actor(summons.who.value))
            return [] if seated is None else [seated]


def _offices(act: Act, progress: Progress, codes: Any) -> list[str]:
    """The codes of a list, of bodies that work in the territory of a case and nowhere else.

    Whom the territory has not got is called one level up.
    """
    found = named_bodies(act.session, codes, city_wide=False)
    territory = progress.seat(Actor.TERRITORY) or progress.lead
    known = bodies_by_code(act.session, [territory, *found])
    for code in found:
        inside = known[code].area_code.startswith(known[territory].area_code)
        if not inside or known[code].kind == "community":
            raise BadInput(
                f"{known[code].name} ({code}) is not an office of {known[territory].name}; its own"
                " offices are called here, and others one level up.",
                field="evidence.bodies",
            )
    return found


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
                f"{found[code].name} ({code}) is not a city unit; it works for"
                f" {found[code].area_code} alone.",
                field=field,
            )
    return list(dict.fromkeys(codes))


def tell_summoned(
    act: Act, step: Step, summoned: tuple[str, ...], *, by: str, evidence: Mapping[str, Any]
) -> None:
    """Tell the newly summoned bodies, by whom, for what, and where: with a link to the map."""
    case, point = act.case, to_shape(act.case.point)
    names = names_of(act.session, case.standard, case.kind)
    content = {
        "by": by,
        "step": step.name,
        "title_zh": step.title_zh,
        "class_code": case.class_code,
        "class_name": names.get(case.class_code),
        "grade": case.grade,
        "point": [point.x, point.y],
        "map": f"/map#map=17/{point.y:.6f}/{point.x:.6f}",
        **evidence,
    }
    act.tell(summoned, "called", content)


def tell_next(act: Act, procedure: Procedure, progress: Progress, *, but: str | None) -> None:
    """Tell the bodies whose step it is now; ``but`` the party that knows it."""
    step = procedure.step(progress.step)
    if step is None or progress.closed:
        return
    limits = {each.body: each.limit_at for each in progress.called}
    for party in parties(progress, step.by):
        if body_of(party) is None or party == but:
            continue
        own = limits.get(party) if step.by is Actor.EACH_CALLED else None
        limit = own or act.case.limit_at
        content = {
            "step": step.name,
            "title_zh": step.title_zh,
            "limit_at": None if limit is None else limit.isoformat(),
        }
        act.tell([party], "step_due", content)
    act.emit(StepDue(step))
