"""The one engine that runs every procedure: pure functions from progress to progress."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from gridsvc.cases.core.evidence_needs import check_evidence, needs_of
from gridsvc.cases.core.progress import Progress, present_step, skip_system
from gridsvc.city.procedures.model import (
    CLOSING,
    EACH,
    SEATS,
    Actor,
    Follows,
    Procedure,
    Requirement,
    Return,
    Scored,
    SideAct,
    Step,
)
from gridsvc.errors import BadInput, NotAllowed, StepRefused

#: The party that files and checks, kept apart from those who handle.
SUPERVISION = "supervision"
#: The party that dispatches.
COMMAND = "command"
#: The party that opened the case.
REPORTER = "reporter"

_UNMET = {
    Requirement.SELF_REPORTED_IN: "a body must report in before it acts",
    Requirement.SIDES_REPORTED_IN: "both sides must report in first",
    Requirement.ALL_REPORTED_IN: "every called body must report in first",
    Requirement.ALL_DONE: "nobody leaves until it is done (事不完人不撤), but a body is not done",
    Requirement.ALL_SCORED: "one whistle, one assessment (一哨一考核), but a body has no score",
}


def open_steps(procedure: Procedure, progress: Progress) -> tuple[Step | Return, ...]:
    """What may be taken now: the present step, those after one left out, the ways back."""
    if progress.closed:
        return ()
    present = present_step(procedure, progress)
    steps: list[Step | Return] = [present]
    step: Step | None = present
    while step is not None and not progress.taken_by and _may_pass(step, progress):
        step = procedure.after(step.name)
        if step is not None:
            steps.append(step)
    steps += [
        back
        for back in procedure.returns
        if back.source == present.name and not (back.refuses and progress.ruled)
    ]
    return tuple(steps)


def take(
    procedure: Procedure,
    progress: Progress,
    step_name: str,
    *,
    party: str,
    evidence: Mapping[str, Any],
    met: Collection[Requirement] = (),
    whistled: bool = False,
    actor: str = "",
) -> Progress:
    """The progress after ``party`` took a step.

    ``party`` is a body code, :data:`SUPERVISION`, :data:`COMMAND` or :data:`REPORTER`; ``met``
    the requirements that hold now; ``whistled``: a whistle is open in the case, so that it waits
    for every called body; ``actor`` is the subject of the token, None being ``""``.
    Raises StepRefused, naming the step that is due and who takes it; BadInput for evidence of a
    wrong form; NotAllowed when the actor is on the other side of supervision.
    """
    step = check_take(procedure, progress, step_name, party=party, evidence=evidence, actor=actor)
    verdict = step.verdict(evidence.get(step.verdict_in))
    closes = step.closes or (verdict is not None and verdict.follows is Follows.CLOSE)
    check_met(step.name, CLOSING if whistled and closes else step.requires, met)
    if step.name != progress.step:
        progress = progress.at(step.name)
    progress = _with_evidence(record_actor(progress, party, actor), step, evidence)
    if step.by is Actor.NAMED:
        progress = with_word(progress, party)
    if step.by in EACH:
        progress = replace(progress, taken_by=(*progress.taken_by, party))
        if set(parties(progress, step.by)) - set(progress.taken_by):
            return progress
    if step.repeats:
        return replace(progress, repeats=progress.repeats + 1)
    if closes:
        return replace(progress, closed=True)
    following = procedure.after(step.name)
    if following is None:
        raise AssertionError(f"{procedure.name} ends with {step.name}, which does not close it")
    return skip_system(procedure, progress.at(following.name))


def check_take(
    procedure: Procedure,
    progress: Progress,
    step_name: str,
    *,
    party: str,
    evidence: Mapping[str, Any],
    actor: str,
) -> Step:
    """The step of that name, if ``party`` may take it now with this evidence.

    Raises what :func:`take` raises.
    """
    step = procedure.step(step_name)
    if step is None:
        raise _refusal(procedure, progress, f"'{step_name}' is not a step of '{procedure.name}'")
    if progress.closed:
        raise StepRefused(f"The case is closed; '{step_name}' can no longer be taken.")
    if step not in open_steps(procedure, progress):
        raise _refusal(procedure, progress, _why_not_now(procedure, progress, step))
    _check_party(procedure, progress, step, party)
    if step.by in EACH and party in progress.taken_by:
        others = [one for one in parties(progress, step.by) if one not in progress.taken_by]
        why = f"{party} has already taken '{step.name}'; it waits for {' and '.join(others)}"
        raise _refusal(procedure, progress, why)
    check_separation_of_duties(progress, step.name, party, actor)
    check_evidence(step, progress, evidence)
    return step


def check_met(name: str, required: Collection[Requirement], met: Collection[Requirement]) -> None:
    """Refuse a step while something that it requires does not hold. Raises StepRefused."""
    for requirement in required:
        if requirement not in met:
            raise StepRefused(
                f"'{name}' is refused: {_UNMET[requirement]}.", requirement=requirement.value
            )


def go_back(
    procedure: Procedure,
    progress: Progress,
    back_name: str,
    *,
    party: str,
    evidence: Mapping[str, Any],
    actor: str = "",
) -> Progress:
    """The progress after a return; the system's own steps on the way are taken again at once.

    Raises what :func:`take` raises.
    """
    back = procedure.return_step(back_name)
    if back is None:
        raise _refusal(procedure, progress, f"'{procedure.name}' has no return '{back_name}'")
    if progress.closed:
        raise StepRefused(f"The case is closed; '{back_name}' can no longer be taken.")
    if back.source != progress.step:
        raise _refusal(procedure, progress, f"'{back_name}' is possible only at '{back.source}'")
    _check_party(procedure, progress, back, party)
    if back.refuses and progress.ruled:
        why = f"it was decided that {progress.lead} answers, and that ruling stands"
        raise _refusal(procedure, progress, why)
    check_separation_of_duties(progress, back.name, party, actor)
    check_evidence(back, progress, evidence)
    after = record_actor(progress, party, actor).at(back.target)
    if back.refuses:
        received = present_step(procedure, after).by is not Actor.SYSTEM
        after = replace(after, refused_by=(*after.refused_by, party), returned=received)
    return skip_system(procedure, after)


def side_act_at(procedure: Procedure, progress: Progress, name: str, party: str) -> SideAct:
    """The act (suspend, extend, raise) of that name, if ``party`` may do it now.

    Raises StepRefused.
    """
    act = procedure.acts.get(name)
    if act is None:
        raise _refusal(procedure, progress, f"'{procedure.name}' has no '{name}'")
    if progress.closed:
        raise StepRefused(f"The case is closed; '{name}' is no longer possible.")
    if progress.step not in act.at:
        raise _refusal(procedure, progress, f"'{name}' is possible only at {' and '.join(act.at)}")
    allowed = parties(progress, act.by)
    if party not in allowed:
        raise _refusal(
            procedure, progress, f"'{name}' is done by {' and '.join(allowed)}, not by {party}"
        )
    return act


def check_separation_of_duties(progress: Progress, name: str, party: str, actor: str) -> None:
    """Refuse a token on both sides of supervision. Raises NotAllowed."""
    if party == SUPERVISION and actor and actor in progress.handlers:
        raise NotAllowed(
            f"'{name}' is for supervision, and {actor} has dispatched or handled this case."
            " Whoever handles a case does not close it; use someone else's token."
        )
    if party not in (SUPERVISION, REPORTER) and actor and actor in progress.checkers:
        raise NotAllowed(
            f"{actor} has filed or checked this case, so they cannot take '{name}'. Whoever"
            " supervises a case does not handle it; use someone else's token."
        )


def parties(progress: Progress, by: Actor) -> tuple[str, ...]:
    """The parties that may take a step of this kind now: body codes, or one of the three names."""
    if by in SEATS:
        seated = progress.seat(by)
        return () if seated is None else (seated,)
    match by:
        case Actor.LEAD:
            return (progress.lead,)
        case Actor.OTHER:
            return () if progress.other is None else (progress.other,)
        case Actor.EACH_SIDE | Actor.EITHER_SIDE:
            return progress.sides
        case Actor.CALLED | Actor.EACH_CALLED:
            return progress.called_bodies
        case Actor.NAMED:
            return progress.named
        case Actor.SUPERVISION:
            return (SUPERVISION,)
        case Actor.COMMAND:
            return (COMMAND,)
        case Actor.REPORTER:
            return (REPORTER,)
        case _:
            return ()


def record_actor(progress: Progress, party: str, actor: str) -> Progress:
    """The progress that remembers on which side of supervision a token has acted."""
    if party == REPORTER or not actor:
        return progress
    if party == SUPERVISION:
        return replace(progress, checkers=tuple(dict.fromkeys((*progress.checkers, actor))))
    return replace(progress, handlers=tuple(dict.fromkeys((*progress.handlers, actor))))


def with_word(progress: Progress, party: str) -> Progress:
    """The progress with the word of a called body; what others say changes nothing."""
    given = party in progress.silent
    return replace(progress, said=(*progress.said, party)) if given else progress


def without(procedure: Procedure, progress: Progress, body: str) -> Progress:
    """The progress of a step of each called body without one that never came; its score is 0.

    Raises BadInput for a body for which the step does not wait.
    """
    waiting = [called.body for called in progress.waits_for()]
    if body not in waiting:
        raise BadInput(
            f"'{progress.step}' waits for {' and '.join(waiting)}.", field="evidence.absent"
        )
    called = tuple(replace(one, score=0) if one.body == body else one for one in progress.called)
    after = replace(progress, called=called, taken_by=(*progress.taken_by, body))
    return _behind_the_last(procedure, after)


def not_called(procedure: Procedure, progress: Progress, body: str) -> Progress:
    """The progress without a called body that is not responsible; nobody scores it.

    Raises StepRefused for the lead, which answers for the case, and for one that has acted.
    """
    if body == progress.lead:
        raise _refusal(procedure, progress, f"{body} leads the case, which it has dispatched")
    if body in progress.taken_by:
        raise _refusal(procedure, progress, f"{body} has already taken '{progress.step}'")
    called = tuple(one for one in progress.called if one.body != body)
    return _behind_the_last(procedure, replace(progress, called=called))


def _behind_the_last(procedure: Procedure, progress: Progress) -> Progress:
    """The progress at the next step where the present one waits for no called body any more."""
    following = procedure.after(progress.step)
    if any(progress.waits_for()) or following is None:
        return progress
    return skip_system(procedure, progress.at(following.name))


def _may_pass(step: Step, progress: Progress) -> bool:
    return step.optional or (step.repeats and progress.repeats > 0)


def _with_evidence(progress: Progress, step: Step, evidence: Mapping[str, Any]) -> Progress:
    """Seats that the evidence fills, the body to which it is sent, the scores of called bodies."""
    for role in step.names:
        if evidence.get(role.value):
            progress = progress.seated(role, str(evidence[role.value]))
    if step.names_who:
        progress = replace(progress, named=tuple(dict.fromkeys(evidence["who"])))
    if step.sends_on:
        lead = str(evidence.get("to") or progress.lead)
        ruled = progress.ruled or progress.returned
        progress = replace(progress, lead=lead, returned=False, ruled=ruled)
    if step.scores is Scored.CALLED:
        scores = evidence["scores"]
        scored = tuple(replace(called, score=scores[called.body]) for called in progress.called)
        progress = replace(progress, called=scored)
    return progress


def _check_party(procedure: Procedure, progress: Progress, step: Step | Return, party: str) -> None:
    allowed = parties(progress, step.by)
    if party not in allowed:
        raise _refusal(
            procedure,
            progress,
            f"'{step.name}' is taken by {' and '.join(allowed) or 'nobody yet'}, not by {party}",
        )


def _why_not_now(procedure: Procedure, progress: Progress, step: Step) -> str:
    if procedure.index(step.name) < procedure.index(progress.step):
        return f"'{step.name}' has already been taken"
    return f"'{step.name}' cannot be taken before '{progress.step}'; no step can be skipped"


def _refusal(procedure: Procedure, progress: Progress, why: str) -> StepRefused:
    possible = open_steps(procedure, progress)
    due = [
        {"step": step.name, "by": _still_due(progress, step), "needs": needs_of(step, progress)}
        for step in possible
    ]
    names = ", ".join(step.name for step in possible) or "nothing"
    return StepRefused(f"{why}. Due now: {names}.", due=due)


def _still_due(progress: Progress, step: Step | Return) -> list[str]:
    taken = progress.taken_by if step.name == progress.step else ()
    return [party for party in parties(progress, step.by) if party not in taken]
