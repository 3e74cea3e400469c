"""The queries of teams, and of the hours of people, teams and organisations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gridsvc.registry.members.models import Member, MemberService, TeamMember, VolunteerTeam
from gridsvc.registry.members.repository import under


class By(StrEnum):
    """Of whom hours are told."""

    PERSON = "person"
    TEAM = "team"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Hours:
    """What one person, team or organisation did; ``people`` is how many of it did something."""

    key: str
    name: str
    people: int
    services: int
    minutes: int


def replace_teams(
    session: Session, teams: Sequence[tuple[VolunteerTeam, Sequence[TeamMember]]]
) -> int:
    """Enter teams with their people, in place of those of their codes; how many were known."""
    codes = [team.code for team, _ in teams]
    session.execute(delete(TeamMember).where(TeamMember.team_code.in_(codes)))
    gone = delete(VolunteerTeam).where(VolunteerTeam.code.in_(codes))
    known = len(session.scalars(gone.returning(VolunteerTeam.code)).all())
    session.add_all(team for team, _ in teams)
    session.flush()
    session.add_all(one for _, people in teams for one in people)
    session.flush()
    return known


def team_by_code(session: Session, code: str) -> VolunteerTeam | None:
    """A team."""
    return session.scalar(select(VolunteerTeam).where(VolunteerTeam.code == code))


def people_of(session: Session, team: VolunteerTeam) -> set[str]:
    """The codes of those who are in a team."""
    query = select(TeamMember.member_code).where(
        TeamMember.district_code == team.district_code, TeamMember.team_code == team.code
    )
    return set(session.scalars(query))


def teams_under(
    session: Session, prefix: str, *, after: str, limit: int
) -> list[tuple[VolunteerTeam, int]]:
    """The teams of areas whose codes begin so, each with how many are in it, by their codes."""
    number = (
        select(func.count())
        .where(
            TeamMember.district_code == VolunteerTeam.district_code,
            TeamMember.team_code == VolunteerTeam.code,
        )
        .scalar_subquery()
    )
    query = select(VolunteerTeam, number).where(
        under(VolunteerTeam.district_code, VolunteerTeam.area_code, prefix),
        VolunteerTeam.code > after,
    )
    rows = session.execute(query.order_by(VolunteerTeam.code).limit(limit))
    return [(team, people) for team, people in rows]


def hours(
    session: Session,
    by: By,
    prefix: str,
    since: dt.date,
    until: dt.date,
    *,
    after: str,
    limit: int,
) -> list[Hours]:
    """Services from a day on until before another in areas whose codes begin so, by key.

    A service counts for one person and one organisation, that of the person now, and for at most
    one team.
    """
    key: Any = {
        By.PERSON: Member.code,
        By.TEAM: VolunteerTeam.code,
        By.ORGANISATION: Member.unit,
    }[by]
    name: Any = {
        By.PERSON: Member.name,
        By.TEAM: VolunteerTeam.name,
        By.ORGANISATION: Member.unit,
    }[by]
    people = func.count(MemberService.member_code.distinct())
    query = (
        select(key, func.max(name), people, func.count(), func.sum(MemberService.minutes))
        .select_from(MemberService)
        .join(Member, Member.code == MemberService.member_code)
        .where(
            under(MemberService.district_code, MemberService.community_code, prefix),
            MemberService.on_day >= since,
            MemberService.on_day < until,
            key > after,
        )
        .group_by(key)
        .order_by(key)
        .limit(limit)
    )
    if by is By.TEAM:
        query = query.join(VolunteerTeam, VolunteerTeam.code == MemberService.team_code)
    return [Hours(*row) for row in session.execute(query)]
