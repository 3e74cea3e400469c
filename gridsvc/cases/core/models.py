"""Cases (案卷), what bodies submitted in them, and their traces."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.cases.core.words import is_hash, together
from gridsvc.db.base import Base

#: The bodies that a case's progress names, as a JSON array; an index finds cases by it.
BODIES = (
    "((jsonb_path_query_array(progress, '$.called[*].body')"
    " || jsonb_path_query_array(progress, '$.seats.*'))"
    " || coalesce(progress -> 'other', 'null'))"
)
#: Whether the codes of a case's areas do not lie in each other, as levels that contradict do.
CONTRADICTS = (
    "(left(case_file.street_code, 6) <> case_file.district_code"
    " or left(case_file.community_code, 9) <> case_file.street_code)"
)


class Case(Base):
    """One case: its procedure with the version it began with, its step, its lead, its place.

    ``progress`` holds which side has taken which step, as the procedure engine keeps it;
    ``participant_district`` is the other district of a joint case. ``trace_entries`` and
    ``trace_head`` are the number and the hash of the newest entry of its trace, so that entries
    cannot be cut off its end unseen. ``step_since`` is when the present step became due;
    ``grade`` names the case's limit. A suspended case resumes by itself at ``suspended_until``.
    ``followed``: somebody is told of what happens in it.
    ``joined_into`` names the case that took over its reports, maybe of another district;
    ``reopened_from`` the closed one that this one goes on with.

    ``due_at`` is the deadline by which it is assessed: it moves on with every step that is taken in
    time, and stays at the first limit that passed, so that no late act moves it into another month.
    ``limit_course`` is how the present limit runs, None where the called bodies have their own;
    ``overall_at`` is until when the case must be answered, counted from its intake, and
    ``overall_course`` how that runs. ``answered_at`` is when its answering step was taken last,
    None before and while it is reworked; ``overall_overdue`` whether that was too late, None
    before. ``limits_provisional``: some of these limits count working days that are not announced
    yet. ``outcome`` is how a case ended that was not filed (不予立案) or is void (作废).
    ``street_code`` and ``community_code`` are those of the report that opened it, ``inspector`` the
    grid worker who collected it; None where there is none. ``place_key`` is the address of the
    report that opened it, or where that gave none (``place_learnt``) of the first that did.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_file_id", "id"),
        Index("ix_case_file_point", "point", postgresql_using="gist"),
        # Few of all cases are open; and every new report looks for those near it.
        Index(
            "ix_case_file_open_point",
            "point",
            postgresql_using="gist",
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_case_file_closed_cell",
            "class_code",
            text("(floor(st_x(point) * 250)::int)"),
            text("(floor(st_y(point) * 250)::int)"),
            postgresql_where=text("state = 'closed'"),
        ),
        CheckConstraint("state in ('open', 'closed')", "state_known"),
        CheckConstraint(
            "outcome is null or (outcome in ('not_filed', 'void') and state = 'closed')",
            "outcome_known",
        ),
        CheckConstraint("(state = 'closed') = (closed_at is not null)", "closed_has_date"),
        Index("ix_case_file_body", "lead_body", "state", "id"),
        Index(
            "ix_case_file_urgent",
            "lead_body",
            "limit_at",
            "id",
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_case_file_class", "district_code", "class_code", "state", "opened_at", "id"),
        # Lists are of the city, a district, a street or a body, in the order of the opening.
        Index("ix_case_file_opened", "opened_at", "id"),
        Index("ix_case_file_district", "district_code", "opened_at", "id"),
        Index("ix_case_file_listed", "street_code", "state", "opened_at", "id"),
        Index(
            "ix_case_file_participant",
            "participant_district",
            "opened_at",
            "id",
            postgresql_where=text("participant_district is not null"),
        ),
        Index("ix_case_file_contradicting", "id", postgresql_where=text(CONTRADICTS)),
        Index("ix_case_file_bodies", text(BODIES), postgresql_using="gin"),
        Index(
            "ix_case_file_open",
            "district_code",
            "limit_at",
            "id",
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_case_file_closed",
            "closed_at",
            "district_code",
            postgresql_where=text("state = 'closed'"),
        ),
        Index("ix_case_file_due", "district_code", "due_at"),
        Index(
            "ix_case_file_part",
            "district_code",
            "part_code",
            postgresql_where=text("part_code is not null"),
        ),
        Index(
            "ix_case_file_place",
            "district_code",
            "place_key",
            postgresql_where=text("place_key is not null"),
        ),
        Index(
            "ix_case_file_joined_into",
            "joined_into",
            postgresql_where=text("joined_into is not null"),
        ),
        Index(
            "ix_case_file_reopened_from",
            "reopened_from",
            postgresql_where=text("reopened_from is not null"),
        ),
        # Limits that pass are looked for every minute.
        Index("ix_case_file_limit_at", "limit_at", postgresql_where=text("state = 'open'")),
        Index("ix_case_file_overall_at", "overall_at", postgresql_where=text("state = 'open'")),
        # What is newest in a street.
        Index("ix_case_file_street", "district_code", "street_code", "id"),
        Index(
            "ix_case_file_provisional",
            "district_code",
            "id",
            postgresql_where=text("limits_provisional"),
        ),
        CheckConstraint(
            "(joined_into is null) = (joined_into_district is null)", "joined_into_whole"
        ),
        CheckConstraint("joined_into is null or state = 'closed'", "joined_is_closed"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    procedure: Mapped[str] = mapped_column(String(40))
    procedure_version: Mapped[int]
    step: Mapped[str] = mapped_column(String(40))
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(6))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_code: Mapped[str] = mapped_column(String(5))
    lead_body: Mapped[str] = mapped_column(String(18))
    participant_district: Mapped[str | None] = mapped_column(String(6))
    part_code: Mapped[str | None] = mapped_column(String(8))
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    trace_entries: Mapped[int] = mapped_column(default=0)
    trace_head: Mapped[str] = mapped_column(String(64), default="0" * 64)
    limit_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    grade: Mapped[str | None] = mapped_column(String(20))
    step_since: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    suspended_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    suspensions: Mapped[int] = mapped_column(default=0, server_default="0")
    extensions: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    street_code: Mapped[str | None] = mapped_column(String(9))
    community_code: Mapped[str | None] = mapped_column(String(12))
    inspector: Mapped[str | None] = mapped_column(String(100))
    limit_course: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    overall_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    overall_course: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    answered_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    overall_overdue: Mapped[bool | None]
    limits_provisional: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    outcome: Mapped[str | None] = mapped_column(String(9))
    place_key: Mapped[str | None] = mapped_column(String(collation="C"))
    place_learnt: Mapped[bool] = mapped_column(default=False, server_default="false")
    joined_into_district: Mapped[str | None] = mapped_column(String(6))
    joined_into: Mapped[uuid.UUID | None]
    reopened_from: Mapped[uuid.UUID | None]
    followed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class Submission(Base):
    """A step that a body handed in, with the raw fact whether it was overdue.

    ``n`` is the number of its trace entry; ``since`` and ``limit_at`` are the body's own clock.
    ``overdue`` is never changed, whatever an appeal says; it does not count where it is
    ``excused``: by a stated time that supervision accepted, or by a calendar that came later and
    of which ``course`` was waiting.
    """

    __tablename__ = "hand_in"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("score between 0 and 100", "score_in_percent"),
        CheckConstraint("excused in ('stated_time', 'calendar')", "excuse_known"),
        Index("ix_hand_in_body", "district_code", "body_code", "handed_in_at"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(String(40))
    body_code: Mapped[str] = mapped_column(String(18))
    since: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    limit_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    handed_in_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    overdue: Mapped[bool]
    score: Mapped[int | None]
    excused: Mapped[str | None] = mapped_column(String(11))
    course: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class StatedTime(Base):
    """A time before the arrival of its message, at which a body says that it did something.

    It counts once supervision has accepted the evidence for it. ``n`` is the number of the trace
    entry of the act; ``whistle_id`` is the whistle of an act of a called body, None for a step.
    """

    __tablename__ = "stated_time"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("(accepted is null) = (decided_at is null)", "decision_has_date"),
        Index(
            "ix_stated_time_undecided",
            "district_code",
            "received_at",
            postgresql_where=text("accepted is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[str] = mapped_column(String(40))
    body_code: Mapped[str] = mapped_column(String(18))
    whistle_id: Mapped[uuid.UUID | None]
    stated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    accepted: Mapped[bool | None]
    decided_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class TraceEntry(Base):
    """One thing that happened in a case; partitioned by month, never updated or deleted.

    ``at`` is when it happened, ``written_at`` when it was written: after-the-fact records
    differ. ``hash`` covers every column and the ``previous_hash``, but not ``words``: what people
    wrote, of which ``content`` holds salted hashes (:mod:`gridsvc.cases.core.words`). It is None
    where nobody wrote anything, and once it is erased.
    """

    __tablename__ = "trace"
    __table_args__ = (
        # Entries are written in the order of their time: the log of all traces reads the newest.
        Index(
            "ix_trace_written_at",
            "written_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (written_at)"},
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    written_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    action: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(100))
    body_code: Mapped[str | None] = mapped_column(String(18))
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    @property
    def told(self) -> dict[str, Any]:
        """The content with the words in their places; those that were erased are left out."""
        return together(self.content, self.words)

    @property
    def hashes(self) -> dict[str, str]:
        """The salted hash of each of the words, by its name in the content."""
        return {name: held["sha256"] for name, held in self.content.items() if is_hash(held)}

    @property
    def salt(self) -> str | None:
        """That of the hashes; None where there are no words, or none any more."""
        return self.words["salt"] if self.words else None
