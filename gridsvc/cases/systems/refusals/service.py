"""What follows from a refusal: the case goes on, becomes a joint one, or waits for command."""

from __future__ import annotations

from typing import Any

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import BodyLeaves, BodyRefused, StepAsked
from gridsvc.cases.intake.answerable import NOT_LISTED, Answerable, answerable_in
from gridsvc.cases.systems.joint import JointGround, blow_joint
from gridsvc.city.procedures.model import Step
from gridsvc.errors import StepRefused
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.bodies.service import body_or_refuse


def follow_refusal(act: Act, event: BodyRefused) -> dict[str, Any]:
    """Judge a refusal; a procedure that asks for no clause goes by the rule of its time.

    Two that refuse across a district's border, near it, are both called. A refusal without ground
    goes to command, and so does the second inside a district.
    """
    again = event.named.code in act.progress.refused_by
    if event.clause is None:
        return _call_both(act, event) if again and act.procedure.merges else {}
    here = answerable_in(act.session, act.city, act.case)
    refuser = body_or_refuse(act.session, event.refuser, field="body")
    why = here.why_without_ground(refuser.code, event.named.code, event.clause)
    if why is not None:
        return {"to_command": why}
    if not again:
        inside = not here.across(refuser, event.named) and _refused_inside(act, refuser)
        return {"to_command": "second_refusal_inside_the_district"} if inside else {}
    if why := _why_not_joint(act, here, refuser, event.named):
        return {"to_command": why}
    return _call_both(act, event)


def check_sent_on(act: Act, event: StepAsked) -> None:
    """Command sends a case to a body that can answer here, else says why in ``reason``.

    A procedure that asks refusals for no clause goes by the rule of its time. Raises StepRefused.
    """
    step, to = event.step, event.evidence.get("to")
    by_clause = any("clause" in back.needs for back in act.procedure.returns)
    if not (isinstance(step, Step) and step.sends_on and by_clause and to):
        return
    reason = event.evidence.get("reason")
    if isinstance(reason, str) and reason.strip():
        return
    here = answerable_in(act.session, act.city, act.case)
    if to not in {one.body.code for one in here.reasons}:
        raise StepRefused(
            f"No list, agreement or territory makes it possible that {str(to)[:40]} answers here;"
            " send it to another body, or say in 'reason' why, which the trace keeps.",
            field="evidence.reason",
            missing=["reason"],
        )


def check_leaving(act: Act, event: BodyLeaves) -> None:
    """A called body leaves by a clause that holds. Raises StepRefused for any other."""
    if not answerable_in(act.session, act.city, act.case).frees(event.body, event.clause):
        raise StepRefused(
            f"{event.body} is not free by that clause: name a line of another body, or"
            f" '{NOT_LISTED}' where no line names {event.body}.",
            field="evidence.clause",
        )


def _refused_inside(act: Act, refuser: BodyRef) -> bool:
    """Whether another body of the refuser's district, or of the city, has refused before it."""
    before = bodies_by_code(act.session, set(act.progress.refused_by) - {refuser.code})
    return any(
        None in (one.district, refuser.district) or one.district == refuser.district
        for one in before.values()
    )


def _why_not_joint(act: Act, here: Answerable, refuser: BodyRef, named: BodyRef) -> str | None:
    if here.agreed:
        return "an_agreement_settles_it"
    if not here.across(refuser, named):
        return "not_across_a_border_near_enough"
    return None if act.procedure.merges else "no_joint_case"


def _call_both(act: Act, event: BodyRefused) -> dict[str, Any]:
    """Blow the joint whistle: of the two, the one that received the case first leads (首接负责)."""
    refused_by = act.progress.refused_by
    received_first = sorted((event.named.code, event.refuser), key=refused_by.index)
    lead, other = (body_or_refuse(act.session, code, field="body") for code in received_first)
    explanation = f"{event.refuser} and {event.named.code} each say that the place is the other's."
    blow_joint(
        act,
        JointGround.REFUSAL,
        lead,
        other,
        {"refused_by": list(refused_by), "explanation": explanation},
        ask_first=act.city.settings.joint_whistle_asks,
        actor="gridsvc",
    )
    return {"settled": True}
