"""What is in force: editions at a moment, everything that begins and ends by the day on a day.

The only place that says so. Whoever asks has the moment, and gets the day from ``City.day``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    SelectBase,
    Subquery,
    and_,
    bindparam,
    column,
    func,
    or_,
    select,
    union_all,
)

from gridsvc.registry.areas.models import Area
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.grids.models import FormerGrid, UnitGrid
from gridsvc.registry.parts.models import Part, PartState

__all__ = [
    "LINE_HOLDS",
    "areas_of",
    "edition_holds",
    "edition_id_at",
    "holds",
    "part_registered",
    "part_stands",
    "unit_grids_of",
    "unit_grids_on",
]


#: A value, or a parameter that gets it later.
Moment = dt.datetime | BindParameter[Any]
Day = dt.date | BindParameter[Any]


def holds(first: Any, end: Any, when: Any) -> ColumnElement[bool]:
    """Whether what begins at ``first`` and ends before ``end`` (null: not yet) holds.

    Days are held against a day, moments against a moment.
    """
    return and_(first <= when, or_(end.is_(None), end > when))


#: For text() of one agreement or list: its line holds on the parameter ``day``.
LINE_HOLDS = str(holds(column("valid_from"), column("valid_to"), bindparam("day")))


def edition_holds(moment: Moment) -> ColumnElement[bool]:
    """Whether an edition is in force at a moment: never a draft, also one replaced since."""
    return and_(
        or_(Edition.state == EditionState.ACTIVE, Edition.state == EditionState.RETIRED),
        holds(Edition.effective_from, Edition.effective_to, moment),
    )


def edition_id_at(level: str, moment: Moment) -> ScalarSelect[str]:
    """The id of the edition of a level in force at a moment, null where none was."""
    return (
        select(Edition.id)
        .where(Edition.level == level, edition_holds(moment))
        .order_by(Edition.effective_from.desc(), Edition.id)
        .limit(1)
        .scalar_subquery()
    )


def areas_of(edition: str | ScalarSelect[str]) -> SelectBase:
    """The areas of an edition, with what their edition says of all of them."""
    return (
        select(
            Area.edition_id.label("edition"),
            Area.code,
            Area.level,
            Area.name,
            Area.parent_code,
            Area.area_m2,
            Area.version,
            Area.reason,
            Area.note,
            Area.geometry,
            Edition.accuracy_m,
            Edition.approximate,
            Edition.source,
            Edition.licence,
        )
        .join(Edition, Edition.id == Area.edition_id)
        .where(Area.edition_id == edition)
    )


def unit_grids_on(day: Day) -> Select[Any]:
    """The unit grids in force on a day, each with its polygon of that day."""
    drawn = _every_polygon()
    return _grids(drawn).where(holds(drawn.c.drawn_date, drawn.c.until, day))


def unit_grids_of(edition_id: str) -> Select[Any]:
    """The unit grids that one build drew, also those that a later one drew again."""
    drawn = _every_polygon()
    return _grids(drawn).where(drawn.c.edition == edition_id)


def _grids(drawn: Subquery) -> Select[Any]:
    return select(*(one for one in drawn.c if one.name not in ("drawn_date", "until")))


def _every_polygon() -> Subquery:
    """Present polygons and former ones, each with its days; a code keeps all else of it.

    Without a condition in either half, PostgreSQL reads both as one table and its indexes too.
    """
    lasting = (
        UnitGrid.district_code,
        UnitGrid.code,
        UnitGrid.national_id,
        UnitGrid.national_id_2013,
        UnitGrid.street_code,
        UnitGrid.community_code,
        UnitGrid.serial,
        UnitGrid.first_date,
        UnitGrid.end_date,
    )
    same = and_(
        UnitGrid.district_code == FormerGrid.district_code, UnitGrid.code == FormerGrid.code
    )
    return union_all(
        select(
            *lasting,
            UnitGrid.edition_id.label("edition"),
            UnitGrid.area_m2,
            UnitGrid.nominal_m2,
            UnitGrid.compactness,
            UnitGrid.geometry,
            func.coalesce(UnitGrid.redrawn_date, UnitGrid.first_date).label("drawn_date"),
            UnitGrid.end_date.label("until"),
        ),
        select(
            *lasting,
            FormerGrid.edition_id.label("edition"),
            FormerGrid.area_m2,
            FormerGrid.nominal_m2,
            FormerGrid.compactness,
            FormerGrid.geometry,
            FormerGrid.drawn_date,
            FormerGrid.end_date.label("until"),
        ).join(UnitGrid, same),
    ).subquery("drawn")


def part_registered(day: Day) -> ColumnElement[bool]:
    """Whether a part is in the register on a day; a removed one stays, and its state says so."""
    return Part.first_date <= day


def part_stands(day: Day) -> ColumnElement[bool]:
    """Whether a part is there on a day: registered, and not removed yet."""
    return and_(
        part_registered(day),
        or_(
            Part.state != PartState.REMOVED,
            func.coalesce(Part.change_date, Part.first_date) > day,
        ),
    )
