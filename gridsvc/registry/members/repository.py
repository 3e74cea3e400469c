"""The queries of members and their services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from gridsvc.registry.members.models import Member, MemberService

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Served:
    """The members of a community, how many served there in a time, how often and how long."""

    community_code: str
    members: int
    serving: int
    services: int
    minutes: int


def known_codes(session: Session, codes: Sequence[str]) -> set[str]:
    """Those of these codes that are in the register."""
    found: set[str] = set()
    for at in range(0, len(codes), _AT_ONCE):
        some = list(codes[at : at + _AT_ONCE])
        found |= set(session.scalars(select(Member.code).where(Member.code.in_(some))))
    return found


def codes_of_subjects(session: Session, subjects: Sequence[str]) -> dict[str, str]:
    """Of these subjects of tokens those that a member has, each with the member's code."""
    found: dict[str, str] = {}
    for at in range(0, len(subjects), _AT_ONCE):
        some = list(subjects[at : at + _AT_ONCE])
        query = select(Member.subject, Member.code).where(Member.subject.in_(some))
        found |= {str(subject): code for subject, code in session.execute(query)}
    return found


def member_of_subject(session: Session, subject: str) -> Member | None:
    """The member whose own token has this subject."""
    return session.scalar(select(Member).where(Member.subject == subject))


def write_members(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Enter members; one who is known now lives where the row says, and keeps their subject."""
    for at in range(0, len(rows), _AT_ONCE):
        statement = insert(Member)
        kept = ("district_code", "name", "unit", "community_code", "reported_on")
        values: dict[str, ColumnElement[Any]] = {one: statement.excluded[one] for one in kept}
        values["subject"] = func.coalesce(statement.excluded.subject, Member.subject)
        session.execute(
            statement.on_conflict_do_update(index_elements=["code"], set_=values),
            list(rows[at : at + _AT_ONCE]),
        )


def locked_member(session: Session, code: str) -> Member | None:
    """A member, whose services nobody else enters until this transaction ends."""
    return session.scalar(select(Member).where(Member.code == code).with_for_update())


def members_under(session: Session, prefix: str, *, after: str, limit: int) -> list[Member]:
    """Members who live in areas whose codes begin so, by their own code, behind one."""
    query = select(Member).where(
        under(Member.district_code, Member.community_code, prefix), Member.code > after
    )
    return list(session.scalars(query.order_by(Member.code).limit(limit)))


def services_on(session: Session, member: Member, day: dt.date) -> list[MemberService]:
    """What a member did on a day."""
    query = select(MemberService).where(
        MemberService.district_code == member.district_code,
        MemberService.member_code == member.code,
        MemberService.on_day == day,
    )
    return list(session.scalars(query))


def served(session: Session, prefix: str, since: dt.date, until: dt.date) -> list[Served]:
    """Each community with members or services from a day on until before another, by code."""
    live = session.execute(
        select(Member.community_code, func.count())
        .where(under(Member.district_code, Member.community_code, prefix))
        .group_by(Member.community_code)
    )
    members = {row[0]: row[1] for row in live}
    did = session.execute(
        select(
            MemberService.community_code,
            func.count(MemberService.member_code.distinct()),
            func.count(),
            func.sum(MemberService.minutes),
        )
        .where(
            under(MemberService.district_code, MemberService.community_code, prefix),
            MemberService.on_day >= since,
            MemberService.on_day < until,
        )
        .group_by(MemberService.community_code)
    )
    services = {code: (serving, count, minutes) for code, serving, count, minutes in did}
    return [
        Served(code, members.get(code, 0), *services.get(code, (0, 0, 0)))
        for code in sorted(members.keys() | services.keys())
    ]


def under(
    district: InstrumentedAttribute[str], area: InstrumentedAttribute[str], prefix: str
) -> ColumnElement[bool]:
    """Whether the code of an area, and that of its district, begin so."""
    inside = (
        district == prefix[:6] if len(prefix) >= 6 else district.startswith(prefix, autoescape=True)
    )
    return and_(inside, area.startswith(prefix, autoescape=True))
