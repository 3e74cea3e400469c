"""The queries about reports and cases on disputed ground; nothing personal is read."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ReportInside:
    """A report on some ground, and its case; what was written and who wrote it are not read."""

    id: uuid.UUID
    district_code: str
    channel: str
    kind: str
    class_code: str
    created_at: dt.datetime
    case_id: uuid.UUID
    case_state: str
    lead_body: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class PlacementOf:
    """Where a report was placed, the n-th time, and who was found responsible."""

    report_id: uuid.UUID
    n: int
    district_code: str | None
    street_code: str | None
    lead_body: str | None
    reason: str
    placed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class CaseOn:
    """An open case on some ground."""

    district_code: str
    id: uuid.UUID
    standard: str
    kind: str
    class_code: str
    part_code: str | None
    lead_body: str
    lon: float
    lat: float
    street_code: str | None
    community_code: str | None


def reports_on(session: Session, ground: Any) -> list[ReportInside]:
    """The reports whose pin lies on some ground (WGS84), the oldest first."""
    rows = session.execute(
        text(
            "select r.id, r.district_code, r.channel, r.kind, r.class_code, r.created_at,"
            " r.case_id, c.state, c.lead_body, st_x(r.point), st_y(r.point)"
            " from report r join case_file c"
            " on (c.district_code, c.id) = (r.case_district, r.case_id)"
            " where st_intersects(r.point, st_geomfromwkb(:ground, 4326))"
            " order by r.created_at, r.id"
        ),
        {"ground": ground.wkb},
    )
    return [ReportInside(*row) for row in rows]


def placements_on(session: Session, ground: Any) -> list[PlacementOf]:
    """Every placement of the reports on some ground (WGS84), report by report."""
    rows = session.execute(
        text(
            "select p.report_id, p.n, p.placement -> 'district' ->> 'code',"
            " p.placement -> 'street' ->> 'code', p.responsibility -> 'lead' ->> 'code',"
            " p.reason, p.placed_at from report r join report_placement p"
            " on (p.district_code, p.report_id) = (r.district_code, r.id)"
            " where st_intersects(r.point, st_geomfromwkb(:ground, 4326))"
            " order by r.created_at, p.report_id, p.n"
        ),
        {"ground": ground.wkb},
    )
    return [PlacementOf(*row) for row in rows]


def cases_on(session: Session, ground: Any) -> list[CaseOn]:
    """The open cases on some ground (WGS84), the oldest first."""
    rows = session.execute(
        text(
            "select district_code, id, standard, kind, class_code, part_code, lead_body,"
            " st_x(point), st_y(point), street_code, community_code from case_file"
            " where state = 'open' and st_intersects(point, st_geomfromwkb(:ground, 4326))"
            " order by opened_at, id"
        ),
        {"ground": ground.wkb},
    )
    return [CaseOn(*row) for row in rows]
