"""How parts look outside the service."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Self

import shapely
from geoalchemy2.shape import to_shape
from pydantic import BaseModel, ConfigDict, Field

from gridsvc.registry.parts.models import Part, PartState, PositionClass

#: What everybody is only told of a part where the city opens its register: whose property it is is
#: a company's secret or a person's, and notes say what nobody has checked.
STAFF_COLUMNS = frozenset({"owner_body", "maintainer_body", "note"})


class PartOut(BaseModel):
    """A part of the register."""

    district_code: str
    code: str = Field(description="The 8-digit code, unique in the district.")
    national_id: str = Field(description="17 digits.")
    national_id_2013: str | None = Field(description="16 digits.")
    standard: str
    class_code: str
    name: str
    geometry: dict[str, Any] = Field(description="GeoJSON, WGS84, longitude first.")
    street_code: str | None
    community_code: str | None
    grid_code: str | None
    state: PartState
    competent_body: str
    owner_body: str | None = Field(default=None, description="Only told to staff.")
    maintainer_body: str | None = Field(default=None, description="Only told to staff.")
    position_class: PositionClass
    first_date: dt.date
    change_date: dt.date | None
    source: str
    note: str | None = Field(default=None, description="Only told to staff.")

    @classmethod
    def of(cls, part: Part, *, whole: bool, **more: Any) -> Self:
        """The outside view of a stored part; ``more`` are other fields, or other areas of it.

        ``whole``: with what is only told to staff (:data:`STAFF_COLUMNS`).
        """
        left_out = {"geometry"} if whole else {"geometry", *STAFF_COLUMNS}
        columns = {name: getattr(part, name) for name in PartOut.model_fields.keys() - left_out}
        geometry = json.loads(shapely.to_geojson(to_shape(part.geometry)))
        return cls(geometry=geometry, **(columns | more))


class NearPartOut(PartOut):
    """A part and how far it is from the place that was asked about."""

    distance_m: float = Field(description="Metres on the ellipsoid.")


class PartPage(BaseModel):
    """Parts, nearest first."""

    parts: list[NearPartOut]
    next: str | None = Field(description="Send it as 'cursor' for the parts after these.")


class NewPart(BaseModel):
    """A part to register."""

    model_config = ConfigDict(extra="forbid")

    district: str | None = Field(
        default=None, description="6 digits; by default the district of the place."
    )
    code: str | None = Field(default=None, description="8 digits; by default the street's next.")
    class_code: str = Field(alias="class", description="5 digits of the class list in force.")
    name: str | None = Field(default=None, max_length=30)
    geometry: dict[str, Any] = Field(description="GeoJSON point, line or polygon.")
    crs: str = "wgs84"
    state: PartState = PartState.INTACT
    competent_body: str
    owner_body: str | None = None
    maintainer_body: str | None = None
    position_class: PositionClass = PositionClass.C
    first_date: dt.date | None = None
    source: str = Field(default="registered singly", min_length=1)
    note: str | None = None


class PartChange(BaseModel):
    """What may change on a part; the code never does. What is not sent stays."""

    model_config = ConfigDict(extra="forbid")

    state: PartState | None = None
    competent_body: str | None = None
    owner_body: str | None = None
    maintainer_body: str | None = None
    note: str | None = None
