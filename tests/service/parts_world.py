"""A small made-up district for tests of the register: two streets, four communities, 16 grids."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.registry.areas.models import Area
from gridsvc.registry.bodies.models import Body
from gridsvc.registry.classes.service import load_classes
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.grids.models import NationalId, UnitGrid

DISTRICT = "110101"
NEIGHBOUR = "110105"
WEST, SOUTH = 116.40, 39.90
STEP_LON, STEP_LAT = 0.004, 0.003
BEGUN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
BODIES = ("110101-CGW", "110101-HW", "BJ-LAMP", "BJ-DRAIN")


def box(column: float, row: float, columns: float = 1, rows: float = 1) -> shapely.Polygon:
    """A rectangle of the grid of 4 x 4 cells, counted from the south-west corner."""
    # Corners by one formula, so that neighbours share them to the last bit.
    west, south = inside(column, row)
    return shapely.box(west, south, *inside(column + columns, row + rows))


def inside(column: Any = 0.5, row: Any = 0.5) -> tuple[Any, Any]:
    """Longitude and latitude of a place, in cells from the south-west corner."""
    return WEST + column * STEP_LON, SOUTH + row * STEP_LAT


def build(session: Session) -> None:
    """Areas, unit grids, classes and bodies of the district 110101 and of a neighbour, 110105."""
    for level in ("district", "street", "community", "unit_grid"):
        session.add(
            Edition(
                id=f"test-{level}",
                level=level,
                title="test",
                source="test",
                licence="none",
                accuracy_m=5.0,
                approximate=False,
                state="active",
                effective_from=BEGUN,
                effective_to=None,
                loaded_at=BEGUN,
                audit=None,
            )
        )
    session.flush()
    _area(session, DISTRICT, "district", None, box(0, 0, 4, 4), "东城区")
    _area(session, NEIGHBOUR, "district", None, box(4, 0, 4, 4), "朝阳区")
    for street in (1, 2):
        code = f"{DISTRICT}00{street}"
        _area(session, code, "street", DISTRICT, box(2 * street - 2, 0, 2, 4))
        for community in (1, 2):
            place = box(2 * street - 2, 2 * community - 2, 2, 2)
            _area(session, f"{code}00{community}", "community", code, place)
            for serial in (1, 2, 3, 4):
                column = 2 * street - 2 + (serial - 1) % 2
                row = 2 * community - 2 + (serial - 1) // 2
                _grid(session, f"{code}00{community}", serial, box(column, row))
    load_classes(session)
    for body in BODIES:
        session.add(Body(code=body, name=body, kind="company", area_code="1101", source="test"))
    session.flush()


def rows(count: int = 1, **columns: Any) -> pd.DataFrame:
    """Sound rows spread over the district, with columns replaced or added."""
    rng = np.random.default_rng(7)
    lon, lat = inside(rng.uniform(0.01, 3.99, count), rng.uniform(0.01, 3.99, count))
    table = pd.DataFrame(
        {"class_code": "01037", "lon": lon, "lat": lat, "competent_body": "110101-CGW"}
    )
    return table.assign(**columns)


def _area(
    session: Session, code: str, level: str, parent: str | None, shape: Any, name: str = "街"
) -> None:
    session.add(
        Area(
            edition_id=f"test-{level}",
            code=code,
            level=level,
            name=name,
            parent_code=parent,
            geometry=from_shape(shapely.MultiPolygon([shape]), srid=4326),
            area_m2=1.0,
            note=None,
        )
    )


def _grid(session: Session, community: str, serial: int, shape: shapely.Polygon) -> None:
    code = f"{community[6:9]}{int(community[-1]) * 10 + serial:05d}"
    national = f"{community}{serial:03d}"
    session.add(
        UnitGrid(
            district_code=community[:6],
            code=code,
            edition_id="test-unit_grid",
            street_code=community[:9],
            community_code=community,
            serial=serial,
            national_id=national,
            national_id_2013=f"{community}{serial:02d}",
            geometry=from_shape(shape, srid=4326),
            area_m2=10_000.0,
            nominal_m2=10_000.0,
            compactness=0.8,
            first_date=BEGUN.date(),
            end_date=None,
            state="valid",
            void_reason=None,
            successor_code=None,
        )
    )
    for identity in (national, f"{community}{serial:02d}"):
        session.add(
            NationalId(id=identity, kind="unit_grid", district_code=community[:6], code=code)
        )
