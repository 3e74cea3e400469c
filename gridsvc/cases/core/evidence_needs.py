"""What a step must carry, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsvc.cases.core.progress import Progress
from gridsvc.city.procedures.model import Return, Scored, Step
from gridsvc.errors import BadInput, StepRefused

#: What a person that was named to act has before the subject of their token.
PERSON = "person:"


def needs_of(step: Step | Return, progress: Progress) -> list[str]:
    """Everything that a step must carry now, each name once.

    That is its note and evidence, the seats that it fills, scores, and where a returned case goes.
    """
    needs = list(step.needs)
    if isinstance(step, Step):
        needs += [role.value for role in step.names]
        if step.sends_on and progress.returned:
            needs += ["to", "note"]
        if step.hears_all and progress.silent:
            needs.append("reasons")
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
    if step.verdict_in in evidence:
        _check_verdict(step, evidence)
    for name, known in step.choices.items():
        if name in evidence and evidence[name] not in known:
            raise BadInput(f"'{name}' must be one of {', '.join(known)}.", field=f"evidence.{name}")
    if step.names_who:
        _check_who(progress, evidence["who"])
    if step.hears_all and progress.silent:
        _check_reasons(progress, evidence["reasons"])
    if step.scores is Scored.LEAD:
        _check_score(evidence["score"], "evidence.score")
    elif step.scores is Scored.CALLED:
        _check_scores(progress, evidence["scores"])


def _check_verdict(step: Step, evidence: Mapping[str, Any]) -> None:
    """A check finds one of its procedure's verdicts, with what that must carry."""
    verdict = step.verdict(evidence[step.verdict_in])
    if verdict is None:
        known = ", ".join(f"{one.name} ({one.title_zh})" for one in step.verdicts)
        field = f"evidence.{step.verdict_in}"
        raise BadInput(f"'{step.verdict_in}' must be one of {known}.", field=field)
    missing = [name for name in verdict.carries if not evidence.get(name)]
    if missing:
        raise StepRefused(
            f"'{step.name}' must carry {', '.join(missing)}; send it in 'note' or 'evidence'.",
            field="evidence",
            missing=missing,
        )


def _check_who(progress: Progress, who: Any) -> None:
    known = progress.called_bodies
    if not isinstance(who, list) or not all(
        isinstance(one, str) and (one in known or one.startswith(PERSON)) for one in who
    ):
        raise BadInput(
            f"'who' lists called bodies ({', '.join(known)}), and persons as"
            f" '{PERSON}' with the subject of their token.",
            field="evidence.who",
        )


def _check_reasons(progress: Progress, reasons: Any) -> None:
    silent = progress.silent
    if not isinstance(reasons, Mapping) or any(
        not isinstance(reasons.get(body), str) or not reasons[body].strip() for body in silent
    ):
        raise BadInput(
            "'reasons' says for each body that has not given its word why the case closes"
            f" without: {', '.join(silent)}.",
            field="evidence.reasons",
        )


def _check_scores(progress: Progress, scores: Any) -> None:
    bodies = progress.called_bodies
    if not isinstance(scores, Mapping) or set(scores) != set(bodies):
        raise BadInput(
            f"'scores' gives every called body one score: {', '.join(bodies)}.",
            field="evidence.scores",
        )
    for body, score in scores.items():
        _check_score(score, f"evidence.scores.{body}")
    for called in progress.called:
        if called.score == 0 and scores[called.body] != 0:
            raise BadInput(
                f"{called.body} never came; whoever is absent has 0.",
                field=f"evidence.scores.{called.body}",
            )


def _check_score(score: Any, field: str) -> None:
    if type(score) is not int or not 0 <= score <= 100:
        raise BadInput("A score is a whole number from 0 to 100.", field=field)
