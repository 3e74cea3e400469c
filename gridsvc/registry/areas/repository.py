"""Every query about editions and the areas in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, RowMapping, and_, case, func, select, text
from sqlalchemy.orm import Session, aliased

from gridsvc.db.base import copy_rows
from gridsvc.registry.areas.models import Area
from gridsvc.spatial.sharing import SAME_LINE_DEG, border_length_m


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area without its geometry, and its parent's name where the parent's level is in force."""

    edition_id: str
    level: str
    code: str
    name: str
    parent_code: str | None
    parent_name: str | None
    area_m2: float
    note: str | None
    version: int
    reason: str | None


def copy_areas(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Write areas by COPY.

    A row is: edition, code, level, name, parent, geometry (EWKB in hexadecimal), m², note.
    """
    copy_rows(
        session,
        "copy area (edition_id, code, level, name, parent_code, geometry, area_m2, note)"
        " from stdin (format csv, force_not_null (name))",
        rows,
    )


def geometries_in(
    session: Session, edition_id: str, prefixes: Sequence[str] = ("",)
) -> tuple[list[str], NDArray[np.object_]]:
    """Codes, in order, and geometries of an edition's areas whose code begins with a prefix."""
    rows = session.execute(
        text(
            "select code, st_asbinary(geometry) from area where edition_id = :edition"
            " and exists (select from unnest(cast(:prefixes as text[])) prefix"
            " where starts_with(code, prefix)) order by code"
        ),
        {"edition": edition_id, "prefixes": list(prefixes)},
    ).all()
    return [row[0] for row in rows], shapely.from_wkb([bytes(row[1]) for row in rows])


_AREA = (
    "select a.edition_id, a.level, a.code, a.name, a.parent_code, p.name as parent_name,"
    " a.area_m2, a.note, a.version, a.reason from area a"
    " left join area p on p.code = a.parent_code and p.edition_id = any(:every)"
)


def _row(row: RowMapping) -> AreaRow:
    return AreaRow(**row)


def area_in(
    session: Session, edition_id: str, code: str, *, all_edition_ids: Sequence[str]
) -> AreaRow | None:
    """The area of this code in an edition; its parent's name comes from any of the others."""
    row = session.execute(
        text(_AREA + " where a.code = :code and a.edition_id = :edition"),
        {"edition": edition_id, "code": code, "every": list(all_edition_ids)},
    )
    found = row.mappings().first()
    return None if found is None else _row(found)


def areas_page(
    session: Session,
    edition_ids: Sequence[str],
    *,
    all_edition_ids: Sequence[str],
    level: str | None = None,
    parent: str | None = None,
    name: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[AreaRow]:
    """Areas of the editions in code order, beginning after the code ``after``.

    ``name`` is a piece of the name; parents' names come from ``all_edition_ids``.
    """
    rows = session.execute(
        text(
            _AREA + " where a.edition_id = any(:editions) and a.code > :after"
            " and (cast(:level as text) is null or a.level = :level)"
            " and (cast(:parent as text) is null or a.parent_code = :parent)"
            " and (cast(:name as text) is null or strpos(a.name, :name) > 0)"
            " order by a.code limit :limit"
        ),
        {
            "editions": list(edition_ids),
            "every": list(all_edition_ids),
            "after": after,
            "level": level,
            "parent": parent,
            "name": name,
            "limit": limit,
        },
    )
    return [_row(row) for row in rows.mappings()]


def geometry_of(session: Session, edition_id: str, code: str) -> Any:
    """The shapely geometry of one area."""
    blob = session.execute(
        text("select st_asbinary(geometry) from area where edition_id = :edition and code = :code"),
        {"edition": edition_id, "code": code},
    ).scalar_one()
    return shapely.from_wkb(bytes(blob))


def common_border(p: Any, q: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The lines (WKB) that the boundaries of two areas share, and those that are almost shared.

    What ``border_length_m`` measures. Where two areas overlap in part, the line of the first inside
    the second counts as almost shared: neighbours whose borders cross have a border all the same.
    """
    line_p, line_q = func.st_boundary(p), func.st_boundary(q)
    # Only what lies beside the other area is worth a buffer.
    reach = 10 * SAME_LINE_DEG
    beside_q = func.st_clipbybox2d(line_p, func.st_expand(func.box2d(q), reach))
    beside_p = func.st_clipbybox2d(line_q, func.st_expand(func.box2d(p), reach))
    other = case((func.st_overlaps(p, q), q), else_=beside_p)
    band = func.st_buffer(other, SAME_LINE_DEG, "quad_segs=2")
    return (
        func.st_asbinary(func.st_intersection(line_p, line_q)),
        func.st_asbinary(func.st_intersection(beside_q, band)),
    )


def neighbours(session: Session, edition_id: str, code: str) -> list[tuple[str, str, float]]:
    """Code, name and metres of common border of the areas that touch one, in code order.

    They are those of the same edition that come within ``SAME_LINE_DEG`` of it.
    """
    own, other = aliased(Area), aliased(Area)
    rows = session.execute(
        select(other.code, other.name, *common_border(own.geometry, other.geometry))
        .join(own, and_(own.edition_id == other.edition_id, own.code != other.code))
        .where(own.edition_id == edition_id, own.code == code)
        .where(func.st_dwithin(own.geometry, other.geometry, SAME_LINE_DEG))
        .order_by(other.code)
    )
    return [
        (row[0], row[1], border_length_m(*shapely.from_wkb([bytes(it) for it in row[2:]])))
        for row in rows
    ]
