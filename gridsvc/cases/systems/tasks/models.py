"""Tasks: where, for whom, taken by whom, done when."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Task(Base):
    """Something that exactly one person shall do on the ground.

    ``area_code`` is the narrowest area of its place; ``case_id`` and ``step`` are of the case that
    waits for it, None for a patrol, and for another look where the case is another district's.
    ``offered`` are the codes of the staff who were on duty nearest
    when it was made. ``taken_by`` is the subject of the token, ``staff_code`` who that is in the
    register. ``found`` is the verdict of a check; ``report`` what was seen. ``far`` was done too
    far away, ``late`` after the limit. ``passed_at`` is when it was noticed that the limit passed.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("kind in ('check_on_the_spot', 'patrol', 'revisit')", "kind_known"),
        CheckConstraint("state in ('open', 'taken', 'done', 'withdrawn')", "state_known"),
        CheckConstraint(
            "case when kind = 'patrol' then case_id is null"
            " else kind = 'revisit' or case_id is not null end",
            "case_unless_patrol",
        ),
        CheckConstraint("state <> 'taken' or taken_by is not null", "taken_by_somebody"),
        CheckConstraint("(state = 'done') = (done_at is not null)", "done_has_date"),
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        Index("ix_task_id", "id"),
        Index("ix_task_case", "district_code", "case_id"),
        Index("ix_task_taken", "taken_by", "id"),
        Index(
            "ix_task_waiting",
            "district_code",
            "area_code",
            "id",
            postgresql_where=text("state in ('open', 'taken')"),
        ),
        Index(
            "ix_task_limit",
            "limit_at",
            postgresql_where=text("state in ('open', 'taken') and passed_at is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[uuid.UUID | None]
    step: Mapped[str | None] = mapped_column(String(40))
    area_code: Mapped[str] = mapped_column(String(12))
    unit_grid: Mapped[str | None] = mapped_column(String(8))
    point: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False)
    )
    note: Mapped[str]
    offered: Mapped[list[Any]] = mapped_column(JSONB)
    made_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    limit_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(9))
    taken_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    taken_by: Mapped[str | None] = mapped_column(String(100))
    staff_code: Mapped[str | None] = mapped_column(String(20))
    done_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    found: Mapped[str | None] = mapped_column(String(30))
    report: Mapped[str | None]
    metres_off: Mapped[float | None]
    far: Mapped[bool | None]
    late: Mapped[bool | None]
    passed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
