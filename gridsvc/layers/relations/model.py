"""A question about two layers, and its answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from gridsvc.spatial.reading import SentFeature


class Relation(StrEnum):
    """How a member of the first layer relates to one of the second (DE-9IM, as in PostGIS)."""

    TOUCHES = "touches"
    OVERLAPS = "overlaps"
    COVERS = "covers"
    WITHIN = "within"
    INTERSECTS = "intersects"
    SHARES = "shares"


class LayerName(StrEnum):
    """The layers of the service that can be related."""

    DISTRICTS = "districts"
    STREETS = "streets"
    COMMUNITIES = "communities"
    UNIT_GRIDS = "unit_grids"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class LayerSide:
    """A layer as one edition (or a moment) has it; ``codes`` keep what lies in these areas."""

    layer: LayerName
    codes: tuple[str, ...] = ()
    as_of: dt.datetime | None = None
    edition: str | None = None


@dataclass(frozen=True, slots=True)
class UploadSide:
    """A layer that the user uploaded, in WGS84."""

    features: tuple[SentFeature, ...]
