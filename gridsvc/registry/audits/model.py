"""What an audit found, by codes; as JSON for the edition that keeps it, and for the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gridsvc.spatial.audit import AreaFault, FaultKind, Totals

# What is counted apart in a plane: by these sizes older reports told overlaps from slivers.
_LARGER_THAN_M2 = (10.0, 1.0, 0.01)


@dataclass(frozen=True, slots=True)
class AreasToAudit:
    """n areas of one level: codes, names, the code of each one's parent (or None), geometries.

    Geometries are WGS84; a unit grid's code is that of its district and its own, 14 digits.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    parent_codes: tuple[str | None, ...]
    geometries: Any


@dataclass(frozen=True, slots=True)
class LevelAbove:
    """The areas that others are compared with: where they come from, level and accuracy."""

    source: str
    level: str
    accuracy_m: float
    areas: AreasToAudit


@dataclass(frozen=True, slots=True)
class AreaShare:
    """How much of an area lies in a parent; ``parent_code`` is None for what lies in none."""

    code: str
    parent_code: str | None
    area_m2: float
    share: float

    def to_json(self) -> dict[str, Any]:
        """``{code, parent_code, area_m2, share}``."""
        return {
            "code": self.code,
            "parent_code": self.parent_code,
            "area_m2": round(self.area_m2, 2),
            "share": round(self.share, 9),
        }


@dataclass(frozen=True, slots=True)
class ProjectedCount:
    """The overlaps as tools count them that project each area before they compare two.

    ``pairs`` are two codes and the m² in the plane of ``crs``, the largest first.
    """

    crs: str
    pairs: tuple[tuple[str, str, float], ...]

    @property
    def area_m2(self) -> float:
        """All pairs together."""
        return sum(size for _, _, size in self.pairs)

    @property
    def larger(self) -> tuple[tuple[float, int], ...]:
        """How many pairs are larger than 10, 1 and 0.01 m²."""
        return tuple((m2, sum(it[2] > m2 for it in self.pairs)) for m2 in _LARGER_THAN_M2)

    def to_json(self, *, most: int | None = None) -> dict[str, Any]:
        """Ready for JSON; ``most`` limits the pairs (None: all)."""
        return {
            "crs": self.crs,
            "count": len(self.pairs),
            "area_m2": round(self.area_m2, 2),
            "larger_than": [{"m2": m2, "count": count} for m2, count in self.larger],
            "pairs": [
                {"codes": [first, second], "area_m2": round(size, 4)}
                for first, second, size in self.pairs[:most]
            ],
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The faults of one set of areas, by kind and then size, with names and geometries for a page.

    ``against`` are the sources of the levels above, by level. ``shares`` leave out the areas that
    lie wholly in their own parent. ``projected`` is another way to count, where one was asked for.
    """

    title: str
    level: str
    areas: AreasToAudit
    above: tuple[LevelAbove, ...]
    accuracy_m: float
    inlet_width_m: float
    faults: tuple[AreaFault, ...]
    totals: tuple[Totals, ...]
    shares: tuple[AreaShare, ...]
    rounding_count: int
    rounding_m2: float
    projected: ProjectedCount | None = None

    @property
    def overlapping_pairs(self) -> int:
        """How many pairs of areas overlap; a place of three claimants is one of three pairs."""
        overlaps = self.of(FaultKind.OVERLAP)
        return len({pair for fault in overlaps for pair in combinations(fault.codes, 2)})

    @property
    def names(self) -> Mapping[str, str]:
        """The names of all codes that a fault may name."""
        every = (*(level.areas for level in self.above), self.areas)
        return {
            code: name
            for areas in every
            for code, name in zip(areas.codes, areas.names, strict=True)
        }

    def of(self, kind: FaultKind) -> tuple[AreaFault, ...]:
        """The faults of one kind, the largest first."""
        return tuple(fault for fault in self.faults if fault.kind == kind)

    def to_json(self, *, most: int | None = None) -> dict[str, Any]:
        """Ready for JSON; ``most`` limits the faults of each kind and the shares (None: all)."""
        listed = [fault for kind in FaultKind for fault in self.of(kind)[:most]]
        return {
            "title": self.title,
            "level": self.level,
            "areas": len(self.areas.codes),
            "accuracy_m": self.accuracy_m,
            "inlet_width_m": self.inlet_width_m,
            "against": {level.level: level.source for level in self.above},
            "totals": [
                {
                    "kind": total.kind.value,
                    "count": total.count,
                    "area_m2": round(total.area_m2, 2),
                    "slivers": total.slivers,
                }
                for total in self.totals
            ],
            "rounding": {"count": self.rounding_count, "area_m2": self.rounding_m2},
            "faults": [fault.to_json() for fault in listed],
            "faults_in_all": len(self.faults),
            "shares": [share.to_json() for share in self.shares[:most]],
            "shares_in_all": len(self.shares),
            "overlapping_pairs": self.overlapping_pairs,
            "projected": None if self.projected is None else self.projected.to_json(most=most),
        }
