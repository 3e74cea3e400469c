"""What a layer is: its columns, who may see it, how tiles draw it, and what is in force of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, FromClause, SelectBase, bindparam

from gridsvc.callers import Caller, Role
from gridsvc.city import City

#: How far beyond a tile's edge its shapes are drawn, in units of 1/4096 of its width.
MARGIN = 128
Expression = Callable[[FromClause], ColumnElement[Any]]


class ColumnType(StrEnum):
    """What the values of a column are; ``CODES`` is a list of area codes."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    UUID = "uuid"
    CODES = "codes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a layer as readers know it; ``unit`` is ``m²`` or ``m``.

    One that is not ``exported`` is in tiles alone; one ``for_staff`` is only exported to them.
    """

    name: str
    type: ColumnType
    title_zh: str
    title: str
    unit: str | None = None
    exported: bool = True
    for_staff: bool = False


#: The parameters of ``Layer.in_force``; see :func:`at`.
MOMENT = bindparam("moment", type_=DateTime(timezone=True))
DAY = bindparam("day", type_=Date())


def at(city: City, moment: dt.datetime) -> dict[str, Any]:
    """The parameters by which what is in force of a layer is asked for: ``moment`` and ``day``."""
    return {"moment": moment, "day": city.day(moment)}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One of the layers inside a vector tile, its features in the order of the columns ``order``.

    ``shape`` is the geometry whose box must reach the tile; ``drawn`` makes what is drawn of the
    rows (that geometry when None), to ``margin`` units beyond the tile's edge.
    A ``label`` is drawn from the label zoom on. ``instead`` makes properties that differ from
    their columns.
    """

    name: str
    properties: tuple[str, ...]
    order: tuple[str, ...]
    shape: str = "geometry"
    drawn: Expression | None = None
    margin: int = MARGIN
    label: bool = False
    instead: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """How a layer is served as vector tiles, under a name of their own.

    Below ``min_zoom`` its tiles are empty, below ``label_zoom`` they have no labels (None: at no
    zoom). ``max_age_s`` is how long a map may show a tile without asking again.
    ``follows_editions``: the content changes only with the editions in force, so that their stamp
    tells whether a tile is still good. ``thinned`` is what is drawn at ``min_zoom``.
    """

    name: str
    min_zoom: int
    label_zoom: int | None
    max_age_s: int
    follows_editions: bool
    drawings: tuple[Drawing, ...]
    thinned: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer, defined once for all who read it.

    ``in_force`` selects its features at a moment (see :func:`at`), in no order: all columns and
    ``geometry`` (SRID 4326). Features that are registered in areas have those; ``placed`` selects
    them in the areas of that moment. ``key`` are the columns in whose order features are listed,
    ``feature_id`` the one that is their id outside, ``measure`` the one that says how large they
    are (m²). ``present`` tells what still stands from what is only listed still. ``inside`` are
    the columns whose area codes say where a feature lies. ``level``: of which editions it is, and
    ``of_edition`` what one of them drew. ``roles`` may see it; None is everybody.
    """

    name: str
    title_zh: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    feature_id: str
    in_force: SelectBase
    in_district: Callable[[FromClause, Any], ColumnElement[bool]]
    placed: SelectBase | None = None
    present: Expression | None = None
    inside: tuple[str, ...] = ()
    measure: str | None = None
    level: str | None = None
    of_edition: Callable[[str], SelectBase] | None = None
    tiles: Tiles | None = None
    roles: frozenset[Role] | None = None

    def may_be_seen_by(self, caller: Caller | None) -> bool:
        """Whether somebody (None: without a token) may see the layer."""
        return self.roles is None or (caller is not None and caller.role in self.roles)
