"""The tree of social grids as the interface gives it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, AreaLevel


class SocialNode(Answer):
    """An area or a social grid, and all that is in it."""

    code: str
    name: str
    level: AreaLevel | Literal["city", "social_grid_1", "social_grid_2"]
    level_1: int = Field(description="Social grids of level 1.")
    level_2: int = Field(description="Social grids of level 2.")
    workers: int = Field(description="Grid workers of both levels.")
    children: list[SocialNode] = Field(description="Empty below the depth that was asked for.")
