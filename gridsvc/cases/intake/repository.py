"""The queries of filing a report: the cases it may be about, its receipt, its idempotency key."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import CursorResult, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.cases.intake.address import door_range
from gridsvc.cases.intake.match import Candidate, MatchCriteria
from gridsvc.cases.intake.models import IdempotencyKey
from gridsvc.city.classes import ClassKey
from gridsvc.db.base import Prepared

_KEYS_AT_ONCE = 1_000
#: The nearest so many cases; a report about a hundred cases is about none of them.
_MOST = 20
#: So many times as many closed cases are looked at as are asked for.
_FOR_CORNERS = 4

_HERE = "with here as (select st_setsrid(st_point(:lon, :lat), 4326) as p), found as ("
_NEAR = (
    "select c.district_code, c.id from case_file c"
    " where c.point && st_makeenvelope(:west, :south, :east, :north, 4326)"
    " and c.state = :state and c.district_code = any(:districts)"
    " and c.standard = :standard and c.kind = any(:kinds) and c.class_code = any(:kin)"
    " and c.joined_into is null"
)
#: Most cases are closed, most of them of other classes: a cell of the city and a class find few.
_CELLS_A_DEGREE = 250
_NEAR_CLOSED = (
    "select c.district_code, c.id from case_file c"
    " where c.class_code = :class_code"
    " and floor(st_x(c.point) * 250)::int = any(:columns)"
    " and floor(st_y(c.point) * 250)::int = any(:rows)"
    " and st_x(c.point) between :west and :east and st_y(c.point) between :south and :north"
    " and c.state = :state and c.district_code = any(:districts)"
    " and c.standard = :standard and c.kind = any(:kinds) and c.joined_into is null"
)
_SAME_PART = (
    "select c.district_code, c.id from case_file c"
    " where c.district_code = :district and c.part_code = :part_code and c.state = :state"
    " and c.joined_into is null"
)
_SAME_TEXT = (
    "select c.district_code, c.id from case_file c"
    " where c.district_code = any(:districts) and c.state = :state"
    " and c.place_key >= :place_key and c.place_key < :place_end"
    " and c.standard = :standard and c.kind = any(:kinds) and c.class_code = any(:kin)"
    " and c.joined_into is null"
)
_FOUND = (
    " select c.district_code, c.id, c.standard, c.kind, c.class_code, c.state, c.lead_body,"
    " c.part_code, st_x(c.point), st_y(c.point),"
    " st_distance(c.point::geography, here.p::geography) as distance_m, c.place_key,"
    " c.place_learnt, c.inspector is not null, c.procedure, c.procedure_version"
    " from (select distinct district_code, id from found) as found"
    " join case_file c on c.district_code = found.district_code and c.id = found.id, here"
)
_SUREST_FIRST = (
    " order by coalesce(c.part_code = :part_code, false) desc,"
    " coalesce(c.place_key >= :place_key and c.place_key < :place_end, false) desc,"
    " distance_m, c.id"
)
_NEWEST_FIRST = " order by c.closed_at desc, c.id"
_ORDERS = {"open": _SUREST_FIRST, "closed": _NEWEST_FIRST}
_TYPES = {
    **dict.fromkeys(("lon", "lat", "west", "south", "east", "north"), "float8"),
    **dict.fromkeys(("district", "standard", "class_code", "part_code", "place_key"), "text"),
    "place_end": "text",
    **dict.fromkeys(("districts", "kinds", "kin"), "text[]"),
    "limit": "int",
    **dict.fromkeys(("columns", "rows"), "int[]"),
}


def _question(state: str, *, by_part: bool, by_text: bool) -> Prepared:
    near = _NEAR if state == "open" else _NEAR_CLOSED
    ways = [near] + [_SAME_PART] * by_part + [_SAME_TEXT] * by_text
    # The state is written out, so that the indexes of open cases alone can serve.
    found = (_HERE + " union all ".join(ways) + ")").replace(":state", f"'{state}'")
    name = f"{state}_candidates{'_part' * by_part}{'_text' * by_text}"
    return Prepared(name, found + _FOUND + _ORDERS[state] + " limit :limit", _TYPES)


#: By state, whether the report names a part, whether it has a place text.
_QUESTIONS = {
    (state, by_part, by_text): _question(state, by_part=by_part, by_text=by_text)
    for state in _ORDERS
    for by_part in (False, True)
    for by_text in (False, True)
}
_LOCK = Prepared(
    "lock_about",
    "select pg_advisory_xact_lock(hashtextextended(name, 0)) from"
    " unnest(:names) with ordinality as given (name, n) order by n",
    {"names": "text[]"},
)


def open_candidates_alone(session: Session, criteria: MatchCriteria) -> list[Candidate]:
    """As :func:`open_candidates`, for one report about one thing at a time.

    Each locks all of its surroundings, its part and its place text until its transaction ends; in
    one order, so that no two wait for each other.
    """
    names = surroundings(criteria.lon, criteria.lat, criteria.widest_m, _named(criteria))
    if criteria.part_code is not None:
        names.append(f"part|{criteria.district}|{criteria.part_code}")
    if criteria.place_key is not None:
        names.append(f"place|{criteria.kin[0]}|{door_range(criteria.place_key)[0]}")
    return _candidates(session, criteria, "open", _MOST, behind=(_LOCK, {"names": sorted(names)}))


def open_candidates(session: Session, criteria: MatchCriteria) -> list[Candidate]:
    """Open cases of one part, of one place text, or near a place: in this order, by distance."""
    return _candidates(session, criteria, "open", _MOST)


def closed_candidates(session: Session, criteria: MatchCriteria, *, limit: int) -> list[Candidate]:
    """Closed cases about the same place, the newest first."""
    # They are sought in a box, whose corners lie too far away.
    return _candidates(session, criteria, "closed", _FOR_CORNERS * limit)[:limit]


def _candidates(
    session: Session,
    criteria: MatchCriteria,
    state: str,
    limit: int,
    behind: tuple[Prepared, dict[str, list[str]]] | None = None,
) -> list[Candidate]:
    door = ("", "") if criteria.place_key is None else door_range(criteria.place_key)
    box = box_around(criteria.lon, criteria.lat, criteria.widest_m)
    question = _QUESTIONS[state, criteria.part_code is not None, criteria.place_key is not None]
    rows = question.ask(
        session,
        {
            "lon": criteria.lon,
            "lat": criteria.lat,
            **dict(zip(("west", "south", "east", "north"), box, strict=True)),
            "columns": _cells(box[0], box[2]),
            "rows": _cells(box[1], box[3]),
            "district": criteria.district,
            "districts": list(criteria.districts),
            "standard": criteria.key.standard,
            "kinds": list(criteria.kinds),
            "class_code": criteria.key.code,
            "kin": list(criteria.kin),
            "part_code": criteria.part_code,
            "place_key": door[0],
            "place_end": door[1],
            "limit": limit,
        },
        behind=behind,
    )
    candidates = [Candidate(row[0], row[1], ClassKey(*row[2:5]), *row[5:]) for row in rows]
    return [candidate for candidate in candidates if candidate.why(criteria)]


def _cells(least: float, most: float) -> list[int]:
    """The numbers of the cells from one degree to another."""
    first, last = (math.floor(degree * _CELLS_A_DEGREE) for degree in (least, most))
    return list(range(first, last + 1))


def _named(criteria: MatchCriteria) -> ClassKey:
    """The class under one name for all the kinds and kindred classes."""
    return replace(criteria.key, kind="/".join(criteria.kinds), code=criteria.kin[0])


#: Metres of a degree of latitude at the equator, the shortest: cells are never too small.
_DEGREE_M = 110_574.0


def surroundings(lon: float, lat: float, within_m: float, key: ClassKey) -> list[str]:
    """The cells that a WGS84 place reaches, sorted.

    Two places less than ``within_m`` metres apart share one: the cell of the middle between them.
    """
    reach = within_m / _DEGREE_M
    cells = []
    for row in range(math.floor((lat - reach) / (2 * reach)), _last(lat, reach) + 1):
        # The pole-ward edge of the row: there a metre is most degrees.
        edge = max(abs(2 * row * reach), abs(2 * (row + 1) * reach))
        wide = reach / max(math.cos(math.radians(edge)), 0.01)
        for column in range(math.floor((lon - wide) / (2 * wide)), _last(lon, wide) + 1):
            cells.append(f"{key.standard}|{key.kind}|{key.code}|{row}|{column}")
    return sorted(cells)


def box_around(lon: float, lat: float, within_m: float) -> tuple[float, float, float, float]:
    """West, south, east and north of a box that holds all within a distance of a WGS84 place.

    Made here and not in PostGIS, which would buffer on the spheroid for every report, and whose
    planner could not count what lies inside.
    """
    high = within_m / _DEGREE_M
    wide = high / max(math.cos(math.radians(min(abs(lat) + high, 90.0))), 0.01)
    return lon - wide, lat - high, lon + wide, lat + high


def _last(value: float, reach: float) -> int:
    return math.floor((value + reach) / (2 * reach))


def crowd_near(
    session: Session, *, lon: float, lat: float, within_m: float, key: ClassKey
) -> dict[str, int]:
    """Open reports of one class within a distance of a WGS84 point, counted by district."""
    rows = session.execute(
        text(
            "with here as (select st_setsrid(st_point(:lon, :lat), 4326) as p)"
            " select r.district_code, count(*) from report r"
            " join case_file c on c.district_code = r.case_district and c.id = r.case_id, here"
            " where r.point && st_envelope(st_buffer(here.p::geography, :within_m)::geometry)"
            " and st_distance(r.point::geography, here.p::geography) <= :within_m"
            " and c.state = 'open' and r.standard = :standard and r.kind = :kind"
            " and r.class_code = :class_code group by r.district_code"
        ),
        {
            "lon": lon,
            "lat": lat,
            "within_m": within_m,
            "standard": key.standard,
            "kind": key.kind,
            "class_code": key.code,
        },
    )
    return {row[0]: row[1] for row in rows}


_CLAIM_RECEIPT = Prepared(
    "claim_receipt",
    "insert into receipt (value, district_code, report_id)"
    " values (:value, :district_code, :report_id) on conflict do nothing returning value",
    {"value": "text", "district_code": "text", "report_id": "uuid"},
)


def claim_receipt(session: Session, value: str, district_code: str, report_id: uuid.UUID) -> bool:
    """Take a receipt for a report; False when it is taken already."""
    values = {"value": value, "district_code": district_code, "report_id": str(report_id)}
    return bool(_CLAIM_RECEIPT.ask(session, values))


def claim_key(
    session: Session, subject: str, key: str, request_hash: str, now: dt.datetime
) -> IdempotencyKey | None:
    """Take an idempotency key; when it is taken, its row (after its first user has committed)."""
    taken = session.execute(
        insert(IdempotencyKey)
        .values(
            subject=subject,
            key=key,
            request_hash=request_hash,
            status=0,
            answer={},
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if taken.first() is not None:
        return None
    return session.get(IdempotencyKey, (subject, key))


def known_keys(session: Session, subject: str, keys: Sequence[str]) -> dict[str, str]:
    """Those of a holder's keys that are taken, each with the hash of its request."""
    found: dict[str, str] = {}
    for begin in range(0, len(keys), _KEYS_AT_ONCE):
        rows = session.execute(
            select(IdempotencyKey.key, IdempotencyKey.request_hash).where(
                IdempotencyKey.subject == subject,
                IdempotencyKey.key.in_(keys[begin : begin + _KEYS_AT_ONCE]),
            )
        )
        found.update((row[0], row[1]) for row in rows)
    return found


def forget_keys(session: Session, before: dt.datetime) -> int:
    """Delete the keys that tokens have used before a moment; gives their number.

    References of imported reports stay: the same file is then still known.
    """
    result = session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.created_at < before,
            IdempotencyKey.subject.regexp_match("^[0-9a-f-]{36}$"),
        )
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def keep_answer(
    session: Session, subject: str, key: str, status: int, answer: dict[str, Any]
) -> None:
    """Remember the answer that was given to an idempotency key."""
    row = session.get(IdempotencyKey, (subject, key), populate_existing=True)
    if row is None:
        raise AssertionError("an idempotency key is claimed before its answer is kept")
    row.status, row.answer = status, answer
