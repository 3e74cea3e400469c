"""Alarms, and the daily scans that raised them or found nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Alarm(Base):
    """A place that became hot: what was counted and expected on the day of the alarm.

    ``places`` are the codes of its zone in ``cells`` (``unit_grid`` or ``h3-`` and a resolution),
    ``days`` the window up to ``first_day``; ``last_day`` is the last on which a scan found it hot.
    ``count`` are cases a day and place (see :func:`.repository.matters`). ``case_id`` is the case
    that the alarm opened; a plain column, as its place may lie in another district. ``again_of`` is
    the alarm at the same place whose case was closed.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", "days_in_order"),
        Index("ix_alarm_id", "id"),
        Index("ix_alarm_geometry", "geometry", postgresql_using="gist"),
        Index("ix_alarm_watch", "district_code", "watch", "last_day"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    watch: Mapped[str] = mapped_column(String(40))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    cells: Mapped[str] = mapped_column(String(9))
    places: Mapped[list[str]] = mapped_column(JSONB)
    days: Mapped[int]
    count: Mapped[int]
    expected: Mapped[float]
    statistic: Mapped[float]
    threshold: Mapped[float]
    alpha: Mapped[float]
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    street_code: Mapped[str | None] = mapped_column(String(9))
    community_code: Mapped[str | None] = mapped_column(String(12))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_code: Mapped[str] = mapped_column(String(5))
    case_id: Mapped[uuid.UUID]
    again_of: Mapped[uuid.UUID | None]
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class AlarmScan(Base):
    """The scan of a watch in a district on a day: made once, whoever asks again.

    ``threshold`` is that of the calibration on ``calibrated_on``, None with too little history.
    ``chronic`` are the chronic places of that day, the busiest first: code, count, blocks, ....
    """

    __tablename__ = "alarm_scan"

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    watch: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    cells: Mapped[str] = mapped_column(String(9))
    places: Mapped[int]
    reports: Mapped[int]
    alpha: Mapped[float]
    threshold: Mapped[float | None]
    calibrated_on: Mapped[dt.date | None]
    raised: Mapped[int]
    chronic: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
