"""Contact points as the interface gives them."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.registry.contact_points.model import Cover, Point


class ContactPointAnswer(Answer):
    """Where the people of a village or community meet their judge."""

    area_code: str
    name: str = Field(description="Of the place at which the judge is met.")
    judge: str | None = Field(description="Their name; null: nobody serves there now.")
    judge_code: str = Field(description="Their code in the register of staff.")
    court: str | None = Field(description="The code of their body.")
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer counts.")

    @classmethod
    def told(cls, point: Point) -> Self:
        """A point without its judge's token."""
        return cls.of(point, judge=point.judge_name)


class PointPage(Answer):
    """Contact points of a day."""

    day: dt.date
    contact_points: list[ContactPointAnswer]
    next: Next


class AreaNamed(Answer):
    """A village or community."""

    code: str
    name: str


class CoverAnswer(Answer):
    """What the contact points of a day leave open."""

    area: str
    day: dt.date
    whole: bool = Field(description="Each village and community has exactly one judge.")
    areas: int
    points: int
    judges: int
    missing: list[AreaNamed] = Field(description="In force, without a contact point.")
    without_judge: list[ContactPointAnswer] = Field(description="Their judge does not serve there.")
    astray: list[ContactPointAnswer] = Field(description="Of areas that are not in force.")

    @classmethod
    def told(cls, cover: Cover, area: str, day: dt.date) -> Self:
        """A cover with its area and day."""
        return cls.of(
            cover,
            area=area,
            day=day,
            missing=[AreaNamed.of(one) for one in cover.missing],
            without_judge=[ContactPointAnswer.told(one) for one in cover.without_judge],
            astray=[ContactPointAnswer.told(one) for one in cover.astray],
        )
