"""What lies inside a dispute: reports, earlier placements, parts."""

from __future__ import annotations

from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.systems.disputes import repository
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.repository import parts_on
from gridsvc.registry.disputes.view import part_json

__all__ = ["MOST_LISTED", "inside_json"]

#: So many reports, placements and parts are listed one by one; the counts are of all.
MOST_LISTED = 500


def inside_json(session: Session, dispute: Dispute) -> dict[str, Any]:
    """``{reports, placements, parts}``, each ``{count, listed}``; nothing personal."""
    ground = to_shape(dispute.geometry)
    reports = repository.reports_on(session, ground)
    placements = repository.placements_on(session, ground)
    parts = parts_on(session, ground)
    return {
        "reports": {
            "count": len(reports),
            "listed": [
                {
                    "id": str(it.id),
                    "district_code": it.district_code,
                    "channel": it.channel,
                    "kind": it.kind,
                    "class_code": it.class_code,
                    "created_at": it.created_at,
                    "case_id": str(it.case_id),
                    "case_state": it.case_state,
                    "lead_body": it.lead_body,
                    "point": [it.lon, it.lat],
                }
                for it in reports[:MOST_LISTED]
            ],
        },
        "placements": {
            "count": len(placements),
            "listed": [
                {
                    "report_id": str(it.report_id),
                    "n": it.n,
                    "district_code": it.district_code,
                    "street_code": it.street_code,
                    "lead_body": it.lead_body,
                    "reason": it.reason,
                    "placed_at": it.placed_at,
                }
                for it in placements[:MOST_LISTED]
            ],
        },
        "parts": {"count": len(parts), "listed": [part_json(it) for it in parts[:MOST_LISTED]]},
    }
