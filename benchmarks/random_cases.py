"""Cases strewn over a city from a seed, with no-man's-lands where they are asked for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import insert
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.city.classes import STANDARD

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


__all__ = ["NOW", "SINCE", "Planted", "generate"]


@dataclass(frozen=True)
class Planted:
    """Inside this box (WGS84) cases are refused and take longer than elsewhere."""

    west: float
    south: float
    east: float
    north: float
    refused: float = 0.4
    times_slower: float = 3.0


def generate(
    session: Session,
    *,
    count: int,
    box: tuple[float, float, float, float],
    seed: int,
    planted: Planted | Sequence[Planted] = (),
    slow_class: str | None = None,
) -> int:
    """So many cases, evenly over the box: one in twenty is refused, five days in the mean.

    Three classes; those of ``slow_class`` take four times as long everywhere. Cases that would
    close after NOW are open. Gives how many were made.
    """
    rng = np.random.default_rng(seed)
    west, south, east, north = box
    boxes = [planted] if isinstance(planted, Planted) else list(planted)
    cases, entries = [], []
    for _ in range(count):
        lon, lat = rng.uniform(west, east), rng.uniform(south, north)
        class_code = ("06001", "06010", "06028")[rng.integers(3)]
        here = next(
            (it for it in boxes if it.west <= lon <= it.east and it.south <= lat <= it.north), None
        )
        days = rng.exponential(5.0) * (4.0 if class_code == slow_class else 1.0)
        refused = rng.random() < 0.05
        if here is not None:
            days *= here.times_slower
            refused = bool(rng.random() < here.refused)
        opened = SINCE + dt.timedelta(days=float(rng.uniform(0.0, 300.0)))
        closed = opened + dt.timedelta(days=float(days))
        over = closed < NOW
        district = "110102" if lon < 116.32 else "110106"
        case_id = uuid.UUID(bytes=rng.bytes(16), version=4)
        cases.append(
            {
                "district_code": district,
                "id": case_id,
                "procedure": "ordinary",
                "procedure_version": 1,
                "step": "assess" if over else "handle",
                "progress": {},
                "state": "closed" if over else "open",
                "standard": STANDARD,
                "kind": "event",
                "class_code": class_code,
                "lead_body": "110102020",
                "point": from_shape(shapely.Point(lon, lat), srid=4326),
                "opened_at": opened,
                "closed_at": closed if over else None,
            }
        )
        if refused:
            at = opened + dt.timedelta(hours=1)
            entries.append(
                {
                    "district_code": district,
                    "case_id": case_id,
                    "n": 1,
                    "written_at": at,
                    "at": at,
                    "action": "refuse" if rng.random() < 0.7 else "rework",
                    "actor": "test",
                    "content": {},
                    "previous_hash": "0" * 64,
                    "hash": "0" * 64,
                }
            )
    session.execute(insert(Case), cases)
    session.execute(insert(TraceEntry), entries)
    session.flush()
    return len(cases)
