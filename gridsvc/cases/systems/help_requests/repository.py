"""The queries of requests for help."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from gridsvc.cases.systems.help_requests.models import HelpRelease, HelpRequest
from gridsvc.registry.members.models import MemberService
from gridsvc.registry.members.repository import under

#: In the place of what was erased.
_ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of the requests of a time: how many in each state, taken up, and rated."""

    states: dict[str, int]
    given_back: int
    did_not_come: int
    scores: dict[int, int]

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def mean(self) -> Fraction | None:
        """The exact mean of the scores, None without any."""
        rated = sum(self.scores.values())
        return Fraction(sum(s * n for s, n in self.scores.items()), rated) if rated else None


def request_by_id(session: Session, id: uuid.UUID, *, lock: bool = False) -> HelpRequest | None:
    """A request; locked, nobody else changes it until the end of this transaction."""
    query = select(HelpRequest).where(HelpRequest.id == id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def open_of(session: Session, body: str | None, subject: str | None) -> int:
    """How many requests of an asker wait for somebody."""
    own = (
        HelpRequest.asker_body == body if body is not None else HelpRequest.asker_subject == subject
    )
    query = select(func.count()).where(own, HelpRequest.state.in_(("open", "taken")))
    return session.scalar(query) or 0


def requests_under(
    session: Session,
    prefix: str,
    *,
    states: Collection[str],
    after: uuid.UUID | None,
    limit: int,
) -> list[HelpRequest]:
    """Requests in areas whose codes begin so, in the order in which they were asked."""
    inside = under(HelpRequest.district_code, HelpRequest.community_code, prefix)
    return _page(session, inside, states, after, limit)


def requests_for(
    session: Session,
    *,
    subject: str,
    member: str | None,
    community: str | None,
    states: Collection[str],
    after: uuid.UUID | None,
    limit: int,
) -> list[HelpRequest]:
    """What somebody asked or has taken, and what they may take where they live."""
    own = [HelpRequest.asker_subject == subject]
    if member is not None:
        own.append(HelpRequest.member_code == member)
        waits = HelpRequest.community_code == community
        own.append(waits & (HelpRequest.state == "open"))
    return _page(session, or_(*own), states, after, limit)


def _page(
    session: Session,
    inside: ColumnElement[bool],
    states: Collection[str],
    after: uuid.UUID | None,
    limit: int,
) -> list[HelpRequest]:
    query = select(HelpRequest).where(inside)
    if states:
        query = query.where(HelpRequest.state.in_(list(states)))
    if after is not None:
        query = query.where(HelpRequest.id > after)
    return list(session.scalars(query.order_by(HelpRequest.id).limit(limit)))


def releases_of(session: Session, request: HelpRequest) -> list[HelpRelease]:
    """Who had taken a request and did not do it, in their order."""
    query = select(HelpRelease).where(
        HelpRelease.district_code == request.district_code,
        HelpRelease.request_id == request.id,
    )
    return list(session.scalars(query.order_by(HelpRelease.n)))


def take_services_back(session: Session, request: HelpRequest) -> None:
    """What was entered as done for a request was not."""
    session.execute(delete(MemberService).where(MemberService.request_id == request.id))


def over(
    session: Session, *, now: dt.datetime, forgotten: dt.datetime, most: int
) -> list[uuid.UUID]:
    """Requests that nobody took in time, or whose time to be rated is over.

    And those of which nobody has said anything since ``forgotten``, though somebody took them.
    """
    waiting = (HelpRequest.state == "open") & (HelpRequest.wanted_by <= now)
    taken = (HelpRequest.state == "taken") & (HelpRequest.wanted_by <= forgotten)
    unrated = (HelpRequest.state == "done") & (HelpRequest.rate_by <= now)
    query = select(HelpRequest.id).where(or_(waiting, taken, unrated))
    return list(session.scalars(query.limit(most)))


def asked(session: Session, prefix: str, since: dt.datetime, until: dt.datetime) -> Asked:
    """What came of requests that were asked from a moment on until before another."""
    inside = (
        under(HelpRequest.district_code, HelpRequest.community_code, prefix),
        HelpRequest.asked_at >= since,
        HelpRequest.asked_at < until,
    )
    states = session.execute(
        select(HelpRequest.state, func.count()).where(*inside).group_by(HelpRequest.state)
    )
    scores = session.execute(
        select(HelpRequest.score, func.count())
        .where(*inside, HelpRequest.score.is_not(None))
        .group_by(HelpRequest.score)
    )
    released = session.execute(
        select(HelpRelease.why, func.count())
        .join(
            HelpRequest,
            (HelpRequest.district_code == HelpRelease.district_code)
            & (HelpRequest.id == HelpRelease.request_id),
        )
        .where(*inside)
        .group_by(HelpRelease.why)
    )
    why = {row[0]: row[1] for row in released}
    return Asked(
        {row[0]: row[1] for row in states},
        why.get("gave_back", 0),
        why.get("did_not_come", 0),
        {int(score or 0): number for score, number in scores},
    )


def erase_words(session: Session, *, before: dt.datetime, now: dt.datetime, limit: int) -> int:
    """Erase who asked and what, of requests that ended before then; gives how many."""
    ended: Sequence[uuid.UUID] = session.scalars(
        select(HelpRequest.id)
        .where(HelpRequest.ended_at <= before, HelpRequest.erased_at.is_(None))
        .limit(limit)
    ).all()
    chosen = HelpRequest.id.in_(ended)
    gone = {"what": _ERASED, "place": None, "asker_subject": None, "rating": None}
    session.execute(update(HelpRequest).where(chosen).values(erased_at=now, **gone))
    session.execute(update(HelpRelease).where(HelpRelease.request_id.in_(ended)).values(note=""))
    return len(ended)
