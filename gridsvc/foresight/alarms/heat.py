"""The map of heat: how many reports each place has, and how dense they lie."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.city.watches import Selection
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.places import UNIT_GRID, counted, h3_areas_km2
from gridsvc.spatial.ellipsoid import area_m2

#: Days that one question may look at.
MOST_DAYS = 366


@dataclass(frozen=True, slots=True, eq=False)
class HeatCell:
    """A place with reports: its code and polygon (WGS84), its size, its reports, their density."""

    code: str
    geometry: shapely.Geometry
    area_km2: float
    count: int

    @property
    def per_km2(self) -> float:
        """Reports by square kilometre."""
        return self.count / self.area_km2


def check_area(caller: Caller, area: str) -> None:
    """Refuse a caller of another district: streets see their neighbours, to compare.

    Raises NotAllowed.
    """
    own = caller.area[:6]
    if not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover {area}.")


def heat(
    session: Session,
    city: City,
    area: str,
    selection: Selection,
    cells: str,
    *,
    first: dt.date,
    last: dt.date,
) -> list[HeatCell]:
    """The places of a district or street with reports in some days, the densest first.

    Reports count where they were, each by itself; those of a street are what lies in its unit
    grids. Raises BadInput for days out of order, or more than a year of them.
    """
    if not 0 <= (last - first).days < MOST_DAYS:
        raise BadInput(f"From {first} to {last} is not 1 to {MOST_DAYS} days.", field="since")
    street = area if len(area) == 9 else None
    found = repository.points(session, city, area[:6], selection, first, last)
    grids, lon, lat = repository.grids_of(session, area[:6], street), found.lon, found.lat
    if street is not None:
        inside = counted(UNIT_GRID, grids, lon, lat)[1] >= 0
        lon, lat = lon[inside], lat[inside]
    places, number = counted(cells, grids, lon, lat)
    counts = np.bincount(number[number >= 0], minlength=len(places.codes))
    busy = np.flatnonzero(counts)
    codes = [places.codes[one] for one in busy]
    if cells == UNIT_GRID:
        sizes = (area_m2(places.shapes[busy]) / 1e6).tolist()
    else:
        sizes = h3_areas_km2(codes).tolist()
    listed = [
        HeatCell(code, places.shapes[one], size, int(counts[one]))
        for code, one, size in zip(codes, busy, sizes, strict=True)
    ]
    return sorted(listed, key=lambda it: (-it.per_km2, it.code))
