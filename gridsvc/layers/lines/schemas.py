"""What a line crosses as the interface gives it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Geometry
from gridsvc.layers.lines.service import BodyAlong, Crossed, Crossing, Level


class CrossedAnswer(Answer):
    """An area or unit grid along the line."""

    code: str = Field(description="Of a unit grid its national id.")
    name: str = Field(description="Of a unit grid its 8-digit code.")
    district: str | None = Field(description="Of a unit grid.")
    metres: float = Field(description="Of the line inside; 0 where only its width reaches it.")
    from_m: float = Field(description="Where along the line it comes first.")
    stretches: list[tuple[float, float]] = Field(description="From and to, metres along the line.")
    corridor_m2: float = Field(description="What it has within the width.")

    @classmethod
    def of_member(cls, member: Crossed) -> CrossedAnswer:
        """One member."""
        one = member.passed
        return cls.of(
            member,
            metres=round(one.metres, 3),
            from_m=round(one.from_m, 3),
            stretches=[(round(start, 3), round(end, 3)) for start, end in one.stretches],
            corridor_m2=round(one.corridor_m2, 1),
        )


class LevelAnswer(Answer):
    """Everything of one level in the order of travel."""

    members: list[CrossedAnswer]
    outside_m: float = Field(description="Metres of the line in none of them.")
    shared_m: float = Field(description="Metres in more than one: along a border.")

    @classmethod
    def of_level(cls, level: Level) -> LevelAnswer:
        """One level."""
        return cls(
            members=[CrossedAnswer.of_member(one) for one in level.members],
            outside_m=round(level.outside_m, 3),
            shared_m=round(level.shared_m, 3),
        )


class BodyAlongAnswer(Answer):
    """A body along the line."""

    code: str
    name: str
    kind: str
    roles: list[Literal["territory", "lead", "assist"]]
    streets: list[str] = Field(description="Where it answers, in the order of travel.")
    metres: float = Field(description="Of the line in these streets.")

    @classmethod
    def of_body(cls, along: BodyAlong) -> BodyAlongAnswer:
        """One body."""
        return cls.of(
            along.body,
            roles=along.roles,
            streets=list(along.streets),
            metres=round(along.metres, 3),
        )


class CrossingsAnswer(Answer):
    """What a line crosses, each list in the order of travel."""

    length_m: float
    width_m: float
    corridor: Geometry
    districts: LevelAnswer
    streets: LevelAnswer
    communities: LevelAnswer
    unit_grids: LevelAnswer
    bodies: list[BodyAlongAnswer]

    @classmethod
    def of_crossing(cls, crossing: Crossing) -> CrossingsAnswer:
        """The whole answer."""
        way, levels = crossing.way, crossing.levels
        return cls(
            length_m=round(way.length_m, 3),
            width_m=way.width_m,
            corridor=way.corridor.__geo_interface__,
            districts=LevelAnswer.of_level(levels["district"]),
            streets=LevelAnswer.of_level(levels["street"]),
            communities=LevelAnswer.of_level(levels["community"]),
            unit_grids=LevelAnswer.of_level(levels["unit_grid"]),
            bodies=[BodyAlongAnswer.of_body(one) for one in crossing.bodies],
        )
