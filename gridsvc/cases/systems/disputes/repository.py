"""The queries about reports and cases on disputed ground; nothing personal is read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.cases.systems.disputes.schemas import PlacementInside, ReportInside


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
            " r.case_id, c.state as case_state, c.lead_body,"
            " st_x(r.point) as lon, st_y(r.point) as lat"
            " from report r join case_file c"
            " on (c.district_code, c.id) = (r.case_district, r.case_id)"
            " where st_intersects(r.point, st_geomfromwkb(:ground, 4326))"
            " order by r.created_at, r.id"
        ),
        {"ground": ground.wkb},
    )
    return [ReportInside.of(row, point=(row.lon, row.lat)) for row in rows]


def placements_on(session: Session, ground: Any) -> list[PlacementInside]:
    """Every placement of the reports on some ground (WGS84), report by report."""
    rows = session.execute(
        text(
            "select p.report_id, p.n, p.placement -> 'district' ->> 'code' as district_code,"
            " p.placement -> 'street' ->> 'code' as street_code,"
            " p.responsibility -> 'lead' ->> 'code' as lead_body, p.reason, p.placed_at"
            " from report r join report_placement p"
            " on (p.district_code, p.report_id) = (r.district_code, r.id)"
            " where st_intersects(r.point, st_geomfromwkb(:ground, 4326))"
            " order by r.created_at, p.report_id, p.n"
        ),
        {"ground": ground.wkb},
    )
    return [PlacementInside.of(row) for row in rows]


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
