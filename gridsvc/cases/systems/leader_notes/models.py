"""What a leader wrote on a case, or found on a visit, and what became of it."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class LeaderNote(Base):
    """A note (批办) or a visit (夜访) of a leader, for one person of the register of staff.

    ``leader`` is the subject of the leader's token, ``body_code`` the office of the person whose
    ``staff_code`` it names. ``done_at`` is judged by the ``limit_at`` of then; a leader who is not
    satisfied sets another (``again`` times). ``passed_at`` and ``unanswered_at`` are when it was
    said that a limit had passed. ``words``, ``answer`` and ``result`` are erased with the words of
    the case's trace, which holds them too.
    """

    __tablename__ = "leader_note"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("kind in ('note', 'visit')", "kind_known"),
        CheckConstraint(
            "state in ('written', 'answered', 'done', 'ended', 'withdrawn')", "state_known"
        ),
        CheckConstraint("(state in ('done', 'ended')) <= (done_at is not null)", "done_has_date"),
        CheckConstraint("(kind = 'visit') = (metres_off is not null)", "visit_has_place"),
        Index("ix_leader_note_written", "district_code", "written_at"),
        Index("ix_leader_note_staff", "district_code", "staff_code"),
        Index(
            "ix_leader_note_open",
            "district_code",
            "limit_at",
            postgresql_where=text("state in ('written', 'answered', 'done')"),
        ),
        Index(
            "ix_leader_note_unsaid",
            "limit_at",
            postgresql_where=text("state in ('written', 'answered') and passed_at is null"),
        ),
        Index(
            "ix_leader_note_unanswered",
            "written_at",
            postgresql_where=text("state = 'written' and unanswered_at is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(5))
    leader: Mapped[str] = mapped_column(String(100))
    words: Mapped[str]
    area_code: Mapped[str] = mapped_column(String(12))
    metres_off: Mapped[float | None]
    staff_code: Mapped[str] = mapped_column(String(20))
    body_code: Mapped[str] = mapped_column(String(18))
    written_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    limit_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(9))
    answer: Mapped[str | None]
    answered_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    result: Mapped[str | None]
    done_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    done_by: Mapped[str | None] = mapped_column(String(100))
    late: Mapped[bool | None]
    again: Mapped[int]
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    passed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    unanswered_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
