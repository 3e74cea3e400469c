"""Approvals of a whistle: a second person reads the letter and agrees before it goes out."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import parties
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import acting_body, body_of, own_body
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.core.summons import named_bodies
from gridsvc.cases.systems.whistles.attendance import attended
from gridsvc.cases.systems.whistles.demand import Demand, read_demand
from gridsvc.cases.systems.whistles.kinds import KINDS, Approval, WhistleKind
from gridsvc.cases.systems.whistles.powers import powers_asked_for
from gridsvc.city.procedures.model import Procedure
from gridsvc.db.chain import chained_hash
from gridsvc.errors import NotAllowed, StepRefused
from gridsvc.registry.bodies.service import body_or_refuse

_ACTION = "whistle_approved"


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """Which approval, of which letter; ``by`` is the calling body where that is not clear."""

    approval: Approval
    bodies: Sequence[str]
    demand: Any
    by: str | None


def approve(occasion: Occasion, case_id: uuid.UUID, given: ApprovalGiven) -> TraceEntry:
    """Agree to a whistle that somebody else is about to blow in an open case.

    The main leader of whoever calls confirms with a token of that body, a leader of the
    district approves with one that supervises it. It counts for these bodies and this demand only.
    Raises NotFound, NotAllowed, BadInput, StepRefused.
    """
    session, caller = occasion.session, occasion.caller
    readable_case(session, occasion.city, caller, case_id)
    act = occasion.on(lock_case(session, case_id))
    if act.case.state != "open":
        raise StepRefused("The case is closed; no further whistle can be blown in it.")
    body = None
    if given.approval is Approval.CONFIRMED_BY:
        body = calling_body(act, given.by)
    elif not caller.supervises(act.case.district_code):
        raise NotAllowed(
            f"'{given.approval}' is for a leader of the district: a token of role district, city or"
            f" admin that covers {act.case.district_code}."
        )
    codes = named_bodies(session, list(given.bodies), city_wide=False, field="bodies")
    demand = read_demand(given.demand, bodies=codes, told_at=act.now, field="demand")
    powers_asked_for(
        act,
        caller=body or caller_of(act.procedure, act.progress),
        bodies=codes,
        demand=demand,
        kind=None,
        at=act.now,
        field="demand",
    )
    attended(
        act,
        caller=body or caller_of(act.procedure, act.progress),
        bodies=codes,
        demand=demand,
        at=act.now,
        field="demand",
    )
    content = {
        "approval": given.approval.value,
        "bodies": sorted(codes),
        "letter_sha256": _letter_hash(codes, demand),
    }
    return act.record(_ACTION, content, body=body)


def approvals_of(session: Session, case: Case) -> Sequence[TraceEntry]:
    """The approvals given in a case, in their order."""
    return trace.all_of(session, case, _ACTION)


def agreed_to(
    act: Act, kind: WhistleKind, bodies: Collection[str], demand: Demand, name: str, *, field: str
) -> dict[str, str]:
    """Who agreed to the letter of a whistle that the caller of the act blows.

    Nobody agrees to what they blow themselves, and nobody twice. What supervision itself whistles
    has no office to confirm it: a leader of the district approves. Raises StepRefused when an
    approval of the kind is missing.
    """
    letter, rule = _letter_hash(bodies, demand), act.city.table(KINDS)[kind]
    needed: Sequence[Approval] = rule.approvals
    levelled = act.procedure.level is not None
    if needed and levelled and body_of(caller_of(act.procedure, act.progress)) is None:
        needed = [Approval.APPROVED_BY]
    agreed: dict[str, str] = {}
    for entry in approvals_of(act.session, act.case):
        other = entry.actor not in (act.caller.named, *agreed.values())
        if entry.content["letter_sha256"] == letter and other:
            agreed.setdefault(entry.content["approval"], entry.actor)
    address = f"/v1/cases/{act.case.id}/approvals"
    if missing := [one.value for one in needed if one not in agreed]:
        raise StepRefused(
            f"'{name}' of a whistle of kind '{kind}' ({rule.title_zh}) lacks {', '.join(missing)}:"
            " somebody else must first agree to these bodies and this demand, with their own"
            f" token, at {address}.",
            field=field,
            missing=missing,
        )
    return agreed


def caller_of(procedure: Procedure, progress: Progress) -> str:
    """The party that scores and closes the whistle of a procedure."""
    return parties(progress, procedure.steps[-1].by)[0]


def calling_body(act: Act, named: str | None) -> str:
    """Who whistles: the caller of a whistle with a level, else a street that is a side or leads.

    Raises NotAllowed, StepRefused.
    """
    procedure, progress = act.procedure, act.progress
    levelled = procedure.level is not None
    allowed = (caller_of(procedure, progress),) if levelled else progress.sides
    own = named or own_body(act.caller)
    code = acting_body(act.session, act.caller, own or allowed[0])
    if code not in allowed:
        raise StepRefused(f"Here {' or '.join(allowed)} may whistle, not {code}.", field="by")
    body = body_or_refuse(act.session, code, field="by")
    if not levelled and body.kind != "street":
        raise StepRefused(
            f"{body.name} ({code}) is not a street; only a street whistles.", field="by"
        )
    return code


def _letter_hash(bodies: Collection[str], demand: Demand) -> str:
    return chained_hash({"bodies": sorted(bodies), "demand": demand.to_json()})
