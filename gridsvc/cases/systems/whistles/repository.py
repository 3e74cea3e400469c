"""The queries of whistles and the bodies they call."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from geoalchemy2 import WKBElement
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle


def whistle_by_id(session: Session, whistle_id: uuid.UUID) -> Whistle | None:
    """The whistle of an id."""
    return session.scalar(select(Whistle).where(Whistle.id == whistle_id))


#: Made once: to build it costs as much as to ask it.
_JOINT = select(Whistle).where(
    Whistle.district_code == bindparam("district"),
    Whistle.case_id == bindparam("case"),
    Whistle.joint,
    Whistle.state.in_(("proposed", "open")),
)


def joint_whistle_of(session: Session, case: Case) -> Whistle | None:
    """The joint whistle of a case that is proposed or open."""
    return session.scalar(_JOINT, {"district": case.district_code, "case": case.id})


def withdrawn_before(session: Session, case: Case, ground: str) -> bool:
    """Whether a joint whistle of a case on this ground was withdrawn."""
    return any(
        whistle.joint and whistle.state == "withdrawn" and whistle.ground == ground
        for whistle in whistles_of(session, case)
    )


def open_whistles(session: Session, case: Case) -> list[Whistle]:
    """Every whistle of a case that is open, oldest first."""
    return [whistle for whistle in whistles_of(session, case) if whistle.state == "open"]


def reported_footprint(session: Session, case: Case) -> WKBElement | None:
    """The outline that the newest report with one gave of a case (MULTIPOLYGON, 4326)."""
    return session.scalar(
        select(Report.footprint)
        .where(
            Report.case_district == case.district_code,
            Report.case_id == case.id,
            Report.footprint.is_not(None),
        )
        .order_by(Report.id.desc())
        .limit(1)
    )


def whistles_of(session: Session, case: Case) -> list[Whistle]:
    """Every whistle of a case, oldest first."""
    return list(
        session.scalars(
            select(Whistle)
            .where(Whistle.district_code == case.district_code, Whistle.case_id == case.id)
            .order_by(Whistle.id)
        )
    )


def whistles(
    session: Session,
    *,
    joint: bool | None,
    state: str | None,
    district: str | None,
    level: int | None = None,
    after: uuid.UUID | None,
    limit: int,
) -> list[Whistle]:
    """Whistles in the order of their ids, from behind ``after``."""
    query = select(Whistle).order_by(Whistle.id).limit(limit)
    if joint is not None:
        query = query.where(Whistle.joint == joint)
    if level is not None:
        query = query.where(Whistle.level == level)
    if state is not None:
        query = query.where(Whistle.state == state)
    if district is not None:
        query = query.where(
            (Whistle.district_code == district) | (Whistle.participant_district == district)
        )
    if after is not None:
        query = query.where(Whistle.id > after)
    return list(session.scalars(query))


def called_bodies(session: Session, whistle_ids: Sequence[uuid.UUID]) -> list[CalledBody]:
    """The bodies that these whistles called, the sides first."""
    return list(
        session.scalars(
            select(CalledBody)
            .where(CalledBody.whistle_id.in_(whistle_ids))
            .order_by(CalledBody.whistle_id, CalledBody.role.desc(), CalledBody.body_code)
        )
    )


def cases_with_provisional(session: Session) -> list[uuid.UUID]:
    """The cases of open whistles with a limit that counts days that were not announced yet."""
    query = (
        select(Whistle.case_id)
        .join(
            CalledBody,
            (CalledBody.district_code == Whistle.district_code)
            & (CalledBody.whistle_id == Whistle.id),
        )
        .where(CalledBody.provisional, Whistle.state == "open")
        .distinct()
    )
    return list(session.scalars(query))
