"""The queries of campaigns."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.campaigns.models import (
    Campaign,
    CampaignCase,
    CampaignChange,
    CampaignPost,
    CampaignTarget,
)
from gridsvc.cases.systems.campaigns.progress import Counts
from gridsvc.registry.staff.models import StaffMember


@dataclass(frozen=True, slots=True)
class Span:
    """What a count looks at: cases opened from ``start`` to before ``until``, and ``today``."""

    start: dt.datetime
    until: dt.datetime
    today: dt.datetime
    standard: str


def campaign_by_id(session: Session, id: uuid.UUID) -> Campaign | None:
    """One campaign."""
    return session.get(Campaign, id)


def lock_campaign(session: Session, id: uuid.UUID) -> Campaign | None:
    """One campaign, which nobody else changes until this transaction ends."""
    return session.get(Campaign, id, with_for_update=True, populate_existing=True)


def campaigns_under(
    session: Session, area: str, first: dt.date, last: dt.date, *, limit: int
) -> Sequence[Campaign]:
    """The campaigns of areas whose codes begin so that have a day in a span, the newest first."""
    query = select(Campaign).where(
        Campaign.area_code.startswith(area, autoescape=True),
        Campaign.first_day <= last,
        Campaign.last_day >= first,
    )
    return session.scalars(
        query.order_by(Campaign.first_day.desc(), Campaign.id.desc()).limit(limit)
    ).all()


def targets_of(session: Session, campaign: Campaign) -> Sequence[CampaignTarget]:
    """The targets of a campaign, by street."""
    query = select(CampaignTarget).where(CampaignTarget.campaign_id == campaign.id)
    return session.scalars(query.order_by(CampaignTarget.street_code)).all()


def changes_of(session: Session, campaign: Campaign) -> Sequence[CampaignChange]:
    """What was changed in a campaign, the first first."""
    query = select(CampaignChange).where(CampaignChange.campaign_id == campaign.id)
    return session.scalars(query.order_by(CampaignChange.n)).all()


def posts_of(session: Session, campaign: Campaign) -> Sequence[tuple[CampaignPost, StaffMember]]:
    """The posts of a campaign with who holds them, in the order in which they were given."""
    rows = session.execute(
        select(CampaignPost, StaffMember)
        .join(
            StaffMember,
            and_(
                StaffMember.district_code == CampaignPost.staff_district,
                StaffMember.id == CampaignPost.staff_id,
            ),
        )
        .where(CampaignPost.campaign_id == campaign.id)
        .order_by(CampaignPost.n)
    )
    return [(post, member) for post, member in rows]


def lock_member(session: Session, id: uuid.UUID) -> StaffMember | None:
    """Somebody of the register, whom nobody else posts until this transaction ends."""
    query = select(StaffMember).where(StaffMember.id == id).with_for_update()
    return session.scalar(query)


def other_post(
    session: Session, member: StaffMember, first: dt.date, last: dt.date
) -> CampaignPost | None:
    """A post that somebody holds on one of these days, in a campaign that has not ended before."""
    query = (
        select(CampaignPost)
        .join(Campaign, Campaign.id == CampaignPost.campaign_id)
        .where(
            CampaignPost.staff_district == member.district_code,
            CampaignPost.staff_id == member.id,
            CampaignPost.first_day <= last,
            func.least(CampaignPost.last_day, Campaign.last_day) >= first,
        )
    )
    return session.scalars(query.limit(1)).first()


def called_case(session: Session, campaign: Campaign, case: Case) -> CampaignCase | None:
    """That a campaign called a case."""
    return session.get(CampaignCase, (campaign.id, case.district_code, case.id))


def counts_by_street(session: Session, campaign: Campaign, span: Span) -> dict[str | None, Counts]:
    """The cases of a campaign by street, None for those without one."""
    settled = and_(Case.state == "closed", Case.closed_at < span.until)
    rows = session.execute(
        select(
            Case.street_code,
            func.count(),
            func.count().filter(settled),
            func.count().filter(Case.opened_at >= span.today),
            func.count().filter(and_(settled, Case.closed_at >= span.today)),
        )
        .where(_of(campaign, span))
        .group_by(Case.street_code)
    )
    return {street: Counts(*numbers) for street, *numbers in rows}


def open_cases(session: Session, campaign: Campaign, span: Span) -> Sequence[Case]:
    """The cases of a campaign that are not settled, the most urgent first."""
    query = select(Case).where(_of(campaign, span), Case.state == "open")
    return session.scalars(query.order_by(Case.limit_at.nulls_last(), Case.id)).all()


def settled_by_day(
    session: Session, campaign: Campaign, span: Span, zone: str
) -> list[tuple[dt.date, int]]:
    """How many cases were settled on each day of the city that has any."""
    day = func.date(func.timezone(zone, Case.closed_at))
    rows = session.execute(
        select(day, func.count())
        .where(_of(campaign, span), Case.state == "closed", Case.closed_at < span.until)
        .group_by(day)
        .order_by(day)
    )
    return [(row[0], row[1]) for row in rows]


def _of(campaign: Campaign, span: Span) -> ColumnElement[bool]:
    """The cases of a campaign: of its area, classes and days, or called by it.

    One that was joined into another goes on there; one that was not filed, or is void, was none.
    """
    area = campaign.area_code
    own = select(Case.district_code, Case.id).where(
        Case.district_code == campaign.district_code,
        Case.street_code == area if len(area) == 9 else true(),
        Case.standard == span.standard,
        or_(*(Case.class_code.startswith(one, autoescape=True) for one in campaign.classes))
        if campaign.classes
        else true(),
        Case.opened_at >= span.start,
        Case.opened_at < span.until,
    )
    called = select(CampaignCase.case_district, CampaignCase.case_id).where(
        CampaignCase.campaign_id == campaign.id
    )
    # A union finds each by its own index; "or" would look at every case there is.
    its = tuple_(Case.district_code, Case.id).in_(own.union(called))
    return and_(its, Case.joined_into.is_(None), Case.outcome.is_(None))
