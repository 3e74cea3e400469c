"""Views (保存的筛选): filters of a list under a name, of one holder of tokens or of an office."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class SavedView(Base):
    """What somebody asks a list for again and again.

    ``owner`` is ``subject:`` and the subject of a token, or ``body:`` and the code of an office,
    all of whose tokens share it. ``asked`` are the filters and the order, as an address has them.
    """

    __tablename__ = "saved_view"

    owner: Mapped[str] = mapped_column(String(120), primary_key=True)
    list_name: Mapped[str] = mapped_column(String(30), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    saved_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
