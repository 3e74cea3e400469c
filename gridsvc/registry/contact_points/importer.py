"""A list of contact points from CSV: it covers its area, or nothing is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.registry.contact_points.model import KeptList, Listed
from gridsvc.registry.contact_points.service import keep_list
from gridsvc.tables import table

_COLUMNS = ["area", "name", "judge"]


def import_points(
    session: Session,
    city: City,
    path: Path,
    *,
    area: str,
    day: dt.date,
    expected: Mapping[str, int],
) -> KeptList:
    """Let a CSV (area, name, judge) be the contact points of a district or street from a day on.

    Raises BadFile for a file that is not such a CSV file, and what keeping a list raises.
    """
    listed = [
        Listed(row.line, row["area"], row["name"], row["judge"]) for row in table(path, _COLUMNS)
    ]
    return keep_list(session, city, area, day, listed, source=path.name, expected=expected)
