"""What was already said of a limit."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class LimitNotice(Base):
    """That a limit of a case passed, or that somebody was reminded of it; each once a limit.

    ``notice`` is ``passed``, or the name of a rule; ``body_code`` the called body whose own limit
    it is, else empty.
    """

    __tablename__ = "limit_notice"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    which: Mapped[str] = mapped_column(String(9), primary_key=True)
    body_code: Mapped[str] = mapped_column(String(18), primary_key=True)
    limit_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    notice: Mapped[str] = mapped_column(String(30), primary_key=True)
    noticed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
