"""The dated national lists of part and event classes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class ListedClass(Base):
    """One class of one list. The same digits name a part and an event, so the kind is a key."""

    __tablename__ = "class"
    __table_args__ = (CheckConstraint("kind in ('part', 'event')", "kind_known"),)

    standard: Mapped[str] = mapped_column(String(30), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str]
    major: Mapped[str]
