"""The queries that number and write unit grids; those of a rebuild are in their own module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.db.base import copy_rows


def lock_districts(session: Session, districts: Sequence[str]) -> None:
    """Hold the numbering of unit grids in these districts until the commit."""
    for district in sorted(districts):
        session.execute(
            text("select pg_advisory_xact_lock(hashtext('unit_grid'), cast(:district as int))"),
            {"district": district},
        )


def gridded_districts(session: Session, districts: Sequence[str]) -> dict[str, int]:
    """How many valid unit grids each of these districts has, where it has any."""
    rows = session.execute(
        text(
            "select district_code, count(*) from unit_grid"
            " where district_code = any(:districts) and state = 'valid'"
            " group by district_code order by district_code"
        ),
        {"districts": list(districts)},
    )
    return {row[0]: row[1] for row in rows}


def highest_numbers(session: Session, district: str) -> dict[str, int]:
    """The highest grid number ever given after each three digits of a street in a district.

    Void grids count, and so do parts with a city's own codes: they share one name space.
    """
    rows = session.execute(
        text(
            "select left(code, 3), max(cast(right(code, 5) as int)) from"
            " (select code from unit_grid where district_code = :district"
            " union all select code from part where district_code = :district) given"
            " where right(code, 5) between '00001' and '09999' group by 1"
        ),
        {"district": district},
    )
    return {row[0]: row[1] for row in rows}


def highest_serials(session: Session, districts: Sequence[str]) -> dict[str, int]:
    """The highest serial ever given in each community of districts, void grids too."""
    rows = session.execute(
        text(
            "select community_code, max(serial) from unit_grid"
            " where district_code = any(:districts) group by community_code"
        ),
        {"districts": list(districts)},
    )
    return {row[0]: row[1] for row in rows}


def copy_grids(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Write valid unit grids by COPY.

    A row is: district, code, edition, street, community, serial, 15-digit id, 14-digit id or None,
    geometry (EWKB in hexadecimal), m², nominal m², compactness, first date.
    """
    copy_rows(
        session,
        "copy unit_grid (district_code, code, edition_id, street_code, community_code, serial,"
        " national_id, national_id_2013, geometry, area_m2, nominal_m2, compactness, first_date,"
        " state) from stdin (format csv)",
        ((*row, "valid") for row in rows),
    )


def copy_national_ids(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Register national ids of unit grids by COPY. A row is: id, district, 8-digit code."""
    copy_rows(
        session,
        "copy national_id (id, district_code, code, kind) from stdin (format csv)",
        ((*row, "unit_grid") for row in rows),
    )
