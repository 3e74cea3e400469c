"""The judge of the place, and no other, takes the steps of a matter at their contact point."""

from __future__ import annotations

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import StepAsked
from gridsvc.city.procedures.model import Actor, Seat
from gridsvc.errors import NotAllowed
from gridsvc.registry.contact_points.service import point_of


def check_judge(act: Act, event: StepAsked) -> None:
    """Refuse a step by another than the judge who is there for the place today.

    Who that is, the register says: a judge who has left hands over by the next list. Where the
    register does not know the judge's token, the court takes the step. Raises NotAllowed.
    """
    case = act.case
    if act.procedure.seats[Actor.LEAD] is not Seat.CONTACT_POINT or case.community_code is None:
        return
    point = point_of(act.session, case.community_code, act.city.day(act.now))
    if point is None or point.subject is None or point.subject == act.caller.subject:
        return
    raise NotAllowed(
        f"'{event.step.name}' is taken by {point.judge_name}, the judge of {point.name}, with"
        " their own token."
    )
