"""What is proposed about people of a roster, replacements asked for, and monthly judgements."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


def _of_posting() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["district_code", "posting_id"], ["posting.district_code", "posting.id"]
    )


class PostingProposal(Base):
    """A posting, a transfer away or a reward that a body proposes to a street (双重管理).

    ``posting_id`` is the posting that a transfer ends, a reward is for, or a new posting takes the
    place of. ``valid_from`` is the day from which a posting or transfer shall hold; it does so
    from ``effective_on``. The opinion is the street's own; ``decided_by`` is supervision's, after
    an objection. ``answer_by`` is until when the street was to give it.
    """

    __tablename__ = "posting_proposal"
    __table_args__ = (
        CheckConstraint("kind in ('posting', 'transfer', 'reward')", "kind_known"),
        CheckConstraint(
            "state in ('asked', 'objected', 'in_effect', 'rejected', 'withdrawn')", "state_known"
        ),
        # The promise of the whole noun: nothing takes effect without the street's opinion.
        CheckConstraint(
            "state not in ('objected', 'in_effect', 'rejected')"
            " or (agrees is not null and opinion_by is not null and opinion_at is not null)",
            "opinion_on_record",
        ),
        CheckConstraint("(state = 'in_effect') = (effective_on is not null)", "effective_on"),
        CheckConstraint(
            "(kind = 'posting') = (posting_kind is not null)"
            " and (kind = 'posting' or posting_id is not null)",
            "about_a_posting",
        ),
        _of_posting(),
        Index("ix_posting_proposal_id", "id"),
        Index("ix_posting_proposal_street", "district_code", "street_code", "id"),
        Index(
            "uq_posting_proposal_transfer",
            "district_code",
            "posting_id",
            unique=True,
            postgresql_where=text("kind = 'transfer' and state in ('asked', 'objected')"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    staff_code: Mapped[str] = mapped_column(String(20))
    street_code: Mapped[str] = mapped_column(String(9))
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    posting_id: Mapped[uuid.UUID | None]
    posting_kind: Mapped[str | None] = mapped_column(String(7))
    station: Mapped[Any | None] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    words: Mapped[str]
    state: Mapped[str] = mapped_column(String(9))
    proposed_by: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    answer_by: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    agrees: Mapped[bool | None]
    opinion: Mapped[str | None]
    opinion_by: Mapped[str | None] = mapped_column(String(100))
    opinion_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[str | None] = mapped_column(String(100))
    decided_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    decision: Mapped[str | None]
    effective_on: Mapped[dt.date | None] = mapped_column(Date)


class Replacement(Base):
    """A street asks a body for somebody else; the body names one, or says why not.

    Whoever is named stands in ``proposal_id``, on which the street gives its opinion as on any.
    """

    __tablename__ = "posting_replacement"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'named', 'refused')", "state_known"),
        CheckConstraint("(state = 'named') = (proposal_id is not null)", "named_by_a_proposal"),
        _of_posting(),
        ForeignKeyConstraint(
            ["district_code", "proposal_id"],
            ["posting_proposal.district_code", "posting_proposal.id"],
        ),
        Index("ix_posting_replacement_id", "id"),
        Index(
            "uq_posting_replacement_asked",
            "district_code",
            "posting_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    posting_id: Mapped[uuid.UUID]
    street_code: Mapped[str] = mapped_column(String(9))
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(String(7))
    asked_by: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    answer_by: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    answered_by: Mapped[str | None] = mapped_column(String(100))
    answered_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    answer: Mapped[str | None]
    proposal_id: Mapped[uuid.UUID | None]


class PostingJudgement(Base):
    """What a street says of somebody who is posted to it, for a month; given once and for good.

    ``month`` is its first day, ``score`` 0 to 100.
    """

    __tablename__ = "posting_judgement"
    __table_args__ = (
        CheckConstraint("score between 0 and 100", "score_of_hundred"),
        CheckConstraint("extract(day from month) = 1", "first_of_month"),
        _of_posting(),
        Index("ix_posting_judgement_month", "district_code", "month", "street_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    posting_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    month: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    street_code: Mapped[str] = mapped_column(String(9))
    body_code: Mapped[str] = mapped_column(String(18))
    staff_code: Mapped[str] = mapped_column(String(20))
    score: Mapped[int]
    note: Mapped[str]
    judged_by: Mapped[str] = mapped_column(String(100))
    judged_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
