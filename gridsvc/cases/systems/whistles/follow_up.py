"""Second and third whistles inside a case, from what is found on the spot."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import check_separation_of_duties, record_actor
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Summoned
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import happened_at, readable_case
from gridsvc.cases.core.summons import named_bodies
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.approvals import agreed_to, calling_body
from gridsvc.cases.systems.whistles.blowing import NewWhistle, blow
from gridsvc.cases.systems.whistles.demand import read_demand
from gridsvc.cases.systems.whistles.hearing import (
    acting_step,
    limit_by_called,
)
from gridsvc.cases.systems.whistles.kinds import WhistleGround, WhistleKind
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.cases.systems.whistles.proposals import reasons_for
from gridsvc.city.procedures.model import Procedure
from gridsvc.errors import BadInput, NotFound, StepRefused

#: A street calls departments: that is level 3.
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A further whistle as somebody sends it.

    ``follows`` is the whistle of the case from which it comes, the newest one where left out;
    ``found`` what was found, ``by`` the calling body where that is not clear.
    """

    bodies: Sequence[str]
    demand: Any
    found: str
    follows: uuid.UUID | None
    by: str | None
    kind: WhistleKind | None
    ground: WhistleGround | None
    at: dt.datetime | None


def whistle_again(occasion: Occasion, case_id: uuid.UUID, given: FollowUp) -> Whistle:
    """Blow a further whistle of level 3 in an open case, linked to the one from which it follows.

    A street calls departments with it: the caller of a whistle of level 3, a side of a joint one,
    or the street that leads a case of another procedure. The case then waits for its bodies too.
    Raises NotFound, NotAllowed, BadInput, and StepRefused where no whistle can be blown now.
    """
    session = occasion.session
    readable_case(session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(session, case_id))
    case, procedure, progress = act.case, act.procedure, act.progress
    _check_now(case, procedure)
    party = calling_body(act, given.by)
    check_separation_of_duties(progress, "whistle", party, act.caller.subject)
    before = _before(act, given.follows)
    at = happened_at(
        given.at,
        since=case.opened_at if before is None else before.blown_at,
        now=act.now,
        event="the case was opened" if before is None else "the whistle before it was blown",
    )
    codes = named_bodies(session, list(given.bodies), city_wide=False, field="bodies")
    called = _called(act)
    for code in codes:
        if code in called:
            raise BadInput(f"{code} has already been called.", field="bodies")
    kind, ground = _classified(given, before)
    facts = reasons_for(session, act.city, case, codes, found=given.found)
    demand = read_demand(given.demand, bodies=codes, told_at=at, field="demand")
    new = NewWhistle(
        level=_LEVEL,
        kind=kind,
        ground=ground,
        caller=party,
        bodies=codes,
        demand=demand,
        agreed=agreed_to(act, kind, codes, demand, "whistle", field="demand"),
        facts=facts | ({"found": given.found} if given.found else {}),
        longest=None,
        follows=None if before is None else before.id,
        made_at=at,
        given_in="",
    )
    progress = record_actor(progress, party, act.caller.subject)
    if procedure.level is not None:
        # They act in the step of the called bodies; other procedures have steps for their own.
        summoned = tuple(Summoned(code, at) for code in codes)
        progress = replace(progress, called=(*progress.called, *summoned))
    act.keep(progress)
    blown = blow(act, new)
    limit_by_called(act, procedure)
    return blown


def _check_now(case: Case, procedure: Procedure) -> None:
    if case.state != "open":
        raise StepRefused("The case is closed; no further whistle can be blown in it.")
    if procedure.level is None:
        return
    acting = acting_step(procedure)
    if procedure.level < _LEVEL:
        raise StepRefused(
            f"A whistle of level {procedure.level} calls no departments; take 'raise', which goes"
            " up one level."
        )
    if procedure.level > _LEVEL:
        raise StepRefused(
            f"The district calls everybody at once, in '{procedure.name}'; command opens another"
            " case for more."
        )
    if acting is not None and case.step != acting.name:
        raise StepRefused(
            f"A further whistle follows while the called bodies act ('{acting.name}'); the case is"
            f" at '{case.step}'."
        )


def _before(act: Act, named: uuid.UUID | None) -> Whistle | None:
    blown = repository.whistles_of(act.session, act.case)
    if named is None:
        return blown[-1] if blown else None
    for whistle in blown:
        if whistle.id == named:
            return whistle
    raise NotFound(f"The case has no whistle {named}.", field="follows")


def _called(act: Act) -> set[str]:
    blown = repository.open_whistles(act.session, act.case)
    open_calls = repository.called_bodies(act.session, [whistle.id for whistle in blown])
    there = [body.body_code for body in open_calls if body.exit is None]
    return {*act.progress.called_bodies, *there}


def _classified(given: FollowUp, before: Whistle | None) -> tuple[WhistleKind, WhistleGround]:
    """As given; else as the whistle before, of which a joint one has another kind of ground."""
    kind, ground = given.kind, given.ground
    if kind is None:
        kind = WhistleKind.EVERYDAY if before is None else WhistleKind(before.kind)
    if ground is None:
        if before is None or before.joint:
            raise BadInput(
                f"Give the reason in 'ground': {', '.join(WhistleGround)}.", field="ground"
            )
        ground = WhistleGround(before.ground)
    return kind, ground
