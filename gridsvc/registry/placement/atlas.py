"""An atlas: every level in force at one moment, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gridsvc.registry.placement.model import AreaRef, EditionRef, GridRef
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

__all__ = ["AreaLevel", "Atlas", "GridLevel"]


@dataclass(frozen=True, slots=True)
class AreaLevel:
    """One level of areas: its edition, its areas in code order, its indexes."""

    edition: EditionRef
    refs: tuple[AreaRef, ...]
    locator: Locator
    borders: BorderIndex | None


@dataclass(frozen=True, slots=True)
class GridLevel:
    """The unit grids in order of district and code, with their index.

    ``stamp`` names the builds and the day that they are of.
    """

    stamp: str
    refs: tuple[GridRef, ...]
    locator: Locator


@dataclass(frozen=True)
class Atlas:
    """All levels in force at one moment; never changes, so one answer never mixes editions."""

    stamp: str
    areas: Mapping[str, AreaLevel]
    grids: GridLevel | None
    grid_edition: EditionRef | None

    @cached_property
    def editions(self) -> tuple[EditionRef, ...]:
        """The editions that answers come from."""
        editions = tuple(level.edition for level in self.areas.values())
        return editions if self.grid_edition is None else (*editions, self.grid_edition)
