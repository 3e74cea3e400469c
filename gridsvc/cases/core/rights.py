"""For whom a caller acts in a case, and whether they may."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Act
from gridsvc.cases.core.engine import (
    COMMAND,
    REPORTER,
    SUPERVISION,
    check_separation_of_duties,
    parties,
)
from gridsvc.cases.core.evidence_needs import PERSON
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.city.procedures.model import Return, SideAct, Step
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.registry.bodies.service import body_or_refuse


def own_body(caller: Caller) -> str | None:
    """The body of a token: the one that it names, or the office of its street."""
    return caller.body or (caller.area if len(caller.area) == 9 else None)


def body_of(party: str) -> str | None:
    """The body behind a party, None for supervision, command, the reporter and named persons."""
    nobody = party in (SUPERVISION, COMMAND, REPORTER) or party.startswith(PERSON)
    return None if nobody else party


def acting_body(session: Session, caller: Caller, code: str) -> str:
    """The body, if the caller may act for it. Raises NotAllowed, NotFound."""
    body = body_or_refuse(session, code, field="body")
    if not caller.acts_for(body.code, body.area_code):
        raise NotAllowed(
            f"A token of role {caller.role.value} for '{caller.body or caller.area}' may not act"
            f" for {body.name} ({body.code}); use that body's own token.",
            field="body",
        )
    return body.code


def opened_by(caller: Caller, progress: Progress) -> bool:
    """Whether a case was opened with the caller's very token."""
    return str(caller.token_id) == progress.reporter


def speaks_for_reporter(act: Act, name: str) -> bool:
    """Whether the caller acts as whoever opened the case, with the very token that did.

    Nobody waits for a reporter for ever: once the limit has passed, supervision acts in their
    place. Raises NotAllowed for one who has handled the case.
    """
    if opened_by(act.caller, act.progress):
        return True
    case = act.case
    passed = case.limit_at is not None and act.now > case.limit_at
    if not passed or not act.caller.supervises(case.district_code):
        return False
    check_separation_of_duties(act.progress, name, SUPERVISION, act.caller.subject)
    return True


def acting_party(
    act: Act, step: Step | Return | SideAct, named: str | None, *, name: str | None = None
) -> str:
    """The party that takes a step: the named body, or the one that can only be meant.

    ``name`` is what a side act is called.

    Raises BadInput when it must be named, NotAllowed when the caller may not act for it.
    """
    progress, caller, district = act.progress, act.caller, act.case.district_code
    possible = parties(progress, step.by)
    label = name or ("" if isinstance(step, SideAct) else step.name)
    if possible == (REPORTER,):
        if not speaks_for_reporter(act, label):
            raise NotAllowed(f"'{label}' is for whoever opened the case, with the same token.")
        return REPORTER
    if possible == (COMMAND,):
        if not caller.supervises(district):
            raise NotAllowed(
                f"'{label}' is for command, which dispatches: a token of role district, city or"
                f" admin that covers {district}."
            )
        return COMMAND
    if possible == (SUPERVISION,):
        if not caller.supervises(district):
            raise NotAllowed(
                f"'{label}' is for supervision: a token of role district, city or admin that"
                f" covers {district}. Whoever handles a case does not close it."
            )
        return SUPERVISION
    themselves = f"{PERSON}{caller.subject}"
    if themselves in possible and named in (None, themselves):
        return themselves
    code = named or own_body(caller)
    if code is None:
        if len(possible) != 1:
            raise BadInput(
                f"'{label}' is taken by {' and '.join(possible) or 'the service'};"
                " say in 'body' for which of them.",
                field="body",
            )
        code = possible[0]
    if code.startswith(PERSON):
        raise NotAllowed(
            f"'{label}' is for the person who was named to do it, with their own token."
        )
    return acting_body(act.session, caller, code)


def may_see(caller: Caller, case: Case, bodies: Collection[str]) -> bool:
    """Whether a caller may read a case: by its area, or because its body takes part.

    A case holds what reporters wrote; citizens see the public side of a report by its receipt.
    """
    if not caller.staff:
        return False
    return (caller.body or caller.area) in bodies or caller.covers(
        case.district_code, case.street_code, case.community_code, case.participant_district
    )
