"""The whistles that steps blow: of what kind, by whom, with which demand, after which one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.engine import parties
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.trace import repository as trace
from gridsvc.cases.systems.whistles import repository as whistles
from gridsvc.cases.systems.whistles.demand import Demand, read_demand
from gridsvc.cases.systems.whistles.kinds import KINDS, WhistleGround, WhistleKind
from gridsvc.cases.systems.whistles.levels import Call, blow
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.cases.systems.whistles.proposals import reasons_for
from gridsvc.city.current import current
from gridsvc.city.procedures.model import Actor, Procedure, Step
from gridsvc.errors import BadInput, StepRefused
from gridsvc.registry.classes.repository import names_of
from gridsvc.settings import Settings

__all__ = [
    "OpeningWhistle",
    "acting_step",
    "agreed_to",
    "blow_step",
    "caller_of",
    "limit_by_called",
    "made_at",
]

_CLOCK_SKEW = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OpeningWhistle:
    """What is said of the whistle with which a case opens; ``made_at``: it was by telephone."""

    kind: WhistleKind = WhistleKind.EVERYDAY
    ground: WhistleGround = WhistleGround.PUBLIC_DEMAND
    demand: Any = None
    made_at: dt.datetime | None = None


def made_at(running: Procedure, given: OpeningWhistle | None, now: dt.datetime) -> dt.datetime:
    """When a case began: now, or when its whistle was made by telephone.

    Raises BadInput for a procedure whose whistles are not recorded afterwards, a time in the
    future, and one that is too long ago.
    """
    if given is None:
        return now
    field = "whistle.made_at"
    if running.blows is None or running.blows.by is not Actor.SYSTEM:
        where = "" if running.blows is None else f"; it is blown in '{running.blows.name}'"
        raise BadInput(f"'{running.name}' does not begin with a whistle{where}.", field="whistle")
    if given.made_at is None:
        return now
    if given.made_at.tzinfo is None:
        raise BadInput("'made_at' has no time zone; add 'Z' or an offset.", field=field)
    longest = dt.timedelta(hours=running.after_the_fact_hours)
    if not longest:
        raise BadInput(f"'{running.name}' is not recorded afterwards.", field=field)
    if given.made_at > now + _CLOCK_SKEW:
        raise BadInput(
            f"'made_at' is {given.made_at.isoformat()}, which lies in the future.", field=field
        )
    if given.made_at < now - longest:
        raise BadInput(
            f"'made_at' is {given.made_at.isoformat()}; a whistle is recorded within"
            f" {running.after_the_fact_hours:g} hours.",
            field=field,
        )
    return min(given.made_at, now).astimezone(dt.UTC)


def caller_of(running: Procedure, progress: Progress) -> str:
    """The party that scores and closes the whistle of a procedure."""
    return parties(progress, running.steps[-1].by)[0]


def acting_step(running: Procedure) -> Step | None:
    """The step in which the called bodies act, None for a procedure without."""
    return next((step for step in running.steps if step.by is Actor.CALLED), None)


def blow_step(
    session: Session,
    settings: Settings,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    step: Step,
    called: tuple[str, ...],
    evidence: Mapping[str, Any],
    opening: OpeningWhistle | None,
    *,
    actor: str,
    at: dt.datetime,
    now: dt.datetime,
) -> Whistle:
    """Blow the whistle of a step that was just taken.

    Its kind and ground are those that it was classified with, else those of the whistle before
    it in the case. Raises BadInput for a bad demand, StepRefused when somebody has not agreed.
    """
    if running.level is None:
        raise AssertionError(f"{running.name} blows a whistle without a level")
    before = [w for w in whistles.whistles_of(session, case.district_code, case.id) if not w.joint]
    last = before[-1] if before else None
    kind, ground = _classified(session, case, running, evidence, opening, last)
    by_itself = step.by is Actor.SYSTEM
    said = (opening.demand if opening else None) if by_itself else evidence.get("demand")
    field = "whistle.demand" if by_itself else "evidence.demand"
    if by_itself and not said:
        demand = _usual_demand(session, case, last)
    else:
        demand = read_demand(said, bodies=called, told_at=at, field=field)
    acting = acting_step(running)
    call = Call(
        level=running.level,
        kind=kind,
        ground=ground,
        caller=caller_of(running, progress),
        bodies=called,
        demand=demand,
        agreed={} if by_itself else agreed_to(kind, evidence, step.name),
        facts={} if by_itself else reasons_for(session, case, called),
        longest=None if acting is None else acting.limit,
        follows=None if last is None else last.id,
        made_at=at,
        recorded=opening is not None and opening.made_at is not None,
        given_in="whistle." if by_itself else "evidence.",
    )
    return blow(session, settings, case, call, actor=actor, now=now)


def agreed_to(
    kind: WhistleKind, evidence: Mapping[str, Any], name: str, *, field: str = "evidence"
) -> dict[str, str]:
    """Who agreed to a whistle before it is blown. Raises StepRefused when somebody has not."""
    rule = current().table(KINDS)[kind]
    if missing := rule.missing(evidence):
        raise StepRefused(
            f"'{name}' of a whistle of kind '{kind}' ({rule.title_zh}) must carry"
            f" {', '.join(missing)}: who agreed to it.",
            field=field,
            missing=missing,
        )
    names = ("confirmed_by", "approved_by")
    return {name: str(evidence[name]) for name in names if evidence.get(name)}


def limit_by_called(session: Session, case: CaseFile, running: Procedure) -> None:
    """Where the called bodies act, the case's limit is the last of theirs.

    So is its deadline, unless that has passed already.
    """
    acting = acting_step(running)
    if running.level is None or acting is None or case.step != acting.name:
        return
    blown = whistles.open_whistles_of(session, case.district_code, case.id)
    called = whistles.called_bodies(session, [whistle.id for whistle in blown])
    last = max((body.done_by for body in called if body.done_by is not None), default=None)
    if last is None:
        return
    if case.due_at == case.limit_at:
        case.due_at = last
    case.limit_at = last


def _classified(
    session: Session,
    case: CaseFile,
    running: Procedure,
    evidence: Mapping[str, Any],
    opening: OpeningWhistle | None,
    last: Whistle | None,
) -> tuple[WhistleKind, WhistleGround]:
    """What the step, the step that classified, the opening or the whistle before says."""
    given = dict(evidence)
    for step in running.steps:
        if {"kind", "ground"} <= step.choices.keys() and not {"kind", "ground"} <= given.keys():
            entry = trace.last_of(session, case.district_code, case.id, step.name)
            given = (dict(entry.content) if entry is not None else {}) | given
    otherwise = opening or OpeningWhistle()
    if opening is None and last is not None:
        otherwise = replace(
            otherwise, kind=WhistleKind(last.kind), ground=WhistleGround(last.ground)
        )
    return (
        WhistleKind(given.get("kind", otherwise.kind)),
        WhistleGround(given.get("ground", otherwise.ground)),
    )


def _usual_demand(session: Session, case: CaseFile, last: Whistle | None) -> Demand:
    """What a whistle without a letter of its own asks: as the one before, else its class."""
    if last is not None:
        return Demand(str(last.demand["task"]))
    name = names_of(session, case.standard, case.kind).get(case.class_code, case.class_code)
    return Demand(f"处置：{name}")
