"""The queries of a what-if of the duty lists: a year's reports, and what decides about each."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from gridsvc.cases.intake.models import ReportPlacement
from gridsvc.registry.in_force import LINE_HOLDS


def districts_with_reports(session: Session, prefix: str) -> list[str]:
    """The districts under a prefix of which there are reports, each found by the index."""
    rows = session.execute(
        text(
            "with recursive district (code) as ("
            " (select district_code from report where district_code >= :prefix"
            " order by district_code limit 1) union all"
            " select (select district_code from report where district_code > code"
            " order by district_code limit 1) from district"
            " where starts_with(code, :prefix))"
            " select code from district where starts_with(code, :prefix)"
        ),
        {"prefix": prefix},
    )
    return [row[0] for row in rows]


_REPORTS = text(
    "select cast(r.id as text), st_x(r.point), st_y(r.point), r.standard, r.kind, r.class_code,"
    " r.case_district || cast(r.case_id as text), p.code, p.owner_body, p.maintainer_body,"
    " p.competent_body from report r"
    " left join part p on p.district_code = r.district_code and p.code = r.part_code"
    " where r.district_code = any(:districts) and r.created_at >= :since"
    " and r.created_at < :until and r.withdrawn_at is null"
).bindparams(bindparam("districts", type_=ARRAY(String)))


def reports_to_route(
    session: Session, districts: Sequence[str], since: dt.datetime, until: dt.datetime
) -> Sequence[Any]:
    """Id, lon, lat, class (standard, kind, code), case, and part with its bodies, of each report.

    Those that were withdrawn are left out.
    """
    asked = {"districts": list(districts), "since": since, "until": until}
    return session.execute(_REPORTS, asked).all()


def areas_set_since(
    session: Session, districts: Sequence[str], reason: str, since: dt.datetime
) -> dict[str, tuple[str | None, str | None, str | None]]:
    """District, street and community of the reports whose last placement was for a reason.

    By the report's id; of placements from a moment on that are not a report's first one.
    """
    area = ReportPlacement.placement
    rows = session.execute(
        select(
            ReportPlacement.report_id,
            ReportPlacement.reason,
            area["district"]["code"].astext,
            area["street"]["code"].astext,
            area["community"]["code"].astext,
        )
        .where(
            ReportPlacement.district_code.in_(districts),
            ReportPlacement.n > 1,
            ReportPlacement.placed_at >= since,
        )
        .order_by(ReportPlacement.report_id, ReportPlacement.n)
    )
    last = {row[0]: row for row in rows}
    return {str(id): (row[2], row[3], row[4]) for id, row in last.items() if row[1] == reason}


_IN_ZONES = text(
    "select a.id, cast(r.id as text) from agreement a"  # noqa: S608 - our own words
    " join report r on st_intersects(a.zone, r.point)"
    f" where {LINE_HOLDS} and r.district_code = any(:districts)"
    " and r.created_at >= :since and r.created_at < :until"
).bindparams(bindparam("districts", type_=ARRAY(String)))


def reports_in_zones(
    session: Session,
    districts: Sequence[str],
    since: dt.datetime,
    until: dt.datetime,
    *,
    day: dt.date,
) -> dict[str, frozenset[uuid.UUID]]:
    """By their ids, the reports in the zones of agreements that hold on a day, and which ones."""
    asked = {"districts": list(districts), "since": since, "until": until, "day": day}
    found: dict[str, set[uuid.UUID]] = {}
    for agreement, report in session.execute(_IN_ZONES, asked):
        found.setdefault(report, set()).add(agreement)
    return {report: frozenset(agreements) for report, agreements in found.items()}
