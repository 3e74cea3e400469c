"""Whistles and the bodies they call."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Whistle(Base):
    """A call, inside a case, from one body to others, with its ground and demand letter.

    ``level`` is 1 to 3, 4 from the district to the city, None for a joint one; ``follows_id`` the
    whistle of the same case from which this one came. ``caller_body`` is the party that scores and
    closes: a body, else ``reporter`` or ``supervision``. ``postponed`` and ``pressed`` count how
    often its date was put off and how often supervision pressed. ``recorded_at`` is set when it was
    made by telephone and recorded afterwards. ``limit_courses`` is how the limits of its bodies
    run, None for a joint one. A ``raised`` one has gone up a level unsolved.
    ``footprint`` is the outline of what it is about, once a report or a meeting has given it.
    """

    __tablename__ = "whistle"
    __table_args__ = (
        Index("ix_whistle_id", "id"),
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("kind in ('everyday', 'tough', 'emergency')", "kind_known"),
        CheckConstraint(
            "state in ('proposed', 'open', 'closed', 'raised', 'withdrawn')", "state_known"
        ),
        CheckConstraint("joint = (level is null)", "level_unless_joint"),
        CheckConstraint("level between 1 and 4", "level_known"),
        CheckConstraint("recorded_at >= blown_at", "recorded_afterwards"),
        Index("ix_whistle_case", "district_code", "case_id"),
        Index("ix_whistle_blown", "blown_at", "id"),
        Index("ix_whistle_listed", "district_code", "blown_at", "id"),
        Index("ix_whistle_participant", "participant_district"),
        Index("ix_whistle_point", "point", postgresql_using="gist"),
        Index("ix_whistle_footprint", "footprint", postgresql_using="gist"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(9))
    joint: Mapped[bool]
    level: Mapped[int | None] = mapped_column(SmallInteger)
    follows_id: Mapped[uuid.UUID | None]
    ground: Mapped[str] = mapped_column(String(20))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    demand: Mapped[dict[str, Any]] = mapped_column(JSONB)
    caller_body: Mapped[str] = mapped_column(String(18))
    participant_district: Mapped[str | None] = mapped_column(String(6))
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    footprint: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    state: Mapped[str] = mapped_column(String(9))
    blown_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    postponed: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    pressed: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    limit_courses: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class CalledBody(Base):
    """A body that a whistle called: told, accepted, reported in, done, scored.

    ``called_from`` names the side (street code) for which it comes, or the caller. In a joint
    whistle there is a limit to report in alone. It has reported in when it arrived, but too far
    away (``far``) only once it is signed in; ``overdue`` is judged when it is done, by the
    service's own clock. What the body itself states of the time stands in ``..._stated_at``.
    ``provisional``: a limit counts working days that are not announced yet. With an ``exit`` nobody
    waits for it: it ``declined``, was ``dismissed``, or was ``absent`` when its limit had passed.
    """

    __tablename__ = "called_body"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "whistle_id"], ["whistle.district_code", "whistle.id"]
        ),
        CheckConstraint("score between 0 and 100", "score_in_percent"),
        CheckConstraint("exit in ('declined', 'dismissed', 'absent')", "exit_known"),
        CheckConstraint("role in ('side', 'department', 'called')", "role_known"),
        Index("ix_called_body_body", "body_code", "district_code"),
        Index(
            "ix_called_body_report_in_by",
            "report_in_by",
            postgresql_where=text("reported_in_at is null and exit is null"),
        ),
        Index(
            "ix_called_body_done_by",
            "done_by",
            postgresql_where=text("done_at is null and exit is null"),
        ),
        Index(
            "ix_called_body_provisional",
            "district_code",
            "whistle_id",
            postgresql_where=text("provisional"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    whistle_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    body_code: Mapped[str] = mapped_column(String(18), primary_key=True)
    called_from: Mapped[str] = mapped_column(String(18))
    role: Mapped[str] = mapped_column(String(10))
    task: Mapped[str]
    told_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    accept_by: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    report_in_by: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    arrived_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    reported_in_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    reported_in_point: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False)
    )
    metres_off: Mapped[float | None]
    late: Mapped[bool | None]
    far: Mapped[bool | None]
    done_by: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    overdue: Mapped[bool | None]
    score: Mapped[int | None]
    scored_by: Mapped[str | None] = mapped_column(String(18))
    exit: Mapped[str | None] = mapped_column(String(9))
    accepted_stated_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    reported_in_stated_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    done_stated_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    provisional: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
