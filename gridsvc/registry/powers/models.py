"""Powers of bodies, and their delegations to streets and towns."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Power(Base):
    """What the law lets a body do (职权): punish, approve, or serve.

    ``area_code`` is where its holder works; lists of two districts use the same codes. ``classes``
    are kinds and beginnings of the codes of classes that it is about, as ``event:0601``; none where
    the list does not say.
    """

    __tablename__ = "power"
    __table_args__ = (
        CheckConstraint("kind in ('penalty', 'approval', 'service')", "kind_known"),
        CheckConstraint("valid_to > valid_from", "ends_after_it_begins"),
        Index("ix_power_body", "body_code"),
    )

    area_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(String(8))
    basis: Mapped[str]
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    classes: Mapped[list[str]] = mapped_column(ARRAY(String))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    source: Mapped[str]


class Delegation(Base):
    """A power that a street or town has from a day on until before another.

    ``conditions`` are those under which it may use it, empty for none; ``document`` the decision,
    with its clause, by which it was delegated.
    """

    __tablename__ = "delegation"
    __table_args__ = (
        ForeignKeyConstraint(["area_code", "power_code"], ["power.area_code", "power.code"]),
        CheckConstraint("valid_to > valid_from", "ends_after_it_begins"),
        Index("ix_delegation_power", "area_code", "power_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    street_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    power_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    valid_from: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    conditions: Mapped[str]
    document: Mapped[str]
    source: Mapped[str]
