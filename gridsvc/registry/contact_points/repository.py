"""The queries of contact points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, text, update
from sqlalchemy.orm import Session

from gridsvc.registry.contact_points.model import Listed, Point
from gridsvc.registry.contact_points.models import ContactPoint
from gridsvc.registry.in_force import holds
from gridsvc.registry.staff.model import StaffRole
from gridsvc.registry.staff.models import StaffMember


def lock_points(session: Session, district: str) -> None:
    """Let nobody else change the contact points of a district until this transaction ends."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('gridsvc contact points ' || :district))"),
        {"district": district},
    )


def points_on(
    session: Session,
    prefix: str,
    day: dt.date,
    *,
    after: str = "",
    limit: int | None = None,
) -> list[Point]:
    """The contact points of a day in areas whose codes begin so, by area, behind one."""
    district, area = ContactPoint.district_code, ContactPoint.area_code
    judge = and_(
        StaffMember.district_code == district,
        StaffMember.code == ContactPoint.judge_code,
        StaffMember.role == StaffRole.CONTACT_POINT.value,
        holds(StaffMember.valid_from, StaffMember.valid_to, day),
    )
    rows = session.execute(
        select(
            area,
            ContactPoint.name,
            ContactPoint.judge_code,
            ContactPoint.valid_from,
            ContactPoint.valid_to,
            StaffMember.name,
            StaffMember.body_code,
            StaffMember.subject,
        )
        .outerjoin(StaffMember, judge)
        .where(
            _under(prefix), area > after, holds(ContactPoint.valid_from, ContactPoint.valid_to, day)
        )
        .order_by(district, area)
        .limit(limit)
    )
    return [Point(*row) for row in rows]


def judges_on(session: Session, district: str, codes: Collection[str], day: dt.date) -> set[str]:
    """Those of these codes who serve in a district as contact points on a day."""
    return set(
        session.scalars(
            select(StaffMember.code).where(
                StaffMember.district_code == district,
                StaffMember.code.in_(list(codes)),
                StaffMember.role == StaffRole.CONTACT_POINT.value,
                holds(StaffMember.valid_from, StaffMember.valid_to, day),
            )
        )
    )


def latest_after(session: Session, prefix: str, day: dt.date) -> dt.date | None:
    """The day of a list that holds later than a day in areas whose codes begin so."""
    return session.scalar(
        select(ContactPoint.valid_from)
        .where(_under(prefix), ContactPoint.valid_from > day)
        .order_by(ContactPoint.valid_from.desc())
        .limit(1)
    )


def replace_points(
    session: Session, prefix: str, day: dt.date, listed: Sequence[Listed], *, source: str
) -> None:
    """Let a list be all contact points under an area from a day on; earlier ones end then."""
    ends = or_(ContactPoint.valid_to.is_(None), ContactPoint.valid_to > day)
    session.execute(delete(ContactPoint).where(_under(prefix), ContactPoint.valid_from == day))
    session.execute(update(ContactPoint).where(_under(prefix), ends).values(valid_to=day))
    if not listed:
        return
    session.execute(
        insert(ContactPoint),
        [
            {
                "district_code": prefix[:6],
                "area_code": one.area,
                "valid_from": day,
                "name": one.name,
                "judge_code": one.judge,
                "source": source,
            }
            for one in listed
        ],
    )


def _under(prefix: str) -> ColumnElement[bool]:
    district = ContactPoint.district_code
    inside = (
        district == prefix[:6] if len(prefix) >= 6 else district.startswith(prefix, autoescape=True)
    )
    return and_(inside, ContactPoint.area_code.startswith(prefix, autoescape=True))
