"""The queries of reports."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.cases.intake.models import IdempotencyKey, Receipt, Report, ReportPlacement
from gridsvc.city.classes import ClassKey
from gridsvc.db.driver import Prepared
from gridsvc.errors import BadInput
from gridsvc.registry.editions.points import PlacedThings, read_places

_KEYS_AT_ONCE = 1_000


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


def report_by_id(session: Session, report_id: uuid.UUID) -> Report | None:
    """The report of an id."""
    return session.scalar(select(Report).where(Report.id == report_id))


def report_by_receipt(session: Session, value: str) -> Report | None:
    """The report of a receipt."""
    receipt = session.get(Receipt, value)
    if receipt is None:
        return None
    return session.get(Report, (receipt.district_code, receipt.report_id))


_POINTS = text(
    "select district_code, id, st_x(point), st_y(point) from report"
    " where (district_code, id) > (:district, cast(:id as uuid))"
    " order by district_code, id limit :limit"
)


def report_points(session: Session, after: tuple[str, str], limit: int) -> PlacedThings:
    """Where reports are, behind a pair of district and id; the pin that was set last.

    Raises BadInput for what is not an id of a report.
    """
    district, id = after
    try:
        known = uuid.UUID(id) if id else uuid.UUID(int=0)
    except ValueError:
        raise BadInput(
            "Invalid cursor; pass `next` of the previous page.",
            field="cursor",
        ) from None
    return read_places(session, _POINTS, (district, str(known)), limit)


def last_placement(
    session: Session, district_code: str, report_id: uuid.UUID
) -> ReportPlacement | None:
    """The newest placement of a report."""
    return session.scalar(
        select(ReportPlacement)
        .where(
            ReportPlacement.district_code == district_code,
            ReportPlacement.report_id == report_id,
        )
        .order_by(ReportPlacement.n.desc())
        .limit(1)
    )


def count_reports(session: Session) -> int:
    """How many reports there are."""
    return session.scalar(select(func.count()).select_from(Report)) or 0


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
