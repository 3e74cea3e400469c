"""Who can answer for a case, as the interface gives it."""

from __future__ import annotations

import uuid

from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.registry.bodies.rule import Ground


class PossibleBody(Answer):
    """One reason for which a body can answer."""

    body_code: str
    name: str
    ground: Ground
    role: str = Field(description="lead or assist.")
    clause: str = Field(description="What a refusal that names the body gives as its clause.")


class AnswerableBodies(Answer):
    """Every body that a refusal may name."""

    case_id: uuid.UUID
    bodies: list[PossibleBody]
    agreed: bool = Field(description="An agreement in force says who leads.")
    districts: list[str] = Field(description="Those that the place lies in or near.")
