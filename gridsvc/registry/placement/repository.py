"""The queries that fill an atlas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from sqlalchemy import Connection, func, select, text

from gridsvc.registry.in_force import EDITION, edition_holds, unit_grids_on
from gridsvc.registry.placement.model import EditionRef, GridRef


@dataclass(frozen=True, slots=True)
class AreaRows:
    """The areas of one edition in code order: codes, names, geometries as WKB (WGS84)."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    wkb: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GridRows:
    """The unit grids in force on a day, in order of district and code."""

    refs: tuple[GridRef, ...]
    wkb: tuple[bytes, ...]


#: So many unit grids are taken from the database at a time; all of a city's would stay in the heap.
_AT_ONCE = 2_000
_EDITION_REF = ("id", "level", "accuracy_m", "approximate", "effective_from")


def edition_stamp(connection: Connection) -> str:
    """A value that changes whenever an edition is loaded, activated or retired."""
    row = connection.execute(
        text(
            "select md5(coalesce(string_agg(concat_ws('|', id, state, loaded_at, effective_from,"
            " effective_to), ',' order by id), '')) from edition"
        )
    )
    return str(row.scalar_one())


def editions_on(connection: Connection, moment: dt.datetime) -> list[EditionRef]:
    """The editions in force at a moment, one of each level; of unit grids the newest build."""
    rows = connection.execute(
        select(*(EDITION.c[one] for one in _EDITION_REF))
        .where(edition_holds(moment))
        .order_by(EDITION.c.level, EDITION.c.effective_from.desc(), EDITION.c.id)
    )
    chosen: dict[str, EditionRef] = {}
    for row in rows:
        edition = EditionRef(*row)
        chosen.setdefault(edition.level, edition)
    return list(chosen.values())


def areas_of(connection: Connection, edition_id: str) -> AreaRows:
    """The areas of one edition, in code order."""
    rows: Sequence[Any] = connection.execute(
        text(
            "select code, name, st_asbinary(geometry) from area where edition_id = :edition"
            " order by code"
        ),
        {"edition": edition_id},
    ).all()
    return AreaRows(
        codes=tuple(row[0] for row in rows),
        names=tuple(row[1] for row in rows),
        wkb=tuple(bytes(row[2]) for row in rows),
    )


def grid_stamp(connection: Connection, moment: dt.datetime, day: dt.date) -> str:
    """A value that changes with the builds of unit grids in force, and when cells begin or end.

    ``day`` is the city's day of ``moment``.
    """
    row = connection.execute(
        text(
            "select md5(coalesce(string_agg(concat_ws('|', id, loaded_at, (select concat_ws('|',"
            " count(*), max(first_date) filter (where first_date <= :day),"
            " max(end_date) filter (where end_date <= :day)) from unit_grid g"
            " where g.edition_id = e.id)), ',' order by id), '')) from edition e"
            " where level = 'unit_grid' and state in ('active', 'retired')"
            " and effective_from <= :moment"
        ),
        {"day": day, "moment": moment},
    )
    return str(row.scalar_one())


def grids_on(connection: Connection, day: dt.date) -> GridRows:
    """The unit grids valid on a day of the city, in order of district and code."""
    grid = unit_grids_on(day).subquery("grid").c
    rows = connection.execute(
        select(
            grid.district_code,
            grid.code,
            grid.national_id,
            grid.community_code,
            grid.nominal_m2,
            func.st_asbinary(grid.geometry),
        ).order_by(grid.district_code, grid.code),
        execution_options={"yield_per": _AT_ONCE},
    )
    refs, wkb = [], []
    for district, code, national_id, community, nominal_m2, geometry in rows:
        # Many grids share these two; each row comes with strings of its own.
        refs.append(GridRef(intern(district), code, national_id, intern(community), nominal_m2))
        wkb.append(bytes(geometry))
    return GridRows(tuple(refs), tuple(wkb))


def count_areas_touching(connection: Connection, edition_id: str, footprint_wkb: bytes) -> int:
    """How many areas of one edition have bounding boxes that touch the footprint's."""
    return int(
        connection.execute(
            text(
                "select count(*) from area where edition_id = :edition"
                " and geometry && st_geomfromwkb(:footprint, 4326)"
            ),
            {"edition": edition_id, "footprint": footprint_wkb},
        ).scalar_one()
    )


def areas_touching(connection: Connection, edition_id: str, footprint_wkb: bytes) -> AreaRows:
    """The areas of one edition whose bounding boxes touch the footprint's, in code order."""
    rows: Sequence[Any] = connection.execute(
        text(
            "select code, name, st_asbinary(geometry) from area where edition_id = :edition"
            " and geometry && st_geomfromwkb(:footprint, 4326) order by code"
        ),
        {"edition": edition_id, "footprint": footprint_wkb},
    ).all()
    return AreaRows(
        codes=tuple(row[0] for row in rows),
        names=tuple(row[1] for row in rows),
        wkb=tuple(bytes(row[2]) for row in rows),
    )
