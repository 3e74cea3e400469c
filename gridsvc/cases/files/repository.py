"""The queries of case files."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.cases.files.models import Appeal, CaseFile, HandIn
from gridsvc.registry.classes.model import ClassKey

__all__ = [
    "NearbyCase",
    "appeal_of",
    "appeals",
    "case_by_id",
    "cases_by_id",
    "cases_of",
    "hand_ins",
    "lock_case",
    "lock_surroundings",
    "open_cases_near",
    "surroundings",
]

#: Metres of a degree of latitude at the equator, the shortest: cells are never too small.
_DEGREE_M = 110_574.0


@dataclass(frozen=True, slots=True)
class NearbyCase:
    """An open case of the same class, and its distance in metres."""

    district_code: str
    id: uuid.UUID
    lead_body: str
    part_code: str | None
    distance_m: float


def case_by_id(session: Session, case_id: uuid.UUID) -> CaseFile | None:
    """The case of an id."""
    return session.scalar(select(CaseFile).where(CaseFile.id == case_id))


def cases_by_id(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CaseFile]:
    """The cases of these ids."""
    found = session.scalars(select(CaseFile).where(CaseFile.id.in_(set(case_ids))))
    return {case.id: case for case in found}


def lock_case(session: Session, case_id: uuid.UUID) -> CaseFile | None:
    """The case of an id, kept for this transaction: of two at once, one waits."""
    return session.scalar(
        select(CaseFile)
        .where(CaseFile.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def hand_ins(session: Session, case: CaseFile) -> list[HandIn]:
    """Everything that bodies handed in in a case, in its order."""
    return list(
        session.scalars(
            select(HandIn)
            .where(HandIn.district_code == case.district_code, HandIn.case_id == case.id)
            .order_by(HandIn.n)
        )
    )


def appeals(session: Session, case: CaseFile) -> list[Appeal]:
    """The appeals of a case, by body."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.district_code == case.district_code, Appeal.case_id == case.id)
            .order_by(Appeal.body_code)
        )
    )


def appeal_of(session: Session, case: CaseFile, body: str) -> Appeal | None:
    """The appeal of a body in a case."""
    return session.get(Appeal, (case.district_code, case.id, body))


def cases_of(
    session: Session,
    *,
    prefix: str,
    body: str | None,
    state: str | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[CaseFile]:
    """Cases of districts under a prefix (or joint ones), newest last, from behind ``after``."""
    query = select(CaseFile).order_by(CaseFile.id).limit(limit)
    if prefix:
        district = prefix[:6]
        query = query.where(
            CaseFile.district_code.startswith(district)
            | CaseFile.participant_district.startswith(district)
        )
    if body is not None:
        query = query.where(CaseFile.lead_body == body)
    if state is not None:
        query = query.where(CaseFile.state == state)
    if after is not None:
        query = query.where(CaseFile.id > after)
    return list(session.scalars(query))


def lock_surroundings(
    session: Session, *, lon: float, lat: float, within_m: float, key: ClassKey
) -> None:
    """Let reports of one class that are close to each other come one after the other.

    Each locks all of its :func:`surroundings` until its transaction ends; in one order, so that
    no two wait for each other.
    """
    session.execute(
        text(
            "select pg_advisory_xact_lock(hashtextextended(cell, 0)) from"
            " unnest(cast(:cells as text[])) with ordinality as given (cell, n) order by n"
        ),
        {"cells": surroundings(lon, lat, within_m, key)},
    )


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


def _last(value: float, reach: float) -> int:
    return math.floor((value + reach) / (2 * reach))


def open_cases_near(
    session: Session,
    *,
    lon: float,
    lat: float,
    within_m: float,
    key: ClassKey,
    districts: Sequence[str],
) -> list[NearbyCase]:
    """Open cases of one class within a distance of a WGS84 point, nearest first."""
    rows = session.execute(
        text(
            "with here as (select st_setsrid(st_point(:lon, :lat), 4326) as p),"
            " near as (select c.district_code, c.id, c.lead_body, c.part_code,"
            " st_distance(c.point::geography, here.p::geography) as distance_m"
            " from case_file c, here"
            " where c.point && st_envelope(st_buffer(here.p::geography, :within_m)::geometry)"
            " and c.state = 'open' and c.district_code = any(:districts)"
            " and c.standard = :standard and c.kind = :kind and c.class_code = :class_code)"
            " select district_code, id, lead_body, part_code, distance_m from near"
            " where distance_m <= :within_m order by distance_m, id limit 20"
        ),
        {
            "lon": lon,
            "lat": lat,
            "within_m": within_m,
            "districts": list(districts),
            "standard": key.standard,
            "kind": key.kind,
            "class_code": key.code,
        },
    )
    return [NearbyCase(row[0], row[1], row[2], row[3], row[4]) for row in rows]
