"""What several pages show: what lies around a place, and the words for grounds of whistles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.layers.catalogue import UNIT_GRIDS
from gridsvc.layers.model import Layer
from gridsvc.layers.repository import around
from gridsvc.spatial.plane import surroundings

#: Grounds of joint whistles, Chinese and English.
JOINT_GROUNDS = {
    "footprint": ("占地跨越边界", "footprint across the border"),
    "conflict": ("边界争议", "conflicting borders"),
    "refusal": ("双方都退回", "refused by both sides"),
    "near": ("紧邻边界", "near the border"),
    "crowd": ("两侧多人上报", "reports on both sides"),
    "line": ("沿线联合执法", "along a line"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A named area, of which only what lies near a place is kept, or a unit grid (WGS84)."""

    code: str
    name: str
    geometry: shapely.Geometry


def places_around(
    session: Session, layer: Layer, city: City, at: dt.datetime, place: Any, metres: float
) -> tuple[Place, ...]:
    """What of a layer, as in force at a moment, lies so near a geometry (WGS84).

    Areas are cut at the surroundings; unit grids are whole, and named by their national id.
    """
    box = surroundings(place, metres).bounds
    whole = layer is UNIT_GRIDS
    named_by = "national_id" if whole else "name"
    rows = around(session.connection(), layer, city, at, box, named_by=named_by, cut=not whole)
    return tuple(Place(*row) for row in rows if not row[2].is_empty)
