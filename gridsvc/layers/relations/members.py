"""Where the members of the two sides come from: layers of the service, or what was uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import shapely
from geoalchemy2 import Geometry
from sqlalchemy import (
    FromClause,
    Select,
    SelectBase,
    String,
    column,
    null,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from gridsvc.db.base import copy_rows
from gridsvc.layers.model import Layer
from gridsvc.spatial.reading import SentFeature


@dataclass(frozen=True, slots=True)
class MemberSource:
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


def layer_source(layer: Layer, rows: SelectBase, codes: Sequence[str]) -> MemberSource:
    """What still stands of a layer's features, in these areas (all when none is given)."""
    here = rows.subquery("feature")
    key = [here.c[name] for name in layer.key]
    chosen: Select[*tuple[Any, ...]] = select(
        reduce(add, key).label("key"),
        (key[0] if len(key) > 1 else null()).label("district"),
        here.c.code,
        (here.c.name if "name" in here.c else null()).label("name"),
        here.c.geometry,
    )
    if layer.present is not None:
        chosen = chosen.where(layer.present(here))
    if codes:
        inside = [here.c[name] for name in layer.inside]
        chosen = chosen.where(
            or_(*(one.startswith(code, autoescape=True) for one in inside for code in codes))
        )
    return MemberSource(chosen, tuple(key), (6,) if len(key) > 1 else ())


def uploaded_source(session: Session, side: str, features: Sequence[SentFeature]) -> MemberSource:
    """Features in a table that lives until the commit. ``side`` is a or b."""
    name = {"a": "relation_upload_a", "b": "relation_upload_b"}[side]
    for statement in (
        f"drop table if exists pg_temp.{name}",
        f"create temporary table {name} (key text primary key, code text, name text,"
        " geometry geometry not null) on commit drop",
        f"create index on {name} using gist (geometry)",
    ):
        session.execute(text(statement))
    blobs = shapely.to_wkb(
        shapely.set_srid([one.geometry for one in features], 4326), hex=True, include_srid=True
    )
    rows = (
        (f"{one.number:08d}", one.label, one.name, blob)
        for one, blob in zip(features, blobs, strict=True)
    )
    copy_rows(session, f"copy {name} from stdin (format csv)", rows)
    session.execute(text(f"analyze {name}"))
    texts = (column(one, String()) for one in ("key", "code", "name"))
    uploaded = table(name, *texts, column("geometry", Geometry(srid=4326)))
    chosen: Select[*tuple[Any, ...]] = select(uploaded, null().label("district"))
    return MemberSource(chosen, (uploaded.c.key,))
