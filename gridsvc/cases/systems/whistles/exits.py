"""Ways out of a whistle: it is withdrawn; a body declines, is dismissed, or never came."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import REPORTER, SUPERVISION, parties
from gridsvc.cases.intake.answerable import NOT_LISTED, answerable_in
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.events import BodyAbsent, WhistleWithdrawn
from gridsvc.cases.systems.whistles.hearing import acting_step, limit_by_called
from gridsvc.cases.systems.whistles.locking import (
    keep_side,
    locked_body,
    locked_whistle,
    record_of_body,
)
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.errors import BadInput, StepRefused


def withdraw(occasion: Occasion, whistle_id: uuid.UUID, *, by: str, reason: str) -> Whistle:
    """The caller takes back a whistle that is proposed or open; nobody waits for its bodies.

    Its case goes on: the caller closes it, or whistles again; a joint one is an ordinary case of
    the caller again. Raises StepRefused for anybody else, and once a body has done its part.
    """
    whistle, case = locked_whistle(occasion.session, whistle_id)
    act = occasion.on(case)
    if by != whistle.caller_body:
        raise StepRefused(f"The whistle was blown by {whistle.caller_body}, which may withdraw it.")
    if whistle.state not in ("proposed", "open"):
        raise StepRefused(f"The whistle is {whistle.state}; nothing can be recorded in it.")
    called = repository.called_bodies(act.session, [whistle.id])
    if done := [one.body_code for one in called if one.done_at is not None]:
        raise StepRefused(
            f"{' and '.join(done)} is done; score it, and dismiss those that are not needed."
        )
    keep_side(act, "withdraw", by)
    was_open = whistle.state == "open"
    whistle.state, whistle.closed_at = "withdrawn", act.now
    content = {"whistle_id": str(whistle.id), "by": by, "reason": reason}
    act.record("whistle_withdrawn", content, body=_body(by))
    act.tell([one.body_code for one in called if one.exit is None], "whistle_withdrawn", content)
    if was_open:
        _wait_no_longer(act, [one.body_code for one in called])
        act.emit(WhistleWithdrawn(whistle, reason))
    return whistle


def decline(
    occasion: Occasion, whistle_id: uuid.UUID, body: str, *, clause: str, reason: str
) -> CalledBody:
    """A called body says by which clause it need not come, before it has reported in.

    :data:`NOT_LISTED` holds where no line names it for the class and place, and it was called
    neither for a fact nor by a clause of its own; the words of a line where that names another
    body and not this one. Raises StepRefused for what does not hold, and
    for a side of a joint whistle.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body)
    if called.role == "side":
        raise StepRefused(f"{body} is a side of the joint whistle; a side cannot decline.")
    if called.reported_in_at is not None:
        raise StepRefused(f"{body} already reported in at {called.reported_in_at.isoformat()}.")
    here = answerable_in(act.session, act.city, act.case)
    own = {one.clause for one in here.reasons if one.clause and one.body.code == body}
    called_for = _called_for(whistle, body)
    holds = here.frees(body, clause) and (clause != NOT_LISTED or called_for is None)
    if not holds and own:
        raise StepRefused(
            f"{body} is named here by '{min(own)}', so it cannot decline by that clause.",
            field="clause",
        )
    if not holds and clause == NOT_LISTED:
        raise StepRefused(
            f"{body} is called here for '{called_for}', so it cannot decline as not listed; name"
            " the line of another body, or ask the caller to dismiss it.",
            field="clause",
        )
    if not holds:
        raise StepRefused(
            f"No other body is named here by that clause; {body} is on no list, and gives"
            f" '{NOT_LISTED}'.",
            field="clause",
        )
    content = {"clause": clause, "reason": reason}
    _leave(act, whistle, called, "declined", content)
    if (caller := _body(called.called_from)) is not None:
        act.tell([caller], "declined", {"whistle_id": str(whistle.id), "body": body, **content})
    return called


def dismiss(
    occasion: Occasion, whistle_id: uuid.UUID, body: str, *, by: str, reason: str
) -> CalledBody:
    """The caller lets a called body go that is not needed, or does not finish.

    Raises StepRefused for anybody else, for a body that is done, and for a side.
    """
    act, whistle, called = locked_body(occasion, whistle_id, body)
    if called.role == "side":
        raise StepRefused(f"{body} is a side of the joint whistle; withdraw the whistle instead.")
    if by != called.called_from:
        raise StepRefused(f"{body} was called by {called.called_from}, which may dismiss it.")
    if called.done_at is not None:
        raise StepRefused(f"{body} was already done at {called.done_at.isoformat()}.")
    content = {"by": by, "reason": reason}
    _leave(act, whistle, called, "dismissed", content)
    act.tell([body], "dismissed", {"whistle_id": str(whistle.id), **content})
    return called


def check_absent(act: Act, whistle: Whistle, called: CalledBody, value: int) -> bool:
    """Whether a body that is scored has never come, though its limit has passed.

    A side of a joint whistle without a date yet has the limit of the step that waits for it.
    Raises BadInput for any score but 0, StepRefused while an arrival waits to be signed in.
    """
    if called.reported_in_at is not None or whistle.state != "open":
        return False
    if called.arrived_at is not None:
        raise StepRefused(
            f"{called.body_code} says that it came, {called.metres_off:,.0f} m off; sign it in, or"
            " refuse that, before it is scored."
        )
    limit = called.report_in_by
    if limit is None and called.role == "side":
        step = act.procedure.step(act.case.step)
        waits = step is not None and called.body_code in parties(act.progress, step.by)
        if waits and called.body_code not in act.progress.taken_by:
            limit = act.case.limit_at
    if limit is None or act.now <= limit:
        return False
    if value != 0:
        raise BadInput(f"{called.body_code} never came; whoever is absent has 0.", field="score")
    return True


def mark_absent(act: Act, whistle: Whistle, called: CalledBody) -> None:
    """Wait no longer for a body that never came; its score of 0 is recorded already."""
    called.exit = "absent"
    _wait_no_longer(act, [called.body_code])
    act.tell([called.body_code], "absent", {"whistle_id": str(whistle.id)})
    act.emit(BodyAbsent(whistle, called))


def _called_for(whistle: Whistle, body: str) -> str | None:
    """The fact for which a body was called, or the clause that the caller gave for it."""
    clause = whistle.demand.get("clauses", {}).get(body)
    reasons = whistle.facts.get("called_for", {}).get(body, ())
    facts = (str(reason["why"]) for reason in reasons if reason["ground"] == "fact")
    return clause or next(facts, None)


def _leave(
    act: Act, whistle: Whistle, called: CalledBody, way: str, content: dict[str, str]
) -> None:
    called.exit = way
    record_of_body(act, way, called, content, at=act.now, by=content.get("by"))
    _wait_no_longer(act, [called.body_code])


def _wait_no_longer(act: Act, bodies: Iterable[str]) -> None:
    """The case's own step does not wait for these bodies either, and its limit is the others'.

    Where nobody is left before the step in which they act, what lies between is theirs: the case
    goes to that step, which the caller may pass.
    """
    gone, procedure, progress = set(bodies), act.procedure, act.progress
    called = tuple(one for one in progress.called if one.body not in gone)
    acting = acting_step(procedure)
    if procedure.level is not None:
        progress = replace(progress, called=called)
        early = acting and procedure.index(progress.step) < procedure.index(acting.name)
        if acting is not None and early and not called:
            act.enter(procedure, progress.at(acting.name))
        else:
            act.keep(progress)
    limit_by_called(act, procedure)


def _body(party: str) -> str | None:
    return None if party in (REPORTER, SUPERVISION) else party
