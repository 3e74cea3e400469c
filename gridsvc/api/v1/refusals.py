"""Whom a refusal may name, and by which clause."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.intake.answerable import answerable_in
from gridsvc.cases.systems.refusals.schemas import AnswerableBodies, PossibleBody

router = APIRouter(prefix="/v1", tags=["cases"])


@router.get(
    "/cases/{case_id}/answerable",
    response_model=as_built(AnswerableBodies),
    responses=problems(*TOKEN_PROBLEMS),
)
def get_answerable(case_id: uuid.UUID, occasion: CurrentOccasion) -> AnswerableBodies:
    """Who can answer for a case: by the register, an agreement, a duty list or the territory."""
    session, city = occasion.session, occasion.city
    case = readable_case(session, city, occasion.caller, case_id)
    found = answerable_in(session, city, case)
    return AnswerableBodies(
        case_id=case.id,
        bodies=[PossibleBody(**one.to_json()) for one in found.reasons],
        agreed=found.agreed,
        districts=sorted(found.districts),
    )
