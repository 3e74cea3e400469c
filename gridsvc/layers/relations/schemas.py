"""The answer about two layers as the interface gives it."""

from __future__ import annotations

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.layers.relations.model import LayerName, Relation


class SideRelated(Answer):
    """What was related; of uploaded features only their number."""

    layer: LayerName | None = Field(description="Null for uploaded features.")
    edition: str | None = Field(default=None, description="Null for parts.")
    codes: list[str] = Field(default_factory=list, description="The areas it was limited to.")
    members: int


class MemberAnswer(Answer):
    """One member; what it does not have is left out."""

    code: str | None = None
    name: str | None = None
    district: str | None = Field(default=None, description="Of a unit grid or a part.")
    feature: int | None = Field(default=None, description="The number of an uploaded feature.")


class PairAnswer(Answer):
    """Two members that are in the relation, and what they share."""

    a: MemberAnswer
    b: MemberAnswer | None = Field(description="Null for ground that nobody covers.")
    shared_m2: float
    shared_m: float | None = Field(description="Length of the common border or line.")
    share_of_a: float | None = Field(description="Of m² or, for a line, of metres.")
    share_of_b: float | None = Field(description="Of m² or, for a line, of metres.")


class RelationsAnswer(Answer):
    """Pairs in the order of the first layer, then of the second."""

    relation: Relation
    a: SideRelated
    b: SideRelated
    pairs: list[PairAnswer]
    next: Next
