"""How the answer of a look-up looks outside the service."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal, Self

import shapely
from geoalchemy2.shape import to_shape
from pydantic import BaseModel, Field

from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.schemas import PartOut


class GridMatch(BaseModel):
    """A unit grid that bears the code."""

    kind: Literal["unit_grid"] = "unit_grid"
    district_code: str
    code: str = Field(description="The 8-digit code, unique in the district.")
    national_id: str = Field(description="15 digits.")
    national_id_2013: str | None = Field(description="14 digits.")
    street_code: str | None
    community_code: str | None
    geometry: dict[str, Any] = Field(description="GeoJSON, WGS84, longitude first.")
    area_m2: float
    nominal_m2: float
    state: Literal["valid", "void"]
    void_reason: str | None
    successor_code: str | None
    first_date: dt.date
    end_date: dt.date | None

    @classmethod
    def of(cls, grid: UnitGrid, polygon: Any = None, **more: Any) -> Self:
        """The outside view of a stored unit grid.

        ``polygon`` is another one that it had, ``more`` what else was otherwise then.
        """
        columns = {
            name: getattr(grid, name)
            for name in cls.model_fields
            if name not in ("kind", "geometry")
        }
        drawn = to_shape(grid.geometry) if polygon is None else polygon
        geometry = json.loads(shapely.to_geojson(drawn))
        return cls(kind="unit_grid", geometry=geometry, **(columns | more))


class PartMatch(PartOut):
    """A part that bears the code."""

    kind: Literal["part"] = "part"


class CodeMatches(BaseModel):
    """All that bear the code: one within a district, perhaps several in the city."""

    code: str
    matches: list[Annotated[GridMatch | PartMatch, Field(discriminator="kind")]]
