"""Campaigns are made, changed with a reason, and call cases; all of it stays in their history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import readable_case, refuse_joined
from gridsvc.cases.systems.campaigns import repository
from gridsvc.cases.systems.campaigns.models import (
    Campaign,
    CampaignCase,
    CampaignChange,
    CampaignPost,
    CampaignTarget,
)
from gridsvc.cases.systems.trials import read_share
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.bodies.service import body_or_refuse

#: A campaign has an end; what goes on for longer is everyday work.
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Target:
    """How many cases a street is to settle; its own office is its sub-headquarters if None."""

    street: str
    target: int
    sub_headquarters: str | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign as somebody plans it."""

    name: str
    area: str
    classes: Sequence[str]
    first_day: dt.date
    last_day: dt.date
    goal: str
    headquarters: str
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Posting:
    """Who shall hold which temporary post, where (None: headquarters), from and to which day."""

    staff_id: uuid.UUID
    post: str
    street: str | None
    first_day: dt.date
    last_day: dt.date


def plan(occasion: Occasion, planned: Planned) -> Campaign:
    """Enter a campaign with its targets. Raises BadInput, NotAllowed, NotFound."""
    session, caller = occasion.session, occasion.caller
    if not caller.supervises(planned.area):
        raise NotAllowed(f"A campaign in {planned.area} is for the supervision of that area.")
    _check_days(planned.first_day, planned.last_day)
    if read_share(planned.goal, "goal") == 0:
        raise BadInput("'goal' is 0; then there is nothing to reach.", field="goal")
    body_or_refuse(session, planned.headquarters, field="headquarters")
    streets = active_areas(session, "street", planned.area, occasion.now)
    if not planned.targets or len({one.street for one in planned.targets}) < len(planned.targets):
        raise BadInput("'targets' has each street once, and at least one.", field="targets")
    for one in planned.targets:
        if one.street not in streets:
            raise BadInput(
                f"'targets': {one.street[:20]} is not a street of {planned.area} in force.",
                field="targets",
            )
        body_or_refuse(session, one.sub_headquarters or one.street, field="targets")
    campaign = Campaign(
        id=uuid7(),
        district_code=planned.area[:6],
        area_code=planned.area,
        name=planned.name,
        classes=sorted(set(planned.classes)),
        first_day=planned.first_day,
        last_day=planned.last_day,
        goal=planned.goal,
        headquarters=planned.headquarters,
        made_at=occasion.now,
        made_by=caller.named[:100],
    )
    session.add(campaign)
    session.flush()
    session.add_all(
        CampaignTarget(
            campaign_id=campaign.id,
            street_code=one.street,
            target=one.target,
            sub_headquarters=one.sub_headquarters or one.street,
        )
        for one in planned.targets
    )
    session.flush()
    return campaign


def set_last_day(occasion: Occasion, id: uuid.UUID, last_day: dt.date, reason: str) -> Campaign:
    """Prolong a campaign, or end it early; today is the earliest day on which it ends.

    Raises NotFound, NotAllowed, BadInput, and Conflict once it has ended.
    """
    campaign, today = _running(occasion, id), occasion.city.day(occasion.now)
    if last_day == campaign.last_day:
        raise BadInput(f"'last_day' is {last_day} already.", field="last_day")
    if last_day < max(today, campaign.first_day):
        raise BadInput(
            f"'last_day' is {last_day}; the earliest day on which it ends is"
            f" {max(today, campaign.first_day)}.",
            field="last_day",
        )
    _check_days(campaign.first_day, last_day)
    change = "prolonged" if last_day > campaign.last_day else "ended_early"
    _note(
        occasion,
        campaign,
        change,
        reason,
        before=campaign.last_day.isoformat(),
        after=last_day.isoformat(),
    )
    campaign.last_day = last_day
    return campaign


def set_target(
    occasion: Occasion, id: uuid.UUID, street: str, target: int, reason: str
) -> Campaign:
    """Give a street another target. Raises NotFound, NotAllowed, BadInput, Conflict."""
    campaign = _running(occasion, id)
    kept = occasion.session.get(CampaignTarget, (campaign.id, street), populate_existing=True)
    if kept is None:
        raise NotFound(f"The campaign has no target for {street[:20]}.", field="street")
    if kept.target == target:
        raise BadInput(f"The target of {street} is {target} already.", field="target")
    _note(
        occasion,
        campaign,
        "target_changed",
        reason,
        street=street,
        before=kept.target,
        after=target,
    )
    kept.target = target
    return campaign


def post(occasion: Occasion, id: uuid.UUID, given: Posting) -> Campaign:
    """Give somebody of the register a temporary post; nobody holds two on a day.

    Raises NotFound, NotAllowed, BadInput, Conflict.
    """
    session, campaign = occasion.session, _running(occasion, id)
    first, last = given.first_day, given.last_day
    if not campaign.first_day <= first <= last <= campaign.last_day:
        raise BadInput(
            f"A post lies in the days of the campaign, {campaign.first_day} to"
            f" {campaign.last_day}.",
            field="first_day",
        )
    if given.street is not None:
        target = session.get(CampaignTarget, (campaign.id, given.street))
        if target is None:
            raise NotFound(f"The campaign has no target for {given.street[:20]}.", field="street")
    member = repository.lock_member(session, given.staff_id)
    if member is None or not occasion.caller.covers(member.district_code):
        raise NotFound(f"Nobody in the register has the id {given.staff_id}.", field="staff")
    if first < member.valid_from or (member.valid_to is not None and last >= member.valid_to):
        raise BadInput(f"{member.code} does not serve on all of these days.", field="first_day")
    other = repository.other_post(session, member, first, last)
    if other is not None:
        raise Conflict(
            f"{member.code} holds the post '{other.post}' from {other.first_day} to"
            f" {other.last_day}."
        )
    n = session.scalar(
        select(func.count()).select_from(CampaignPost).where(CampaignPost.campaign_id == id)
    )
    session.add(
        CampaignPost(
            campaign_id=campaign.id,
            n=(n or 0) + 1,
            staff_district=member.district_code,
            staff_id=member.id,
            street_code=given.street,
            post=given.post,
            first_day=first,
            last_day=last,
        )
    )
    session.flush()
    return campaign


def call_cases(
    occasion: Occasion, id: uuid.UUID, case_ids: Sequence[uuid.UUID], reason: str
) -> list[uuid.UUID]:
    """Call cases into a campaign, wherever they lie; their leads are told, and their traces.

    Gives those that are new in it. Raises NotFound, NotAllowed, Conflict.
    """
    session, campaign = occasion.session, _running(occasion, id)
    new = []
    for case_id in sorted(set(case_ids)):
        readable_case(session, occasion.city, occasion.caller, case_id)
        act = occasion.on(lock_case(session, case_id))
        case = act.case
        refuse_joined(session, case)
        if repository.called_case(session, campaign, case) is not None:
            continue
        session.add(
            CampaignCase(
                campaign_id=campaign.id,
                case_district=case.district_code,
                case_id=case.id,
                called_at=occasion.now,
            )
        )
        if case.state == "closed":
            raise Conflict(
                f"Case {case.id} is closed; what is settled already is called by nobody."
            )
        told = {"campaign": str(campaign.id), "name": campaign.name}
        act.record("campaign_called", {**told, "reason": reason})
        act.tell([case.lead_body], "campaign_called", told)
        new.append(case_id)
    if new:
        ids = [str(one) for one in new]
        _note(occasion, campaign, "cases_called", reason, before=None, after=ids)
    return new


def visible(session: Session, caller: Caller, id: uuid.UUID) -> Campaign:
    """A campaign, for the staff of its district. Raises NotFound, NotAllowed."""
    campaign = repository.campaign_by_id(session, id)
    if campaign is None:
        raise NotFound(f"There is no campaign {id}.")
    if not caller.staff or not campaign.area_code.startswith(caller.area[:6]):
        raise NotAllowed(
            f"The campaign is in {campaign.area_code}, which the token does not cover."
        )
    return campaign


def _running(occasion: Occasion, id: uuid.UUID) -> Campaign:
    """A campaign that has not ended, for its supervision, held for this transaction."""
    campaign = repository.lock_campaign(occasion.session, id)
    if campaign is None:
        raise NotFound(f"There is no campaign {id}.")
    if not occasion.caller.supervises(campaign.area_code):
        raise NotAllowed(f"The campaign is for the supervision of {campaign.area_code}.")
    if occasion.city.day(occasion.now) > campaign.last_day:
        raise Conflict(f"The campaign ended on {campaign.last_day}; its report stands.")
    return campaign


def _check_days(first: dt.date, last: dt.date) -> None:
    if last < first:
        raise BadInput(f"'last_day' is {last}, before the first day.", field="last_day")
    if (last - first).days >= MOST_DAYS:
        raise BadInput(f"A campaign has at most {MOST_DAYS} days.", field="last_day")


def _note(
    occasion: Occasion,
    campaign: Campaign,
    change: str,
    reason: str,
    *,
    before: Any,
    after: Any,
    street: str | None = None,
) -> None:
    known = repository.changes_of(occasion.session, campaign)
    occasion.session.add(
        CampaignChange(
            campaign_id=campaign.id,
            n=len(known) + 1,
            change=change,
            street_code=street,
            before=before,
            after=after,
            reason=reason,
            at=occasion.now,
            by=occasion.caller.named[:100],
        )
    )
    occasion.session.flush()
