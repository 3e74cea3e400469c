"""How a campaign stands: progress by street and whole, what is behind its plan, and why."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Occasion, procedure_of
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress as CaseProgress
from gridsvc.cases.systems.campaigns import repository
from gridsvc.cases.systems.campaigns.models import Campaign
from gridsvc.cases.systems.campaigns.progress import (
    Counts,
    Days,
    Progress,
    attained,
    progress_of,
    whole_of,
)
from gridsvc.cases.systems.campaigns.repository import Span
from gridsvc.cases.systems.reminders import holders_of
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.bodies.repository import bodies_by_code

_DAY = dt.timedelta(days=1)
#: So many cases of a reason are named, the most urgent first.
_NAMED = 5
#: A review has no more campaigns.
_MOST = 50
#: Who only counts.
_READER = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))


class Why(StrEnum):
    """Why a case is not settled; a suspended one is not overdue."""

    SUSPENDED = "suspended"
    OVERDUE = "overdue"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Reason:
    """Open cases that stand for the same reason, at the same step, with the same holders."""

    why: Why
    step: tuple[str, str]
    holders: tuple[str, ...]
    count: int
    cases: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands at a moment.

    ``reasons`` by street, None for cases outside of every target, sum to its open cases; once the
    campaign has ended there are none. ``streets`` and ``bodies`` are names by code.
    """

    campaign: Campaign
    day: dt.date
    days: Days
    goal: Fraction
    ended: bool
    lines: Sequence[Progress]
    whole: Progress
    reasons: Mapping[str | None, Sequence[Reason]]
    streets: Mapping[str, str]
    bodies: Mapping[str, str]

    @property
    def attained(self) -> bool:
        """Whether its goal is reached by now."""
        return attained(self.whole, self.goal)


def span_of(occasion: Occasion, campaign: Campaign) -> Span:
    """What is counted: to the end of the last day, or to now. Figures of an ended one stay."""
    calendar = occasion.city.calendar
    end = calendar.begins(campaign.last_day + _DAY)
    until = min(end, occasion.now)
    day = occasion.city.day(until if until < end else until - dt.timedelta(microseconds=1))
    start = calendar.begins(campaign.first_day)
    return Span(start, until, calendar.begins(day), occasion.city.standard)


def standing_of(occasion: Occasion, campaign: Campaign, *, reasons: bool = True) -> Standing:
    """How a campaign stands now; one that has ended, as at the end of its last day."""
    session, span = occasion.session, span_of(occasion, campaign)
    day = occasion.city.day(span.today)
    ended = occasion.city.day(occasion.now) > campaign.last_day
    days = Days(campaign.first_day, campaign.last_day)
    set_out = repository.targets_of(session, campaign)
    targets = {one.street_code: one.target for one in set_out}
    counts = repository.counts_by_street(session, campaign, span)
    keys: list[str | None] = [
        *targets,
        *sorted(one for one in counts if one and one not in targets),
    ]
    if None in counts:
        keys.append(None)
    lines = [
        progress_of(key, targets.get(key or "", 0), counts.get(key, Counts()), days, day)
        for key in keys
    ]
    found: Mapping[str | None, Sequence[Reason]] = {}
    if reasons and not ended:
        found = _reasons(occasion, repository.open_cases(session, campaign, span))
    streets = _streets(occasion, [one for one in keys if one])
    leading = {campaign.headquarters, *(one.sub_headquarters for one in set_out)}
    bodies = _bodies(occasion, leading, found)
    goal = Fraction(campaign.goal)
    return Standing(
        campaign, day, days, goal, ended, lines, whole_of(lines), found, streets, bodies
    )


def share_of(reached: int, target: int) -> str:
    """A share in percent to one decimal, rounded down, so that 89.99 is never shown as 90."""
    if not target:
        return "–"
    tenths = Fraction(reached * 1_000, target)
    return f"{tenths // 1 / 10:.1f}"


def standings(
    session: Session, city: City, area: str, first: dt.date, last: dt.date, *, now: dt.datetime
) -> tuple[Standing, ...]:
    """How the campaigns of an area with a day in a span stand, the newest first."""
    occasion = Occasion(session, city, _READER, now)
    found = repository.campaigns_under(session, area, first, last, limit=_MOST)
    return tuple(standing_of(occasion, one, reasons=False) for one in found)


def _bodies(
    occasion: Occasion, leading: set[str], reasons: Mapping[str | None, Sequence[Reason]]
) -> dict[str, str]:
    """The names of those who lead and of those who hold cases."""
    codes = set(leading)
    for every in reasons.values():
        codes |= {holder for one in every for holder in one.holders}
    return {code: one.name for code, one in bodies_by_code(occasion.session, codes).items()}


def _streets(occasion: Occasion, codes: Sequence[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for district in sorted({one[:6] for one in codes}):
        known |= active_areas(occasion.session, "street", district, occasion.now)
    return {one: known[one] for one in codes if one in known}


def _reasons(occasion: Occasion, cases: Sequence[Case]) -> dict[str | None, Sequence[Reason]]:
    """Each open case in one reason, by street; those that most cases have first."""
    grouped: dict[tuple[str | None, Why, tuple[str, str], tuple[str, ...]], list[uuid.UUID]]
    grouped = defaultdict(list)
    for case in cases:
        step = procedure_of(occasion.city, case).step(case.step)
        title = (case.step, case.step) if step is None else (step.title_zh, step.title)
        key = (case.street_code, _why(case, occasion.now), title, _holders(occasion, case))
        grouped[key].append(case.id)
    found: dict[str | None, list[Reason]] = defaultdict(list)
    for (street, why, title, holders), ids in grouped.items():
        found[street].append(Reason(why, title, holders, len(ids), tuple(ids[:_NAMED])))
    return {
        street: sorted(every, key=lambda one: (-one.count, one.why, one.holders, one.step))
        for street, every in found.items()
    }


def _why(case: Case, now: dt.datetime) -> Why:
    if case.suspended_until is not None and case.suspended_until > now:
        return Why.SUSPENDED
    return Why.OVERDUE if case.limit_at is not None and case.limit_at <= now else Why.WAITING


def _holders(occasion: Occasion, case: Case) -> tuple[str, ...]:
    """For whom a case waits: body codes, or supervision, command, the reporter."""
    progress = CaseProgress.from_json(case.progress)
    steps = open_steps(procedure_of(occasion.city, case), progress)
    if any(step.by in (Actor.CALLED, Actor.EACH_CALLED) for step in steps):
        # Whether a called body is done, a whistle says.
        return holders_of(occasion.on(case))
    for step in steps:
        holders = tuple(one for one in parties(progress, step.by) if one not in progress.taken_by)
        if holders:
            return holders
    return ()
