"""What parts one edition from another, as the interface gives it."""

from __future__ import annotations

from pydantic import Field

from gridsvc.answers import Answer, AreaLevel, Named, Next

_NOBODY = "Null is nobody."


class NameChanged(Answer):
    """A code whose name differs."""

    code: str
    before: str
    after: str


class GroundChanged(Answer):
    """What one code holds before and after, loses and gains."""

    code: str
    before_m2: float
    after_m2: float
    lost_m2: float
    gained_m2: float


class GroundMoved(Answer):
    """Ground that goes from one code to another."""

    before: str | None = Field(description=_NOBODY)
    after: str | None = Field(description=_NOBODY)
    area_m2: float


class DiffAnswer(Answer):
    """What the second edition has otherwise than the first; areas in code order."""

    before: str
    after: str
    level: AreaLevel
    born: list[Named]
    gone: list[Named]
    renamed: list[NameChanged]
    changed: list[GroundChanged] = Field(description="Codes of both whose ground differs.")
    moves: list[GroundMoved] = Field(description="The largest first.")
    moves_in_all: int
    moved_m2: float
    unbalanced_m2: float = Field(description="Rounding only.")


class AnswersMoved(Answer):
    """How many places go from one code to another."""

    before: str | None = Field(description=_NOBODY)
    after: str | None = Field(description=_NOBODY)
    count: int


class TallyAnswer(Answer):
    """How many stored places were looked at, and how many another code answers for."""

    looked_at: int
    rerouted: int
    moves: list[AnswersMoved] = Field(description="The most first.")


class ReroutedAnswer(Answer):
    """A stored place, and the code that answers for it before and after."""

    district_code: str
    id: str
    before: str | None = Field(description=_NOBODY)
    after: str | None = Field(description=_NOBODY)


class ReroutedPageAnswer(Answer):
    """Places that would be answered otherwise, by district and id."""

    kind: str
    things: list[ReroutedAnswer]
    next: Next


class CutAnswer(ReroutedAnswer):
    """A valid unit grid of which a part changes hands."""

    moved_m2: float
    area_m2: float
