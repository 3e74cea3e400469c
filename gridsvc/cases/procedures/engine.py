"""The one engine that runs every procedure: pure functions from progress to progress."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from gridsvc.cases.procedures.model import Actor, Procedure, Progress, Requirement, Return, Step
from gridsvc.errors import StepRefused

__all__ = ["SUPERVISION", "begin", "go_back", "open_steps", "parties", "take"]

#: The party that files and checks, kept apart from those who handle.
SUPERVISION = "supervision"

_UNMET = {
    Requirement.SIDES_REPORTED_IN: "both sides must report in first",
    Requirement.ALL_REPORTED_IN: "every called body must report in first",
    Requirement.ALL_DONE: "nobody leaves until it is done (事不完人不撤): a body is not done yet",
    Requirement.ALL_SCORED: "one whistle, one assessment (一哨一考核): a body has no score yet",
}


def begin(procedure: Procedure, *, lead: str, other: str | None = None) -> Progress:
    """A case at the first step that somebody must take; the system's own are done at once."""
    progress = Progress(step=procedure.steps[0].name, lead=lead, other=other)
    return _skip_system(procedure, progress)


def open_steps(procedure: Procedure, progress: Progress) -> tuple[Step | Return, ...]:
    """What may be taken now: the present step, the one after a repeating step, the ways back."""
    if progress.closed:
        return ()
    present = _present(procedure, progress)
    steps: list[Step | Return] = [present]
    following = procedure.after(present.name)
    if present.repeats and progress.repeats and following is not None:
        steps.append(following)
    steps += [back for back in procedure.returns if back.source == present.name]
    return tuple(steps)


def take(
    procedure: Procedure,
    progress: Progress,
    step_name: str,
    *,
    party: str,
    evidence: Mapping[str, Any],
    met: Collection[Requirement] = (),
) -> Progress:
    """The progress after ``party`` took a step.

    ``party`` is a body code, or :data:`SUPERVISION`; ``met`` the requirements that hold now.
    Raises StepRefused, naming the step that is due and who takes it.
    """
    step = procedure.step(step_name)
    if step is None:
        raise _refusal(procedure, progress, f"'{step_name}' is no step of '{procedure.name}'")
    if progress.closed:
        raise StepRefused(f"The case is closed; '{step_name}' can no longer be taken.")
    if step not in open_steps(procedure, progress):
        raise _refusal(procedure, progress, _why_not_now(procedure, progress, step))
    _check_party(procedure, progress, step, party)
    _check_evidence(step, evidence)
    for requirement in step.requires:
        if requirement not in met:
            raise StepRefused(
                f"'{step.name}' is refused: {_UNMET[requirement]}.", requirement=requirement.value
            )
    if step.name != progress.step:
        progress = progress.at(step.name)
    if step.by is Actor.EACH_SIDE:
        if party in progress.taken_by:
            raise StepRefused(f"{party} has already taken '{step.name}'; the other side is due.")
        progress = replace(progress, taken_by=(*progress.taken_by, party))
        if set(progress.sides) - set(progress.taken_by):
            return progress
    if step.repeats:
        return replace(progress, repeats=progress.repeats + 1)
    if step.closes:
        return replace(progress, closed=True)
    following = procedure.after(step.name)
    if following is None:
        raise AssertionError(f"{procedure.name} ends with {step.name}, which does not close it")
    return _skip_system(procedure, progress.at(following.name))


def go_back(
    procedure: Procedure,
    progress: Progress,
    back_name: str,
    *,
    party: str,
    evidence: Mapping[str, Any],
) -> Progress:
    """The progress after a return; the system's own steps on the way are taken again at once."""
    back = procedure.way_back(back_name)
    if back is None:
        raise _refusal(procedure, progress, f"'{procedure.name}' has no return '{back_name}'")
    if progress.closed:
        raise StepRefused(f"The case is closed; '{back_name}' can no longer be taken.")
    if back.source != progress.step:
        raise _refusal(procedure, progress, f"'{back_name}' is possible only at '{back.source}'")
    _check_party(procedure, progress, back, party)
    _check_evidence(back, evidence)
    return _skip_system(procedure, progress.at(back.target))


def _present(procedure: Procedure, progress: Progress) -> Step:
    step = procedure.step(progress.step)
    if step is None:
        raise AssertionError(f"progress names '{progress.step}', unknown to {procedure.name}")
    return step


def _skip_system(procedure: Procedure, progress: Progress) -> Progress:
    step = _present(procedure, progress)
    while step.by is Actor.SYSTEM:
        following = procedure.after(step.name)
        if following is None:
            raise AssertionError(f"{procedure.name} has nothing but system steps")
        step = following
    return progress if step.name == progress.step else progress.at(step.name)


def parties(progress: Progress, by: Actor) -> tuple[str, ...]:
    """The parties that may take a step of this kind now: body codes, or SUPERVISION."""
    match by:
        case Actor.LEAD:
            return (progress.lead,)
        case Actor.OTHER:
            return () if progress.other is None else (progress.other,)
        case Actor.EACH_SIDE | Actor.EITHER_SIDE:
            return progress.sides
        case Actor.SUPERVISION:
            return (SUPERVISION,)
        case Actor.SYSTEM:
            return ()


def _check_party(procedure: Procedure, progress: Progress, step: Step | Return, party: str) -> None:
    allowed = parties(progress, step.by)
    if party not in allowed:
        raise _refusal(
            procedure,
            progress,
            f"'{step.name}' is taken by {' and '.join(allowed)}, not by {party}",
        )


def _check_evidence(step: Step | Return, evidence: Mapping[str, Any]) -> None:
    missing = [name for name in step.needs if evidence.get(name) in (None, "", [], {})]
    if missing:
        raise StepRefused(
            f"'{step.name}' must carry {', '.join(missing)}; send it in 'note' or 'evidence'.",
            field="evidence",
            missing=missing,
        )


def _why_not_now(procedure: Procedure, progress: Progress, step: Step) -> str:
    if procedure.index(step.name) < procedure.index(progress.step):
        return f"'{step.name}' has been taken already"
    return f"'{step.name}' cannot be taken before '{progress.step}'; no step can be skipped"


def _refusal(procedure: Procedure, progress: Progress, why: str) -> StepRefused:
    possible = open_steps(procedure, progress)
    due = [
        {"step": step.name, "by": list(parties(progress, step.by)), "needs": list(step.needs)}
        for step in possible
    ]
    names = ", ".join(step.name for step in possible) or "nothing"
    return StepRefused(f"{why}. Due now: {names}.", due=due)
