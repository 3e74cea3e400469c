"""Every query about parts: of the register, for an import, and the load by COPY."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg2 import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.in_force import PART_REGISTERED, PART_STANDS
from gridsvc.registry.parts.models import Part

if TYPE_CHECKING:
    import pandas as pd

# A degree of latitude has at least 110.57 km, one of longitude at least cos(lat) times 111.32 km:
# a box of 110.5 km to the degree holds the whole circle, with room for the change of cos(lat).
_IN_REACH = (
    "geometry && st_makeenvelope("
    " :lon - :reach_m / (110500.0 * cos(radians(:lat))), :lat - :reach_m / 110500.0,"
    " :lon + :reach_m / (110500.0 * cos(radians(:lat))), :lat + :reach_m / 110500.0, 4326)"
)
_DISTANCE_M = (
    "st_distance(geometry::geography, st_setsrid(st_makepoint(:lon, :lat), 4326)::geography)"
)
_WITHIN = text(
    f"""
    with near as (
        select district_code, code, {_DISTANCE_M} as distance_m
        from part
        where {_IN_REACH}
            and (cast(:class_code as text) is null or class_code = :class_code)
            and {PART_REGISTERED}
    )
    select district_code, code, distance_m from near
    where distance_m <= :reach_m
        and (distance_m, district_code, code) > (:after_m, :after_district, :after_code)
    order by distance_m, district_code, code limit :limit
    """  # noqa: S608 - our own words
)


_CLASSES_BESIDE = text(
    f"""
    select distinct class_code from part
    where {_IN_REACH} and {PART_STANDS} and {_DISTANCE_M} <= :reach_m
    order by class_code
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True, slots=True, order=True)
class Near:
    """A part's key and its geodesic distance from a point; ordered as lists of parts are."""

    distance_m: float
    district_code: str
    code: str


def find(session: Session, district_code: str, code: str, *, lock: bool = False) -> Part | None:
    """The part that bears the 8-digit code in the district; ``lock`` keeps it for writing."""
    return session.get(Part, (district_code, code), with_for_update=lock or None)


def by_codes(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Part]:
    """The parts of these pairs of district and 8-digit code."""
    wanted: dict[str, list[str]] = {}
    for district, code in keys:
        wanted.setdefault(district, []).append(code)
    found: dict[tuple[str, str], Part] = {}
    for district, codes in wanted.items():
        for part in session.scalars(
            select(Part).where(Part.district_code == district, Part.code.in_(codes))
        ):
            found[part.district_code, part.code] = part
    return found


def classes_beside(
    session: Session, *, lon: float, lat: float, within_m: float, day: dt.date
) -> list[str]:
    """The classes of the parts there on a day, within so many metres of a WGS84 point."""
    given = {"lon": lon, "lat": lat, "reach_m": within_m, "day": day}
    rows = session.execute(_CLASSES_BESIDE, given)
    return [row[0] for row in rows]


def within(
    session: Session,
    lon: float,
    lat: float,
    reach_m: float,
    *,
    class_code: str | None,
    day: dt.date,
    after: Near,
    limit: int,
) -> list[Near]:
    """The nearest parts no farther than ``reach_m`` metres from a WGS84 point, behind ``after``.

    Those that the register has on a ``day``, removed ones among them.

    Distances are exact on the ellipsoid, from the nearest place of a line or polygon.
    """
    rows = session.execute(
        _WITHIN,
        {
            "lon": lon,
            "lat": lat,
            "reach_m": reach_m,
            "class_code": class_code,
            "day": day,
            "after_m": after.distance_m,
            "after_district": after.district_code,
            "after_code": after.code,
            "limit": limit,
        },
    )
    return [Near(row.distance_m, row.district_code, row.code) for row in rows]


@dataclass(frozen=True, slots=True)
class GridRows:
    """Valid unit grids of a district in code order, each with its community and street."""

    codes: NDArray[np.str_]
    community_codes: NDArray[np.str_]
    street_codes: NDArray[np.str_]
    geometries: NDArray[np.object_]


def lock_register(session: Session, district: str) -> None:
    """Let one writer at a time give out codes in a district, until the transaction's end."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('gridsvc.part'), cast(:district as int))"),
        {"district": district},
    )


def grids_in(session: Session, district: str) -> GridRows:
    """The valid unit grids of a district."""
    rows = session.execute(
        text(
            "select code, community_code, street_code, st_asbinary(geometry) from unit_grid"
            " where district_code = :district and state = 'valid' order by code"
        ),
        {"district": district},
    ).all()
    return GridRows(
        np.array([row[0] for row in rows], dtype="U8"),
        np.array([row[1] for row in rows], dtype="U12"),
        np.array([row[2] for row in rows], dtype="U9"),
        np.asarray(shapely.from_wkb([bytes(row[3]) for row in rows]), dtype=object),
    )


def body_codes(session: Session, wanted: Iterable[str]) -> set[str]:
    """Those of the wanted body codes that the register knows."""
    return set(
        session.scalars(
            text("select code from body where code = any(:wanted)"), {"wanted": list(wanted)}
        )
    )


def owners_of_codes(session: Session, district: str, codes: Sequence[str]) -> dict[str, str]:
    """Which of these 8-digit codes the district has given already: 'unit_grid' or 'part'."""
    rows = session.execute(
        text(
            "select code, 'unit_grid' from unit_grid"
            " where district_code = :district and code = any(:codes)"
            " union all select code, 'part' from part"
            " where district_code = :district and code = any(:codes)"
        ),
        {"district": district, "codes": list(codes)},
    )
    return {row[0]: row[1] for row in rows}


def known_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these national ids that something bears already."""
    return set(
        session.scalars(text("select id from national_id where id = any(:ids)"), {"ids": list(ids)})
    )


def highest_number(session: Session, district: str, street: str) -> int | None:
    """The highest part number (10000-99999) ever given below a street's three digits."""
    code: str | None = session.scalar(
        text(
            "select max(code) from (select code from part where district_code = :district"
            " and code between :low and :high union all select code from unit_grid"
            " where district_code = :district and code between :low and :high) as given"
        ),
        {"district": district, "low": f"{street}10000", "high": f"{street}99999"},
    )
    return None if code is None else int(code[3:])


def numbers_in_use(session: Session, district: str, street: str) -> NDArray[np.int64]:
    """Every part number ever given below a street's three digits: int64, rising."""
    codes = session.scalars(
        text(
            "select code from part where district_code = :district"
            " and code between :low and :high union select code from unit_grid"
            " where district_code = :district and code between :low and :high order by 1"
        ),
        {"district": district, "low": f"{street}10000", "high": f"{street}99999"},
    )
    return np.array([int(code[3:]) for code in codes], dtype=np.int64)


def highest_serials(session: Session, prefixes: Sequence[str]) -> dict[str, int]:
    """The highest serial ever given behind each prefix of national part ids; 0 for none.

    A prefix has 11 digits (ids of 17) or 10 (ids of 16).
    """
    rows = session.execute(
        text(
            "select prefix, coalesce((select right(max(id), 6)::int from national_id"
            " where id between prefix || '000000' and prefix || '999999'"
            " and length(id) = length(prefix) + 6), 0) from unnest(cast(:prefixes as text[]))"
            " as prefix"
        ),
        {"prefixes": list(prefixes)},
    )
    return {row[0]: row[1] for row in rows}


def copy_rows(session: Session, table: str, rows: pd.DataFrame) -> None:
    """Append the rows of a frame, whose columns are the table's, by COPY; '' becomes null."""
    buffer = io.StringIO()
    rows.to_csv(buffer, index=False, header=False, lineterminator="\n")
    buffer.seek(0)
    session.execute(text("select set_config('statement_timeout', '0', true)"))
    cursor = session.connection().connection.cursor()
    try:
        statement = sql.SQL("copy {} ({}) from stdin with (format csv, null '')").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, rows.columns))
        )
        cursor.copy_expert(statement, buffer)
    finally:
        cursor.close()
