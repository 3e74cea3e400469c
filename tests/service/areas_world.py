"""A small made-up city for tests of areas and grids: two districts side by side in Beijing.

Everything is made of boxes of a raster of 0.01 degree (about 850 by 1,110 m) from 116.30 39.88 on.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.registry.areas import service
from gridsvc.registry.areas.service import NewArea
from gridsvc.registry.editions import service as editions
from tests import cities

WEST, EAST = "110102", "110106"
OLD = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NEW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def box(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A box of the raster: columns count eastwards, rows northwards."""
    lon, lat = 116.30 + column * 0.01, 39.88 + row * 0.01
    return shapely.box(
        round(lon, 6), round(lat, 6), round(lon + width * 0.01, 6), round(lat + height * 0.01, 6)
    )


def area(code: str, shape: Any, name: str | None = None, **more: Any) -> NewArea:
    return NewArea(code, f"area {code}" if name is None else name, shape, **more)


#: 110102 is the west, 110106 the east; the west has two streets, one above the other.
DISTRICTS = [area(WEST, box(0, 0, 2, 2)), area(EAST, box(2, 0, 2, 2))]
STREETS = [
    area("110102020", box(0, 0, 2, 1)),
    area("110102007", box(0, 1, 2, 1)),
    area("110106002", box(2, 0, 2, 2)),
]
COMMUNITIES = [
    area("110102020001", box(0, 0)),
    area("110102020002", box(1, 0)),
    area("110102007001", box(0, 1, 2, 1)),
    area("110106002001", box(2, 0, 2, 2)),
]


def load(session: Session, id: str, level: str, areas: list[NewArea], **more: Any) -> str:
    """Load a draft with defaults; gives its id."""
    fields: dict[str, Any] = {
        "title": "Made-up areas",
        "source": "made up for a test",
        "licence": "CC0",
        "accuracy_m": 5.0,
        "approximate": False,
        "effective_from": OLD,
    }
    service.load_edition(
        session, id=id, level=level, areas=areas, **(fields | more), at=cities.now()
    )
    return id


def put_in_force(session: Session, id: str, level: str, areas: list[NewArea], **more: Any) -> str:
    load(session, id, level, areas, **more)
    editions.activate_edition(
        session, id, why="made up", without_audit="made up for a test", at=cities.now()
    )
    return id


def make_city(session: Session) -> None:
    """Districts, streets and communities, all in force since 2020."""
    put_in_force(session, "districts", "district", DISTRICTS)
    put_in_force(session, "streets", "street", STREETS)
    put_in_force(session, "communities", "community", COMMUNITIES)
