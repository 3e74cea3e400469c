"""What a step must carry, checked against its procedure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsvc.cases.core.progress import Progress
from gridsvc.city.procedures.model import Return, Scored, Step
from gridsvc.errors import BadInput, StepRefused

__all__ = ["check_evidence", "needs_of"]


def needs_of(step: Step | Return, progress: Progress) -> list[str]:
    """Everything that a step must carry now, each name once.

    That is its note and evidence, the seats that it fills, scores, and where a returned case goes.
    """
    needs = list(step.needs)
    if isinstance(step, Step):
        needs += [role.value for role in step.names]
        if step.sends_on and progress.returned:
            needs += ["to", "note"]
        if step.scores is not None:
            needs.append("score" if step.scores is Scored.LEAD else "scores")
    return list(dict.fromkeys(needs))


def check_evidence(step: Step | Return, progress: Progress, evidence: Mapping[str, Any]) -> None:
    """Refuse a step that lacks something, or carries it in the wrong form.

    Raises StepRefused with what is missing, BadInput with the field of a wrong value.
    """
    missing = [
        name for name in needs_of(step, progress) if evidence.get(name) in (None, "", [], {})
    ]
    if missing:
        raise StepRefused(
            f"'{step.name}' must carry {', '.join(missing)}; send it in 'note' or 'evidence'.",
            field="evidence",
            missing=missing,
        )
    if isinstance(step, Return):
        return
    for name, known in step.choices.items():
        if name in evidence and evidence[name] not in known:
            raise BadInput(f"'{name}' must be one of {', '.join(known)}.", field=f"evidence.{name}")
    if step.scores is Scored.LEAD:
        _check_score(evidence["score"], "evidence.score")
    elif step.scores is Scored.CALLED:
        _check_scores(progress, evidence["scores"])


def _check_scores(progress: Progress, scores: Any) -> None:
    bodies = progress.called_bodies
    if not isinstance(scores, Mapping) or set(scores) != set(bodies):
        raise BadInput(
            f"'scores' gives every called body one score: {', '.join(bodies)}.",
            field="evidence.scores",
        )
    for body, score in scores.items():
        _check_score(score, f"evidence.scores.{body}")


def _check_score(score: Any, field: str) -> None:
    if type(score) is not int or not 0 <= score <= 100:
        raise BadInput("A score is a whole number from 0 to 100.", field=field)
