"""Areas, their editions and their neighbours as the interface gives them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from gridsvc.registry.editions.models import EditionAction, EditionState


class EditionRead(BaseModel):
    """The edition that an answer comes from, and how far its borders can be trusted."""

    id: str
    level: str
    title: str
    source: str
    licence: str
    accuracy_m: float = Field(description="How far, in metres, a border may be from the truth.")
    approximate: bool = Field(description="True when the borders were drawn by the service itself.")
    effective_from: dt.datetime
    effective_to: dt.datetime | None = Field(description="Null while no other edition follows.")


class EditionSummary(EditionRead):
    """An edition and where it stands in its life."""

    state: EditionState
    loaded_at: dt.datetime
    audited_at: dt.datetime | None
    reason: str | None = Field(description="Why the edition was made.")


class EditionPage(BaseModel):
    """Editions by level and date."""

    editions: list[EditionSummary]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class EditionEventRead(BaseModel):
    """What happened to an edition: who did it, when, and why."""

    action: EditionAction
    actor: str | None = Field(default=None, description="Only told to staff.")
    at: dt.datetime
    reason: str | None
    details: dict[str, Any]


class EditionDetail(EditionSummary):
    """An edition whole: how much it holds, what its audit found, what happened to it."""

    areas: int = Field(description="Areas, or unit grids, in it.")
    audit: dict[str, Any] | None
    history: list[EditionEventRead] = Field(description="The oldest event first.")


class ParentRead(BaseModel):
    """The area above; the name is null where that level is not in force."""

    code: str
    name: str | None


class AreaSummary(BaseModel):
    """An area without its geometry."""

    code: str
    name: str = Field(description="Empty when the source names none.")
    level: str
    parent: ParentRead | None
    area_m2: float
    note: str | None = Field(description="What was repaired when the area was imported.")
    version: int = Field(description="Counts how often the ground of this code has changed.")
    reason: str | None = Field(description="Why the ground changed last; null for version 1.")


class AreaRead(AreaSummary):
    """An area and its edition."""

    edition: EditionRead


class AreaPage(BaseModel):
    """Areas in code order, with the edition of every level that was asked for."""

    areas: list[AreaSummary]
    edition: dict[str, EditionRead] = Field(description="By level.")
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class NeighbourRead(BaseModel):
    """An area of the same level that shares a border, or only a corner."""

    code: str
    name: str
    border_m: float = Field(description="Length of the shared border in metres; 0 for a corner.")
    corner: bool = Field(description="True when the two touch in single points only.")


class AreaNeighbours(BaseModel):
    """The neighbours of an area, the longest border first."""

    code: str
    name: str
    neighbours: list[NeighbourRead]
    edition: EditionRead
