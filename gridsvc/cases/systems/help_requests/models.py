"""Requests for help, and those who had taken one and did not do it."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class HelpRequest(Base):
    """Something that somebody asks of the members of a community.

    A body asks (``asker_body``) or a resident, known by the subject of their token
    (``asker_subject``). ``wanted_by``: after that nobody takes it. ``rate_by``: after that it stays
    unrated. ``member_code`` is who has taken it, or leads the team that did (``team_code``).
    ``ended_at`` is when nothing more was to come of it; ``what``, ``place``, ``rating`` and
    ``asker_subject`` are erased a time after it.
    """

    __tablename__ = "help_request"
    __table_args__ = (
        CheckConstraint(
            "state in ('open', 'taken', 'done', 'rated', 'unrated', 'lapsed', 'withdrawn')",
            "state_known",
        ),
        CheckConstraint(
            "(state in ('taken', 'done', 'rated', 'unrated')) <= (member_code is not null)",
            "taken_by_somebody",
        ),
        CheckConstraint("(state = 'rated') = (score is not null)", "rated_has_score"),
        CheckConstraint("score between 1 and 5", "score_of_five"),
        Index("ix_help_request_id", "id"),
        Index("ix_help_request_community", "district_code", "community_code", "id"),
        Index(
            "ix_help_request_asker",
            "asker_subject",
            "id",
            postgresql_where=text("asker_subject is not null"),
        ),
        Index(
            "ix_help_request_waiting",
            "wanted_by",
            postgresql_where=text("state in ('open', 'taken')"),
        ),
        Index("ix_help_request_rate", "rate_by", postgresql_where=text("state = 'done'")),
        Index(
            "ix_help_request_ended",
            "ended_at",
            postgresql_where=text("ended_at is not null and erased_at is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    community_code: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(20))
    what: Mapped[str]
    place: Mapped[str | None]
    asker_body: Mapped[str | None] = mapped_column(String(18))
    asker_subject: Mapped[str | None] = mapped_column(String(100))
    asked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    wanted_by: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(9))
    member_code: Mapped[str | None] = mapped_column(String(20))
    team_code: Mapped[str | None] = mapped_column(String(20))
    taken_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    rate_by: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    score: Mapped[int | None]
    rating: Mapped[str | None]
    rated_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    erased_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class HelpRelease(Base):
    """Somebody had taken a request and did not do it: given back, or did not come."""

    __tablename__ = "help_release"
    __table_args__ = (
        CheckConstraint("why in ('gave_back', 'did_not_come')", "why_known"),
        ForeignKeyConstraint(
            ["district_code", "request_id"], ["help_request.district_code", "help_request.id"]
        ),
        Index("ix_help_release_member", "member_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    member_code: Mapped[str] = mapped_column(String(20))
    team_code: Mapped[str | None] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(String(12))
    note: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
