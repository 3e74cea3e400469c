"""The queries of cases."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, StatedTime, Submission
from gridsvc.errors import BadInput, NotFound


def case_by_id(session: Session, case_id: uuid.UUID) -> Case | None:
    """The case of an id."""
    return session.scalar(select(Case).where(Case.id == case_id))


def cases_by_id(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """The cases of these ids."""
    found = session.scalars(select(Case).where(Case.id.in_(set(case_ids))))
    return {case.id: case for case in found}


#: Made once: to build it costs as much as to ask it.
_LOCKED_CASE = (
    select(Case)
    .where(Case.id == bindparam("id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_case(session: Session, case_id: uuid.UUID) -> Case:
    """The case of an id, kept for this transaction: of two at once, one waits.

    Raises NotFound.
    """
    case = session.scalar(_LOCKED_CASE, {"id": case_id})
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    return case


def submissions(session: Session, case: Case) -> list[Submission]:
    """Everything that bodies submitted in a case, in its order."""
    return list(
        session.scalars(
            select(Submission)
            .where(Submission.district_code == case.district_code, Submission.case_id == case.id)
            .order_by(Submission.n)
        )
    )


def stated_times(session: Session, case: Case) -> list[StatedTime]:
    """Every time that bodies stated in a case, in its order."""
    return list(
        session.scalars(
            select(StatedTime)
            .where(StatedTime.district_code == case.district_code, StatedTime.case_id == case.id)
            .order_by(StatedTime.n)
        )
    )


def provisional_cases(session: Session) -> list[uuid.UUID]:
    """The open cases with a limit that counts days that were not announced when it was set."""
    query = select(Case.id).where(Case.limits_provisional, Case.state == "open").order_by(Case.id)
    return list(session.scalars(query))


def provisional_submissions(session: Session) -> list[Submission]:
    """What was overdue by such a limit, and has not been excused, in the order of its cases."""
    query = (
        select(Submission)
        .where(Submission.course.is_not(None), Submission.excused.is_(None))
        .order_by(Submission.case_id, Submission.n)
    )
    return list(session.scalars(query))


def cases_of(
    session: Session,
    *,
    prefix: str,
    own_body: str | None,
    body: str | None,
    state: str | None,
    by_limit: bool,
    after: CasePlace | None,
    limit: int,
) -> list[Case]:
    """Cases of areas under a prefix, or of a district that takes part, from behind ``after``.

    Those that ``own_body`` leads or is the other side of are among them, wherever they lie.
    The newest last; or with ``by_limit`` the most urgent first, those without a limit last.
    """
    query = select(Case).limit(limit)
    if prefix:
        district = prefix[:6]
        of_district = or_(
            Case.district_code.startswith(district), Case.participant_district.startswith(district)
        )
        if len(prefix) > 6:
            area = Case.street_code if len(prefix) <= 9 else Case.community_code
            inside = area.startswith(prefix)
            if own_body is not None:
                other_side = Case.progress["other"].astext
                inside |= (Case.lead_body == own_body) | (other_side == own_body)
            of_district &= inside
        query = query.where(of_district)
    if body is not None:
        query = query.where(Case.lead_body == body)
    if state is not None:
        query = query.where(Case.state == state)
    if not by_limit:
        query = query.order_by(Case.id)
        if after is not None:
            query = query.where(Case.id > after.id)
    else:
        query = query.order_by(Case.limit_at.nulls_last(), Case.id)
        if after is not None and after.limit_at is None:
            query = query.where(Case.limit_at.is_(None), Case.id > after.id)
        elif after is not None:
            behind = tuple_(Case.limit_at, Case.id) > (after.limit_at, after.id)
            query = query.where(behind | Case.limit_at.is_(None))
    return list(session.scalars(query))


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CasePlace:
    """A case's id and its limit; None for a case without one, which comes after all others."""

    id: uuid.UUID
    limit_at: dt.datetime | None = None

    def to_text(self, *, by_limit: bool) -> str:
        """The id; with ``by_limit`` before it the microseconds since 1970 and a full stop."""
        if not by_limit:
            return str(self.id)
        since = "" if self.limit_at is None else (self.limit_at - _EPOCH) // _MICROSECOND
        return f"{since}.{self.id}"

    @classmethod
    def from_text(cls, text: str, *, by_limit: bool) -> CasePlace:
        """The place that :meth:`to_text` wrote. Raises BadInput."""
        since, _, id = text.rpartition(".")
        try:
            if bool("." in text) != by_limit:
                raise ValueError("a cursor of the other order")
            limit_at = _EPOCH + int(since) * _MICROSECOND if since else None
            return cls(uuid.UUID(id), limit_at)
        except (ValueError, OverflowError):
            raise BadInput(
                "Invalid cursor; pass `next` of the previous page, with the same `order`.",
                field="cursor",
            ) from None
