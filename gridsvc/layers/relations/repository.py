"""Every query about spatial relations: on whole geometries, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import ColumnElement, and_, case, func, literal, select, text, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gridsvc.layers.relations.members import MemberSource
from gridsvc.layers.relations.model import Relation
from gridsvc.registry.areas.repository import common_border

_QUERY_CANCELED = "57014"

_PREDICATES = {
    Relation.TOUCHES: func.st_touches,
    Relation.OVERLAPS: func.st_overlaps,
    Relation.COVERS: func.st_covers,
    Relation.WITHIN: func.st_within,
    Relation.INTERSECTS: func.st_intersects,
}


class OutOfTime(Exception):
    """The time for a question is over."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock after which nothing more is computed."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds that are left, negative when it is over."""
        return self.at_s - time.monotonic()


@contextmanager
def within_time(session: Session, deadline: Deadline) -> Iterator[None]:
    """Run statements in a savepoint that PostgreSQL stops at the deadline.

    Afterwards the transaction goes on with the limit that it had. Raises OutOfTime.
    """
    before = session.scalar(text("show statement_timeout"))
    left_ms = round(deadline.left_s * 1000)
    if left_ms <= 0:
        raise OutOfTime
    try:
        with session.begin_nested():
            _limit(session, f"{left_ms}ms")
            yield
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) == _QUERY_CANCELED:
            raise OutOfTime from error
        raise
    _limit(session, before or "0")


def _limit(session: Session, value: str) -> None:
    session.execute(text("select set_config('statement_timeout', :value, true)"), {"value": value})


def count_members(session: Session, source: MemberSource) -> int:
    """How many members a side has."""
    return int(session.scalar(select(func.count()).select_from(source.members("side"))) or 0)


def count_pairs_of_boxes(session: Session, a: MemberSource, b: MemberSource) -> int:
    """How many pairs have bounding boxes that meet: so many the predicate has to look at."""
    one, other = a.members("a"), b.members("b")
    meeting = one.c.geometry.op("&&")(other.c.geometry)
    return int(session.scalar(select(func.count()).select_from(one.join(other, meeting))) or 0)


def next_keys(session: Session, source: MemberSource, key: str, limit: int) -> list[str]:
    """The next keys of a side in order, this one among them."""
    members = source.beginning_at(key, limit).subquery("side")
    return list(session.scalars(select(members.c.key).order_by(members.c.key)))


def related_keys(
    session: Session,
    relation: Relation,
    a: MemberSource,
    b: MemberSource,
    *,
    first: str,
    members: int,
    after: tuple[str, str],
    same: bool,
    limit: int,
) -> list[tuple[str, str]]:
    """Pairs of keys behind ``after`` among the next so many members of the first side, in order.

    ``same``: both sides are one layer, so that no member is paired with itself.
    """
    one = a.beginning_at(first, members).cte("a").prefix_with("materialized")
    other = b.members("b")
    holds: ColumnElement[bool] = and_(
        one.c.geometry.op("&&")(other.c.geometry),
        _PREDICATES[relation](one.c.geometry, other.c.geometry),
        tuple_(one.c.key, other.c.key) > tuple_(literal(after[0]), literal(after[1])),
    )
    if same:
        holds = and_(holds, one.c.key != other.c.key)
    rows = session.execute(
        select(one.c.key, other.c.key)
        .select_from(one.join(other, holds))
        .order_by(one.c.key, other.c.key)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with its shapely geometry."""

    district: str | None
    code: str | None
    name: str | None
    geometry: Any


def members_of(session: Session, source: MemberSource, keys: Sequence[str]) -> dict[str, MemberRow]:
    """The members of these keys."""
    side = source.having(keys).subquery("side")
    rows = session.execute(
        select(
            side.c.key, side.c.district, side.c.code, side.c.name, func.st_asbinary(side.c.geometry)
        )
    )
    return {row[0]: MemberRow(*row[1:4], shapely.from_wkb(bytes(row[4]))) for row in rows}


def shared_geometries(
    session: Session, a: MemberSource, b: MemberSource, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Any, Any, Any]]:
    """What each pair shares: the intersection, the common boundary, the boundary almost common.

    Both boundaries are None but for two areas.
    """
    wanted = (
        select(
            func.unnest([one for one, _ in pairs]).label("one"),
            func.unnest([other for _, other in pairs]).label("other"),
        )
    ).subquery("wanted")
    one = a.having(sorted({one for one, _ in pairs})).subquery("a")
    other = b.having(sorted({other for _, other in pairs})).subquery("b")
    shapes = (
        select(one.c.key.label("one"), other.c.key.label("other"), one.c.geometry.label("p"))
        .add_columns(other.c.geometry.label("q"))
        .select_from(
            wanted.join(one, one.c.key == wanted.c.one).join(other, other.c.key == wanted.c.other)
        )
    ).subquery("shapes")
    areas = and_(func.st_dimension(shapes.c.p) == 2, func.st_dimension(shapes.c.q) == 2)
    exact, near = common_border(shapes.c.p, shapes.c.q)
    rows = session.execute(
        select(
            shapes.c.one,
            shapes.c.other,
            func.st_asbinary(func.st_intersection(shapes.c.p, shapes.c.q)),
            case((areas, exact)),
            case((areas, near)),
        )
    )
    return {(row[0], row[1]): (_shape(row[2]), _shape(row[3]), _shape(row[4])) for row in rows}


def _shape(blob: Any) -> Any:
    return None if blob is None else shapely.from_wkb(bytes(blob))


def touching_members(
    session: Session, a: MemberSource, b: MemberSource, key: str
) -> dict[str, Any]:
    """The members of the second side that touch one of the first: keys and shapely geometries."""
    one, other = a.having([key]).subquery("a"), b.members("b")
    touching = and_(
        one.c.geometry.op("&&")(other.c.geometry),
        func.st_intersects(one.c.geometry, other.c.geometry),
    )
    rows = session.execute(
        select(other.c.key, func.st_asbinary(other.c.geometry)).select_from(
            one.join(other, touching)
        )
    )
    return {row[0]: _shape(row[1]) for row in rows}


_FACES = text(
    """
    with whole as (select st_geomfromwkb(:whole, 4326) as geometry),
    line as (
        select st_boundary(geometry) as geometry from whole
        union all
        select edge.geom from whole,
            unnest(cast(:claimants as bytea[])) as claimant (blob),
            st_dumpsegments(st_boundary(st_geomfromwkb(claimant.blob, 4326))) as edge
        where edge.geom && whole.geometry
    ),
    noded as (select st_unaryunion(st_collect(geometry)) as geometry from line)
    select st_asbinary((st_dump(st_polygonize(geometry))).geom) from noded
    """
)


def faces_of(session: Session, whole: Any, claimants: Sequence[Any]) -> list[Any]:
    """The faces between the borders of areas: all rings noded together, whole edges only."""
    blobs = [shapely.to_wkb(one) for one in claimants]
    rows = session.scalars(_FACES, {"whole": shapely.to_wkb(whole), "claimants": blobs})
    return [shapely.from_wkb(bytes(blob)) for blob in rows]
