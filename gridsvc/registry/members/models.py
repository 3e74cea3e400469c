"""Members by the community in which they live, their teams, and their services."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Member(Base):
    """Somebody who has reported in at the community where they live; nobody has two.

    ``unit`` is the organisation where they work, ``subject`` that of their own token.
    """

    __tablename__ = "member"
    __table_args__ = (
        Index("uq_member_code", "code", unique=True),
        Index("uq_member_subject", "subject", unique=True),
        Index("ix_member_community", "district_code", "community_code", "code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    unit: Mapped[str] = mapped_column(String(100))
    community_code: Mapped[str] = mapped_column(String(12))
    reported_on: Mapped[dt.date] = mapped_column(Date)
    subject: Mapped[str | None] = mapped_column(String(100))


class MemberService(Base):
    """What a member did on a day for the community in which they lived then.

    ``team_code`` is the team in which they did it, ``request_id`` the request for help that it
    answered.
    """

    __tablename__ = "member_service"
    __table_args__ = (
        CheckConstraint("minutes > 0 and minutes <= 1440", "minutes_of_a_day"),
        Index("uq_member_service", "district_code", "member_code", "on_day", "what", unique=True),
        Index("ix_member_service_community", "district_code", "community_code", "on_day"),
        Index(
            "ix_member_service_request",
            "request_id",
            postgresql_where=text("request_id is not null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_code: Mapped[str] = mapped_column(String(20))
    community_code: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[dt.date] = mapped_column(Date)
    what: Mapped[str] = mapped_column(String(200))
    minutes: Mapped[int]
    team_code: Mapped[str | None] = mapped_column(String(20))
    request_id: Mapped[uuid.UUID | None]


class VolunteerTeam(Base):
    """A team of members for a street or a community; ``leader_code`` is one of them."""

    __tablename__ = "volunteer_team"
    __table_args__ = (Index("uq_volunteer_team_code", "code", unique=True),)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    area_code: Mapped[str] = mapped_column(String(12))
    leader_code: Mapped[str] = mapped_column(String(20))


class TeamMember(Base):
    """Somebody in a team."""

    __tablename__ = "volunteer_team_member"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "team_code"],
            ["volunteer_team.district_code", "volunteer_team.code"],
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    team_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    member_code: Mapped[str] = mapped_column(String(20), primary_key=True)
