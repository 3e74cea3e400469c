"""The frozen value from which both forms of a dossier are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import shapely

__all__ = ["Dossier", "Side", "Surrounding"]


@dataclass(frozen=True, slots=True)
class Side:
    """A side as its own edition draws it (WGS84), whole; ``claimed_m2`` of the disputed ground.

    ``geometry`` is None where no edition has the area any more.
    """

    code: str
    name: str
    body_code: str
    body_name: str
    geometry: shapely.Geometry | None
    claimed_m2: float


@dataclass(frozen=True, slots=True)
class Surrounding:
    """A named area near the ground, cut at the surroundings (WGS84)."""

    level: str
    code: str
    name: str
    geometry: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a dossier tells: the dispute and what lies inside, as ``/v1/disputes`` gives it.

    ``ground`` is the disputed ground (WGS84); nothing in it is personal.
    """

    dispute: Mapping[str, Any]
    inside: Mapping[str, Any]
    ground: shapely.Geometry
    sides: tuple[Side, ...]
    around: tuple[Surrounding, ...]
    class_names: Mapping[tuple[str, str], str]
    body_names: Mapping[str, str]
    made_at: dt.datetime
