"""A question about two layers, and its answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridsvc.spatial.reading import SentFeature

__all__ = ["LayerName", "LayerSide", "Member", "Pair", "Relation", "RelationPage", "UploadSide"]


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


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a layer: an area by its code, a grid or part by district and code.

    An uploaded feature has its number, and its own id as code where it has one.
    """

    code: str | None
    name: str | None
    district: str | None = None
    feature: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The member without what it lacks."""
        whole = {
            "code": self.code,
            "name": self.name,
            "district": self.district,
            "feature": self.feature,
        }
        return {key: value for key, value in whole.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members that are in the relation, and what they share.

    ``shared_m2``: ground that both cover. ``shared_m``: the common border of two areas; else the
    length of line that both have. ``share_of_a`` and ``share_of_b`` are of m² for an area, of
    metres for a line, None for a point. Of the relation ``shares``, ``b`` is None for the ground
    of ``a`` that nobody covers, and the ``share_of_a`` of one ``a`` sum to 1.
    """

    a: Member
    b: Member | None
    shared_m2: float
    shared_m: float | None
    share_of_a: float | None
    share_of_b: float | None

    def to_json(self) -> dict[str, Any]:
        """The pair as ``/v1/relations`` gives it."""
        return {
            "a": self.a.to_json(),
            "b": None if self.b is None else self.b.to_json(),
            "shared_m2": self.shared_m2,
            "shared_m": self.shared_m,
            "share_of_a": self.share_of_a,
            "share_of_b": self.share_of_b,
        }


@dataclass(frozen=True, slots=True)
class RelationPage:
    """Pairs in the order of the first side, then of the second.

    ``a`` and ``b`` say what was related (layer, edition, how many members); ``next`` is the cursor
    of the page behind this one, None on the last.
    """

    relation: Relation
    a: dict[str, Any]
    b: dict[str, Any]
    pairs: tuple[Pair, ...]
    next: str | None

    def to_json(self) -> dict[str, Any]:
        """The answer of ``/v1/relations``."""
        return {
            "relation": self.relation.value,
            "a": self.a,
            "b": self.b,
            "pairs": [pair.to_json() for pair in self.pairs],
            "next": self.next,
        }
