"""The queries of lanes: segments with who keeps them and how they are patrolled, lanes near."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import shapely
from sqlalchemy import and_, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.db.base import Prepared
from gridsvc.registry.in_force import LINE_HOLDS, holds
from gridsvc.registry.lanes.model import Keeper, KeeperRole, Kept, Near
from gridsvc.registry.lanes.models import LaneKeeper, LanePatrol, LaneSegment, LaneStretch
from gridsvc.registry.staff.models import StaffMember
from gridsvc.spatial.near_line import metres_to_lines

Key = tuple[str, str]
_SEGMENT = (LaneSegment.district_code, LaneSegment.code)
_STRETCH = (LaneStretch.district_code, LaneStretch.segment_code, LaneStretch.from_m)


def lock_lanes(session: Session, district: str) -> None:
    """Let nobody else change the lanes of a district until the end of this transaction."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('gridsvc lanes ' || :district))"),
        {"district": district},
    )


def segment(session: Session, district: str, code: str) -> LaneSegment | None:
    """One segment."""
    return session.get(LaneSegment, (district, code))


def segments_of(session: Session, district: str, codes: Collection[str]) -> list[LaneSegment]:
    """Those of these segments that are known."""
    query = select(LaneSegment).where(
        LaneSegment.district_code == district, LaneSegment.code.in_(set(codes))
    )
    return list(session.scalars(query))


def patrolled_codes(session: Session, district: str, codes: Collection[str]) -> set[str]:
    """Those of these segments along which somebody has walked."""
    query = select(LaneStretch.segment_code).where(
        LaneStretch.district_code == district, LaneStretch.segment_code.in_(set(codes))
    )
    return set(session.scalars(query.distinct()))


def upsert_segments(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Enter segments; a known one is written anew."""
    if not rows:
        return
    statement = insert(LaneSegment)
    key = ["district_code", "code"]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))


def streets_around(
    session: Session, edition_id: str, box: Sequence[float]
) -> list[tuple[str, shapely.Geometry]]:
    """Code and geometry of the streets of an edition that touch a box (degrees)."""
    query = text(
        "select code, st_asbinary(geometry) from area where edition_id = :edition"
        " and st_intersects(geometry, st_makeenvelope(:west, :south, :east, :north, 4326))"
        " order by code"
    )
    west, south, east, north = box
    edges = {"west": west, "south": south, "east": east, "north": north}
    rows = session.execute(query, {"edition": edition_id, **edges})
    return [(code, shapely.from_wkb(bytes(blob))) for code, blob in rows]


def kept_under(
    session: Session,
    prefix: str,
    day: dt.date,
    *,
    since: dt.date,
    after: Key,
    limit: int,
) -> list[Kept]:
    """Segments that hold on a day beside streets whose codes begin so, behind a key.

    ``since`` is the first day of those in which patrols count for the share.
    """
    beside = func.unnest(LaneSegment.beside).column_valued("street")
    query = (
        select(LaneSegment)
        .where(
            select(beside).where(beside.startswith(prefix, autoescape=True)).exists(),
            holds(LaneSegment.valid_from, LaneSegment.valid_to, day),
            tuple_(*_SEGMENT) > after,
        )
        .order_by(*_SEGMENT)
        .limit(limit)
    )
    return _kept(session, session.scalars(query).all(), day, since)


def kept_by_codes(
    session: Session, keys: Collection[Key], day: dt.date, *, since: dt.date
) -> list[Kept]:
    """Those of these segments that hold on a day."""
    query = select(LaneSegment).where(
        tuple_(*_SEGMENT).in_(list(keys)), holds(LaneSegment.valid_from, LaneSegment.valid_to, day)
    )
    return _kept(session, session.scalars(query.order_by(*_SEGMENT)).all(), day, since)


def keepers_of(
    session: Session, keys: Collection[Key], day: dt.date
) -> Mapping[Key, tuple[Keeper, ...]]:
    """Who keeps each of these segments on a day: the chief first. Who has left keeps nothing."""
    k, s = LaneKeeper, StaffMember
    rows = session.execute(
        select(
            k.district_code, k.segment_code, k.staff_code, s.name, k.role, k.valid_from, k.valid_to
        )
        .join(s, and_(s.district_code == k.district_code, s.code == k.staff_code))
        .where(
            tuple_(k.district_code, k.segment_code).in_(list(keys)),
            holds(k.valid_from, k.valid_to, day),
            holds(s.valid_from, s.valid_to, day),
        )
        .order_by(k.role, k.staff_code)
    )
    found: dict[Key, list[Keeper]] = defaultdict(list)
    for district, code, staff, name, role, first, end in rows:
        found[district, code].append(Keeper(staff, name, KeeperRole(role), first, end))
    return {key: tuple(one) for key, one in found.items()}


def kept_by_staff(session: Session, district: str, staff: str, day: dt.date) -> list[Key]:
    """The segments that somebody keeps on a day."""
    query = select(LaneKeeper.district_code, LaneKeeper.segment_code).where(
        LaneKeeper.district_code == district,
        LaneKeeper.staff_code == staff,
        holds(LaneKeeper.valid_from, LaneKeeper.valid_to, day),
    )
    return [(district, code) for district, code in session.execute(query.order_by("segment_code"))]


def keeper_rows(session: Session, district: str, code: str) -> list[LaneKeeper]:
    """All rows of who kept a segment, the first one first."""
    query = select(LaneKeeper).where(
        LaneKeeper.district_code == district, LaneKeeper.segment_code == code
    )
    return list(session.scalars(query.order_by(LaneKeeper.valid_from, LaneKeeper.staff_code)))


#: In a box that holds all within reach: no degree is shorter than 110,000 m, on a parallel times
#: the cosine.
_AROUND = Prepared(
    "lanes_near",
    "select district_code, code, name, street_code, st_asbinary(geometry)"  # noqa: S608 - ours
    " from lane_segment"
    " where geometry && st_expand(st_setsrid(st_point(:lon, :lat), 4326),"
    " :reach / (110000 * cos(radians(:lat))), :reach / 110000)"
    f" and {LINE_HOLDS}",
    {"lon": "float8", "lat": "float8", "reach": "float8", "day": "date"},
)


def lanes_near(
    session: Session, lon: float, lat: float, reach_m: float, day: dt.date
) -> list[Near]:
    """Segments of a day within reach of a place (WGS84), in whatever street, the nearest first.

    Distances are those of the ellipsoid, to the nearest point of each line.
    """
    asked = {"lon": lon, "lat": lat, "reach": reach_m, "day": day}
    rows = _AROUND.ask(session, asked)
    if not rows:
        return []
    metres = metres_to_lines(lon, lat, [shapely.from_wkb(bytes(row[4])) for row in rows])
    within = [(row, float(far)) for row, far in zip(rows, metres, strict=True) if far <= reach_m]
    keepers = keepers_of(session, [(row[0], row[1]) for row, _ in within], day)
    found = []
    for (district, code, name, street, _), far in within:
        chief = [one for one in keepers.get((district, code), ()) if one.role is KeeperRole.CHIEF]
        found.append(Near(district, code, name, street, far, chief[0] if chief else None))
    return sorted(found, key=lambda one: (one.metres, one.district_code, one.code))


def lines_around(
    session: Session, box: Sequence[float], day: dt.date
) -> list[tuple[Key, shapely.Geometry, float]]:
    """Key, line and length of the segments of a day that touch a box (degrees)."""
    west, south, east, north = box
    rows = session.execute(
        select(*_SEGMENT, func.st_asbinary(LaneSegment.geometry), LaneSegment.length_m)
        .where(
            LaneSegment.geometry.op("&&")(func.st_makeenvelope(west, south, east, north, 4326)),
            holds(LaneSegment.valid_from, LaneSegment.valid_to, day),
        )
        .order_by(*_SEGMENT)
    )
    return [((row[0], row[1]), shapely.from_wkb(bytes(row[2])), row[3]) for row in rows]


def patrol_at(
    session: Session, district: str, staff: str, start: dt.datetime, end: dt.datetime
) -> LanePatrol | None:
    """A patrol of somebody that meets a stretch of time."""
    query = select(LanePatrol).where(
        LanePatrol.district_code == district,
        LanePatrol.staff_code == staff,
        LanePatrol.started_at <= end,
        LanePatrol.ended_at >= start,
    )
    return session.scalar(query.limit(1))


def patrols_under(
    session: Session, prefix: str, since: dt.date, *, after: uuid.UUID, limit: int
) -> list[tuple[LanePatrol, list[LaneStretch]]]:
    """Patrols since a day along segments beside streets whose codes begin so, by their entry.

    Each with what it walked of those segments.
    """
    beside = func.unnest(LaneSegment.beside).column_valued("street")
    stretches = (
        select(LaneStretch)
        .join(
            LaneSegment,
            and_(
                LaneSegment.district_code == LaneStretch.district_code,
                LaneSegment.code == LaneStretch.segment_code,
            ),
        )
        .where(
            LaneStretch.day >= since,
            LaneStretch.patrol_id > after,
            select(beside).where(beside.startswith(prefix, autoescape=True)).exists(),
        )
        .order_by(LaneStretch.patrol_id, *_STRETCH)
    )
    found: dict[uuid.UUID, list[LaneStretch]] = {}
    for one in session.scalars(stretches):
        if one.patrol_id not in found and len(found) == limit:
            break
        found.setdefault(one.patrol_id, []).append(one)
    patrols = session.scalars(select(LanePatrol).where(LanePatrol.id.in_(found)))
    return sorted(((it, found[it.id]) for it in patrols), key=lambda pair: pair[0].id)


def _kept(
    session: Session, segments: Sequence[LaneSegment], day: dt.date, since: dt.date
) -> list[Kept]:
    keys = [(one.district_code, one.code) for one in segments]
    keepers, walked = keepers_of(session, keys, day), _walked(session, keys, day, since)
    found = []
    for one, key in zip(segments, keys, strict=True):
        metres, last = walked.get(key, (0.0, None))
        found.append(
            Kept(
                district_code=one.district_code,
                code=one.code,
                name=one.name,
                street_code=one.street_code,
                beside=tuple(one.beside),
                length_m=one.length_m,
                geometry=shapely.from_wkb(bytes(one.geometry.data)),
                keepers=keepers.get(key, ()),
                patrolled_m=metres,
                last_patrolled=last,
            )
        )
    return found


_WALKED = text(
    "with stretch as ("
    " select district_code, segment_code, day, from_m, to_m from lane_stretch"
    " join unnest(cast(:districts as text[]), cast(:codes as text[])) as asked (d, c)"
    "  on d = district_code and c = segment_code"
    " where day <= :day),"
    " last as (select district_code, segment_code, max(day) as day from stretch group by 1, 2),"
    " covered as ("
    " select district_code, segment_code, sum(upper(piece) - lower(piece)) as metres"
    " from (select district_code, segment_code,"
    "   unnest(range_agg(numrange(from_m::numeric, to_m::numeric))) as piece"
    "  from stretch where day >= :since group by 1, 2) as pieces group by 1, 2)"
    " select district_code, segment_code, coalesce(metres, 0), last.day"
    " from last left join covered using (district_code, segment_code)"
)


def _walked(
    session: Session, keys: Sequence[Key], day: dt.date, since: dt.date
) -> dict[Key, tuple[float, dt.date]]:
    """Metres that at least one patrol since a day walked of each segment, and the last day."""
    asked = {"districts": [one[0] for one in keys], "codes": [one[1] for one in keys]}
    rows = session.execute(_WALKED, {**asked, "day": day, "since": since})
    return {(row[0], row[1]): (float(row[2]), row[3]) for row in rows}
