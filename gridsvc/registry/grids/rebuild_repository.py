"""The queries of a rebuild: what grids were cut from, what changes, what stays known of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.db.base import copy_rows


@dataclass(frozen=True, slots=True)
class GridOrigin:
    """What the valid grids of a community were cut from, and how many they are.

    ``edition_id`` is None when nothing is known about it.
    """

    community: str
    edition_id: str | None
    barriers_hash: str | None
    cells: int


@dataclass(frozen=True, slots=True, eq=False)
class GridRows:
    """Valid unit grids, n each, in order of community and code; polygons in WGS84."""

    districts: tuple[str, ...]
    codes: tuple[str, ...]
    communities: tuple[str, ...]
    nominal_m2: tuple[float, ...]
    geometries: NDArray[np.object_]


def every_gridded_district(session: Session) -> list[str]:
    """The districts that have valid unit grids."""
    rows = session.execute(
        text("select distinct district_code from unit_grid where state = 'valid' order by 1")
    )
    return [row[0] for row in rows]


def sources(session: Session, districts: Sequence[str]) -> list[GridOrigin]:
    """What the valid grids of each community were cut from, in code order."""
    rows = session.execute(
        text(
            "select g.community_code, s.communities_edition_id, s.barriers_hash, g.cells from"
            " (select district_code, community_code, count(*) as cells from unit_grid"
            " where district_code = any(:districts) and state = 'valid' group by 1, 2) g"
            " left join gridded_community s on s.district_code = g.district_code"
            " and s.community_code = g.community_code order by 1"
        ),
        {"districts": list(districts)},
    )
    return [GridOrigin(*row) for row in rows]


def note_communities(session: Session, edition_id: str, barriers: Mapping[str, str | None]) -> None:
    """Keep what communities (by code, with the hash of their barriers) were cut from."""
    if not barriers:
        return
    session.execute(
        text(
            "insert into gridded_community (district_code, community_code,"
            " communities_edition_id, barriers_hash) values (left(:community, 6), :community,"
            " :edition, :barriers) on conflict (district_code, community_code) do update set"
            " communities_edition_id = excluded.communities_edition_id,"
            " barriers_hash = excluded.barriers_hash"
        ),
        [
            {"community": code, "edition": edition_id, "barriers": value}
            for code, value in barriers.items()
        ],
    )


def _of(communities: Sequence[str]) -> dict[str, list[str]]:
    """The parameters ``districts`` and ``communities``."""
    return {
        "districts": sorted({code[:6] for code in communities}),
        "communities": list(communities),
    }


def note_edition(session: Session, edition_id: str, communities: Sequence[str]) -> None:
    """Keep that communities are in this edition as they were cut."""
    session.execute(
        text(
            "update gridded_community set communities_edition_id = :edition"
            " where district_code = any(:districts) and community_code = any(:communities)"
            " and communities_edition_id <> :edition"
        ),
        {"edition": edition_id, **_of(communities)},
    )


def forget_communities(session: Session, communities: Sequence[str]) -> None:
    """Forget communities that have no unit grids any more."""
    session.execute(
        text(
            "delete from gridded_community where district_code = any(:districts)"
            " and community_code = any(:communities)"
        ),
        _of(communities),
    )


def valid_grids(session: Session, communities: Sequence[str]) -> GridRows:
    """The valid unit grids of communities."""
    rows = session.execute(
        text(
            "select district_code, code, community_code, nominal_m2, st_asbinary(geometry)"
            " from unit_grid where district_code = any(:districts)"
            " and community_code = any(:communities) and state = 'valid'"
            " order by community_code, code"
        ),
        _of(communities),
    ).all()
    return _grid_rows(rows)


def valid_grids_touching(
    session: Session, ground_wkb: bytes, *, outside: Sequence[str]
) -> GridRows:
    """The valid unit grids that touch a WGS84 ground, outside of these communities."""
    rows = session.execute(
        text(
            "select district_code, code, community_code, nominal_m2, st_asbinary(geometry)"
            " from unit_grid where state = 'valid' and not community_code = any(:outside)"
            " and st_dwithin(geometry, st_geomfromwkb(:ground, 4326), 1e-9)"
            " order by community_code, code"
        ),
        {"ground": ground_wkb, "outside": list(outside)},
    ).all()
    return _grid_rows(rows)


def _grid_rows(rows: Sequence[Any]) -> GridRows:
    return GridRows(
        districts=tuple(row[0] for row in rows),
        codes=tuple(row[1] for row in rows),
        communities=tuple(row[2] for row in rows),
        nominal_m2=tuple(row[3] for row in rows),
        geometries=np.array(shapely.from_wkb([bytes(row[4]) for row in rows]), dtype=object),
    )


def keep_former(session: Session, keys: Sequence[tuple[str, str]], until: dt.date) -> None:
    """Keep the present polygons of codes (district, code) as former ones, until a day."""
    session.execute(
        text(
            "insert into unit_grid_former (district_code, code, version, edition_id, geometry,"
            " area_m2, nominal_m2, compactness, drawn_date, end_date) select g.district_code,"
            " g.code, g.version, g.edition_id, g.geometry, g.area_m2, g.nominal_m2, g.compactness,"
            " coalesce(g.redrawn_date, g.first_date), :until from unit_grid g"
            " join unnest(cast(:districts as text[]), cast(:codes as text[])) k (district, code)"
            " on k.district = g.district_code and k.code = g.code"
        ),
        {"until": until, "districts": [k[0] for k in keys], "codes": [k[1] for k in keys]},
    )


def redraw(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give codes new polygons.

    A row has district, code, geometry (EWKB in hexadecimal), area_m2, nominal_m2, compactness,
    edition, day.
    """
    if rows:
        session.execute(
            text(
                "update unit_grid set geometry = st_geomfromewkb(decode(:geometry, 'hex')),"
                " area_m2 = :area_m2, nominal_m2 = :nominal_m2, compactness = :compactness,"
                " edition_id = :edition, redrawn_date = :day, version = version + 1"
                " where district_code = :district and code = :code"
            ),
            list(rows),
        )


def make_void(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make unit grids void. A row has district, code, reason, day, successor (or None)."""
    if rows:
        session.execute(
            text(
                "update unit_grid set state = 'void', void_reason = :reason, end_date = :day,"
                " successor_code = :successor where district_code = :district and code = :code"
                " and state = 'valid'"
            ),
            list(rows),
        )


def copy_successors(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Write successors by COPY.

    A row is: district, code, the successor's district and code, m² in common, share of the void.
    """
    copy_rows(
        session,
        "copy grid_successor (district_code, code, successor_district, successor_code, shared_m2,"
        " share) from stdin (format csv)",
        rows,
    )


# A line's or an area's place is a point on it, as where parts are registered.
_PLACE = (
    "case when geometrytype(geometry) = 'POINT' then geometry else st_pointonsurface(geometry) end"
)
_PART_POINTS = text(
    f"select st_x(p), st_y(p) from (select {_PLACE} as p from part"  # noqa: S608 - our own words
    " where district_code = any(:districts) and state <> 'removed') placed"
)
_PARTS_TO_PLACE = text(
    f"select code, st_x(p), st_y(p) from (select code, {_PLACE} as p from part"  # noqa: S608
    " where district_code = :district and (grid_code = any(:grids) or (grid_code is null"
    " and st_intersects(geometry, st_geomfromwkb(:ground, 4326))))) placed order by code"
)


def part_points(session: Session, districts: Sequence[str]) -> NDArray[np.object_]:
    """The places of all parts of districts that are there, as WGS84 points."""
    rows = session.execute(_PART_POINTS, {"districts": list(districts)}).all()
    return np.array(shapely.points([tuple(row) for row in rows]) if rows else [], dtype=object)


def parts_to_place(
    session: Session, district: str, grids: Sequence[str], ground_wkb: bytes
) -> tuple[list[str], NDArray[np.float64]]:
    """Codes and places (n, 2) of parts in these grids, or on a ground without a grid."""
    rows = session.execute(
        _PARTS_TO_PLACE, {"district": district, "grids": list(grids), "ground": ground_wkb}
    ).all()
    places = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 2)
    return [row[0] for row in rows], places


def move_parts(
    session: Session, district: str, rows: Sequence[Mapping[str, Any]], day: dt.date
) -> int:
    """Give parts their new places; returns how many changed.

    A row has code, grid, community and street, each None when there is none. A removed part keeps
    its change date: until then it stood.
    """
    changed = session.execute(
        text(
            "update part p set grid_code = n.grid, community_code = n.community,"
            " street_code = n.street,"
            " change_date = case when p.state = 'removed' then p.change_date else :day end"
            " from unnest(cast(:codes as text[]),"
            " cast(:grids as text[]), cast(:communities as text[]), cast(:streets as text[]))"
            " n (code, grid, community, street) where p.district_code = :district"
            " and p.code = n.code and (p.grid_code, p.community_code, p.street_code)"
            " is distinct from (n.grid, n.community, n.street)"
        ),
        {
            "district": district,
            "day": day,
            "codes": [row["code"] for row in rows],
            "grids": [row["grid"] for row in rows],
            "communities": [row["community"] for row in rows],
            "streets": [row["street"] for row in rows],
        },
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def grid_history(session: Session, district: str, code: str) -> dict[str, Any] | None:
    """A unit grid with its former polygons' dates, successors and predecessors; None if unknown."""
    row = (
        session.execute(
            text(
                "select district_code, code, national_id, national_id_2013, community_code, state,"
                " area_m2, nominal_m2, compactness, first_date, redrawn_date, version, end_date,"
                " void_reason, successor_code, edition_id,"
                " st_x(st_pointonsurface(geometry)) as lon,"
                " st_y(st_pointonsurface(geometry)) as lat from unit_grid"
                " where district_code = :district and code = :code"
            ),
            {"district": district, "code": code},
        )
        .mappings()
        .first()
    )
    if row is None:
        return None

    def listed(query: str) -> list[dict[str, Any]]:
        rows = session.execute(text(query), {"district": district, "code": code})
        return [dict(found) for found in rows.mappings()]

    return {
        **row,
        "former": listed(
            "select version, drawn_date, end_date, area_m2, edition_id from unit_grid_former"
            " where district_code = :district and code = :code order by version"
        ),
        "successors": listed(
            "select successor_district as district_code, successor_code as code, shared_m2, share"
            " from grid_successor where district_code = :district and code = :code"
            " order by shared_m2 desc, 1, 2"
        ),
        "predecessors": listed(
            "select district_code, code, shared_m2, share from grid_successor"
            " where successor_district = :district and successor_code = :code"
            " order by shared_m2 desc, 1, 2"
        ),
    }
