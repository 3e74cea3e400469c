"""What is in force: editions at a moment, all that begins and ends by the day on a day.

The only place that says so; whoever asks has the moment, and gets the day from ``City.day``. Every
noun asks here, so the tables are named with the columns that count, without their nouns.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Float,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    String,
    Subquery,
    TableClause,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.types import TypeEngine

#: A value, or a parameter that gets it later.
Moment = dt.datetime | BindParameter[Any]
Day = dt.date | BindParameter[Any]


_TYPES: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(
        ("first_date", "end_date", "redrawn_date", "drawn_date", "change_date"), Date()
    ),
    **dict.fromkeys(("effective_from", "effective_to"), DateTime(timezone=True)),
    **dict.fromkeys(("area_m2", "nominal_m2", "compactness", "accuracy_m"), Float()),
    **dict.fromkeys(("version", "serial"), Integer()),
    "approximate": Boolean(),
    "geometry": Geometry(srid=4326),
}


def _table(name: str, columns: str) -> TableClause:
    return table(name, *(column(one, _TYPES.get(one, String())) for one in columns.split()))


EDITION = _table(
    "edition",
    "id level accuracy_m approximate source licence state effective_from effective_to",
)
AREA = _table("area", "edition_id code level name parent_code area_m2 version reason note geometry")
PART = _table(
    "part",
    "district_code code national_id national_id_2013 standard kind class_code name state"
    " street_code community_code grid_code competent_body owner_body maintainer_body"
    " position_class first_date change_date source note geometry",
)
#: What a code keeps however often its cell is drawn, and what every polygon has of its own.
_LASTING = (
    "district_code code national_id national_id_2013 street_code community_code serial"
    " first_date end_date"
)
_OWN = "edition_id area_m2 nominal_m2 compactness geometry"
_GRID = _table("unit_grid", f"{_LASTING} {_OWN} redrawn_date")
_FORMER = _table("unit_grid_former", f"district_code code {_OWN} drawn_date end_date")


def begun(first: Any, when: Any) -> ColumnElement[bool]:
    """Whether what begins at ``first`` has begun; it may have ended since."""
    begins: ColumnElement[bool] = first <= when
    return begins


def holds(first: Any, end: Any, when: Any) -> ColumnElement[bool]:
    """Whether what begins at ``first`` and ends before ``end`` (null: not yet) holds.

    Days are held against a day, moments against a moment.
    """
    return and_(begun(first, when), or_(end.is_(None), end > when))


#: For text() of one agreement or list: its line holds on the parameter ``day``.
LINE_HOLDS = f"({holds(column('valid_from'), column('valid_to'), bindparam('day'))})"


def edition_holds(moment: Moment, edition: FromClause = EDITION) -> ColumnElement[bool]:
    """Whether an edition is in force at a moment: never a draft, also one replaced since."""
    state = edition.c.state
    return and_(
        or_(state == "active", state == "retired"),
        holds(edition.c.effective_from, edition.c.effective_to, moment),
    )


def edition_id_at(level: str, moment: Moment) -> ScalarSelect[str]:
    """The id of the edition of a level in force at a moment, null where none was."""
    return (
        select(EDITION.c.id)
        .where(EDITION.c.level == level, edition_holds(moment))
        .order_by(EDITION.c.effective_from.desc(), EDITION.c.id)
        .limit(1)
        .scalar_subquery()
    )


def areas_of(edition: str | ScalarSelect[str]) -> Select[Any]:
    """The areas of an edition, with what their edition says of all of them."""
    return (
        select(
            AREA.c.edition_id.label("edition"),
            *(one for one in AREA.c if one.name != "edition_id"),
            *(EDITION.c[name] for name in ("accuracy_m", "approximate", "source", "licence")),
        )
        .join(EDITION, EDITION.c.id == AREA.c.edition_id)
        .where(AREA.c.edition_id == edition)
    )


def unit_grids_on(day: Day) -> Select[Any]:
    """The unit grids in force on a day, each with its polygon of that day."""
    drawn = _every_polygon()
    return _grids(drawn).where(holds(drawn.c.drawn_date, drawn.c.until_date, day))


def unit_grids_of(edition_id: str) -> Select[Any]:
    """The unit grids that one build drew, also those that a later one drew again."""
    drawn = _every_polygon()
    return _grids(drawn).where(drawn.c.edition == edition_id)


def _grids(drawn: Subquery) -> Select[Any]:
    return select(*(one for one in drawn.c if one.name not in ("drawn_date", "until_date")))


def _every_polygon() -> Subquery:
    """Present polygons and former ones, each with its days.

    Without a condition in either half, PostgreSQL reads both as one table, by their indexes too.
    """
    lasting = [_GRID.c[name] for name in _LASTING.split()]
    same = and_(_GRID.c.district_code == _FORMER.c.district_code, _GRID.c.code == _FORMER.c.code)
    return union_all(
        select(
            *lasting,
            *_polygon_of(_GRID),
            func.coalesce(_GRID.c.redrawn_date, _GRID.c.first_date).label("drawn_date"),
            _GRID.c.end_date.label("until_date"),
        ),
        select(
            *lasting,
            *_polygon_of(_FORMER),
            _FORMER.c.drawn_date,
            _FORMER.c.end_date.label("until_date"),
        ).join(_GRID, same),
    ).subquery("drawn")


def _polygon_of(drawn: TableClause) -> list[ColumnElement[Any]]:
    edition, *others = (drawn.c[name] for name in _OWN.split())
    return [edition.label("edition"), *others]


def part_registered(day: Day) -> ColumnElement[bool]:
    """Whether a part is in the register on a day; a removed one stays, and its state says so."""
    return begun(PART.c.first_date, day)


def part_stands(day: Day) -> ColumnElement[bool]:
    """Whether a part is there on a day: registered, and not removed yet."""
    removed: Any = literal_column("'removed'")
    since = func.coalesce(PART.c.change_date, PART.c.first_date)
    return and_(part_registered(day), or_(PART.c.state != removed, since > day))


#: The same for text() that reads the table part under its own name, with the parameter ``day``.
PART_REGISTERED = str(part_registered(bindparam("day")))
PART_STANDS = f"({part_stands(bindparam('day'))})"
