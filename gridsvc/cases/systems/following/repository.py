"""The queries of following: who follows a report, and what is new in an area."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.repository import forget_followers
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.following.models import Follow


def follows_of(session: Session, report: Report, *, follower: str) -> Sequence[Follow]:
    """What somebody has a report followed by, the oldest first."""
    return session.scalars(
        select(Follow)
        .where(
            Follow.district_code == report.district_code,
            Follow.report_id == report.id,
            Follow.follower == follower,
        )
        .order_by(Follow.id)
    ).all()


def followers_of(session: Session, case: Case) -> Sequence[tuple[Follow, Report]]:
    """Everybody who follows a report of a case, with that report."""
    rows = session.execute(
        select(Follow, Report)
        .join(
            Report,
            (Report.district_code == Follow.district_code) & (Report.id == Follow.report_id),
        )
        .where(Report.case_district == case.district_code, Report.case_id == case.id)
        .order_by(Follow.id)
    )
    return [(follow, report) for follow, report in rows]


def forget(session: Session, follows: Sequence[Follow]) -> None:
    """Forget followers, and every message to them."""
    ids = [follow.id for follow in follows]
    forget_followers(session, ids)
    session.execute(delete(Follow).where(Follow.id.in_(ids)))


def every_follow(session: Session, report: Report) -> Sequence[Follow]:
    """Everybody who follows a report."""
    return session.scalars(
        select(Follow).where(
            Follow.district_code == report.district_code, Follow.report_id == report.id
        )
    ).all()


def newest_cases(session: Session, code: str, *, since: uuid.UUID, limit: int) -> Sequence[Case]:
    """The newest cases of a district, street or community, opened after an id; newest first."""
    query = select(Case).where(Case.district_code == code[:6], Case.id > since)
    if len(code) > 6:
        query = query.where(Case.street_code == code[:9])
    if len(code) > 9:
        query = query.where(Case.community_code == code)
    return session.scalars(query.order_by(Case.id.desc()).limit(limit)).all()
