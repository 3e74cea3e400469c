"""Where the members of the two sides come from: layers of the register, or what was uploaded."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from geoalchemy2 import Geometry
from sqlalchemy import (
    FromClause,
    Select,
    String,
    column,
    func,
    null,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from gridsvc.registry.areas.models import Area
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.models import Part, PartState
from gridsvc.spatial.relations import UploadedFeature

__all__ = ["Source", "area_source", "grid_source", "part_source", "uploaded_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where one side's members come from.

    ``rows`` selects key, district, code, name and geometry. Keys are digits of one length, so that
    every collation orders them alike; ``order`` are the columns whose order is that of the keys,
    ``parts`` the lengths of a key's pieces that they hold.
    """

    rows: Select[*tuple[Any, ...]]
    order: tuple[Any, ...]
    parts: tuple[int, ...] = ()

    def members(self, name: str) -> FromClause:
        """All members as a sub-query."""
        return self.rows.subquery(name)

    def beginning_at(self, key: str, limit: int) -> Select[*tuple[Any, ...]]:
        """The next members in key order, the one of this key among them."""
        ordered = self.rows.order_by(*self.order).limit(limit)
        return ordered.where(tuple_(*self.order) >= tuple_(*self.pieces(key))) if key else ordered

    def having(self, keys: Sequence[str]) -> Select[*tuple[Any, ...]]:
        """The members of these keys."""
        return self.rows.where(tuple_(*self.order).in_([self.pieces(key) for key in keys]))

    def pieces(self, key: str) -> tuple[str, ...]:
        """What the columns of ``order`` hold for a key."""
        pieces, start = [], 0
        for length in self.parts:
            pieces.append(key[start : start + length])
            start += length
        return (*pieces, key[start:])


def area_source(edition_id: str, codes: Sequence[str]) -> Source:
    """The areas of an edition that lie at or below these codes (all when none is given)."""
    rows: Select[*tuple[Any, ...]] = select(
        Area.code.label("key"),
        null().label("district"),
        Area.code.label("code"),
        Area.name.label("name"),
        Area.geometry.label("geometry"),
    ).where(Area.edition_id == edition_id)
    return Source(_below(rows, codes, Area.code), (Area.code,))


def grid_source(edition_id: str | None, day: dt.date, codes: Sequence[str]) -> Source:
    """The unit grids of a build, or those valid on a day, inside these areas."""
    rows: Select[*tuple[Any, ...]] = select(
        (UnitGrid.district_code + UnitGrid.code).label("key"),
        UnitGrid.district_code.label("district"),
        UnitGrid.code.label("code"),
        null().label("name"),
        UnitGrid.geometry.label("geometry"),
    )
    if edition_id is not None:
        rows = rows.where(UnitGrid.edition_id == edition_id)
    else:
        rows = rows.where(
            UnitGrid.first_date <= day,
            or_(UnitGrid.end_date.is_(None), UnitGrid.end_date > day),
        )
    rows = _below(rows, codes, UnitGrid.community_code)
    return Source(rows, (UnitGrid.district_code, UnitGrid.code), (6,))


def part_source(day: dt.date, codes: Sequence[str]) -> Source:
    """The parts that stood on a day, inside these areas by their own register."""
    rows: Select[*tuple[Any, ...]] = select(
        (Part.district_code + Part.code).label("key"),
        Part.district_code.label("district"),
        Part.code.label("code"),
        Part.name.label("name"),
        Part.geometry.label("geometry"),
    ).where(
        Part.first_date <= day,
        or_(
            Part.state != PartState.REMOVED,
            func.coalesce(Part.change_date, Part.first_date) > day,
        ),
    )
    rows = _below(rows, codes, Part.district_code, Part.street_code, Part.community_code)
    return Source(rows, (Part.district_code, Part.code), (6,))


def _below(rows: Select[*tuple[Any, ...]], codes: Sequence[str], *columns: Any) -> Select[Any]:
    if not codes:
        return rows
    return rows.where(
        or_(*(one.startswith(code, autoescape=True) for one in columns for code in codes))
    )


def uploaded_source(session: Session, side: str, features: Sequence[UploadedFeature]) -> Source:
    """Features in a table that lives until the commit. ``side`` is a or b."""
    name = {"a": "relation_upload_a", "b": "relation_upload_b"}[side]
    for statement in _UPLOAD[name]:
        session.execute(text(statement))
    lines = io.StringIO()
    blobs = shapely.to_wkb(
        shapely.set_srid([one.geometry for one in features], 4326), hex=True, include_srid=True
    )
    csv.writer(lines).writerows(
        (f"{one.number:08d}", one.label, one.name, blob)
        for one, blob in zip(features, blobs, strict=True)
    )
    lines.seek(0)
    cursor = session.connection().connection.cursor()
    cursor.copy_expert(_UPLOAD_COPY[name], lines)
    session.execute(text(_UPLOAD_ANALYZE[name]))
    uploaded = table(
        name,
        column("key", String()),
        column("code", String()),
        column("name", String()),
        column("geometry", Geometry(srid=4326)),
    )
    rows: Select[*tuple[Any, ...]] = select(
        uploaded.c.key,
        null().label("district"),
        uploaded.c.code,
        uploaded.c.name,
        uploaded.c.geometry,
    )
    return Source(rows, (uploaded.c.key,))


_UPLOAD = {
    "relation_upload_a": (
        "drop table if exists pg_temp.relation_upload_a",
        "create temporary table relation_upload_a (key text primary key, code text, name text,"
        " geometry geometry not null) on commit drop",
        "create index on relation_upload_a using gist (geometry)",
    ),
    "relation_upload_b": (
        "drop table if exists pg_temp.relation_upload_b",
        "create temporary table relation_upload_b (key text primary key, code text, name text,"
        " geometry geometry not null) on commit drop",
        "create index on relation_upload_b using gist (geometry)",
    ),
}
_UPLOAD_COPY = {
    "relation_upload_a": "copy relation_upload_a from stdin (format csv)",
    "relation_upload_b": "copy relation_upload_b from stdin (format csv)",
}
_UPLOAD_ANALYZE = {
    "relation_upload_a": "analyze relation_upload_a",
    "relation_upload_b": "analyze relation_upload_b",
}
