"""What an audit finds: faults with their size, width, members and place; and shares of parents.

Geometries are WGS84, m² are taken on the ellipsoid, metres in the city's metric plane. An
``AuditFault`` names areas by their places in the list that was audited, an ``AreaFault`` by their
codes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What is wrong at a place."""

    #: Ground that several areas claim.
    OVERLAP = "overlap"
    #: Ground that no area claims, with areas all around it.
    GAP = "gap"
    #: Ground that no area claims, open to the outside by a narrow mouth.
    INLET = "inlet"
    #: An area whose rings are broken, or that is empty.
    INVALID = "invalid"
    #: Areas of the same shape.
    DUPLICATE = "duplicate"
    #: Ground of an area outside the parent that its code names.
    OUTSIDE_PARENT = "outside_parent"
    #: An area whose code names no parent, or one that holds less of it than another does.
    CODE_CONFLICT = "code_conflict"
    #: A border between areas of two parents that runs beside the border of these parents.
    PARALLEL_BORDER = "parallel_border"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What a fault is and measures, whoever is named in it; see :class:`AuditFault`."""

    kind: FaultKind
    area_m2: float
    width_m: float = 0.0
    max_width_m: float = 0.0
    length_m: float = 0.0
    place: tuple[float, float]
    geometry: Any
    sliver: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFault(_Measured):
    """One connected place where something is wrong.

    ``members`` are the areas concerned (places in the audited list): of an overlap those that
    claim the ground, in order; of a gap or inlet those around it, the longest border first; of
    other kinds the areas themselves. ``parents`` (places in the list of parents) are, for ground
    outside a parent, the area's own and then the one that it lies in, if any; for a conflict of
    codes the one that the code names, if any, and then the one that holds most; for a parallel
    border the two parents.

    ``area_m2`` is the size of ``geometry``; of a parallel border that of the ground between the
    lines; of an invalid area what its repair adds or takes. ``width_m`` is the mean width,
    2 area / perimeter; of a parallel border the median distance. ``max_width_m`` is the diameter
    of the largest inscribed circle; of a parallel border the maximum distance; of an inlet never
    less than its mouth. ``length_m`` is half the perimeter, of a parallel border the length of the
    stretch. ``place`` is a point (lon, lat) to look at, inside the fault where it has an inside.
    ``sliver``: nowhere wider than the accuracy, so it may be two drawings of one line.
    ``reason`` is a few words where the kind alone does not tell, else empty.
    """

    members: tuple[int, ...]
    parents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ParentShare:
    """How much of an area (m², and 0 to 1) lies in a parent; both by their places in the lists.

    ``parent`` is None for what lies in no parent.
    """

    member: int
    parent: int | None
    area_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Totals:
    """How many faults of one kind there are, their m², and how many of them are slivers."""

    kind: FaultKind
    count: int
    area_m2: float
    slivers: int


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that an audit of ``areas`` areas found: by kind, in each the largest first.

    ``rounding_count`` and ``rounding_m2`` tell of places too thin to be geometry (``measuring``),
    which are counted and not listed. ``shares`` is empty where no parents were asked for, and
    leaves out the areas that lie wholly in their own.
    """

    areas: int
    accuracy_m: float
    inlet_width_m: float
    faults: tuple[AuditFault, ...]
    shares: tuple[ParentShare, ...] = ()
    rounding_count: int = 0
    rounding_m2: float = 0.0

    def of(self, kind: FaultKind) -> tuple[AuditFault, ...]:
        """The faults of one kind."""
        return tuple(fault for fault in self.faults if fault.kind == kind)

    @property
    def slivers(self) -> tuple[AuditFault, ...]:
        """The faults that are nowhere wider than the accuracy, of every kind."""
        return tuple(fault for fault in self.faults if fault.sliver)

    @property
    def totals(self) -> tuple[Totals, ...]:
        """The totals of the kinds that occur."""
        return totals_of(self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaFault(_Measured):
    """A fault with codes in place of places in a list; the rest as in :class:`AuditFault`."""

    codes: tuple[str, ...]
    parent_codes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, without the geometry; sizes to a hundredth, the place to 0.1 m."""
        return {
            "kind": self.kind.value,
            "codes": list(self.codes),
            "parent_codes": list(self.parent_codes),
            "area_m2": round(self.area_m2, 2),
            "width_m": round(self.width_m, 2),
            "max_width_m": round(self.max_width_m, 2),
            "length_m": round(self.length_m, 2),
            "place": [round(self.place[0], 6), round(self.place[1], 6)],
            "sliver": self.sliver,
            "reason": self.reason,
        }


def name_members(
    faults: Iterable[AuditFault], codes: Sequence[str], parent_codes: Sequence[str] = ()
) -> tuple[AreaFault, ...]:
    """Put codes for places; ``codes`` and ``parent_codes`` are in the order of the two lists."""
    return tuple(
        AreaFault(
            codes=tuple(codes[member] for member in fault.members),
            parent_codes=tuple(parent_codes[parent] for parent in fault.parents),
            **{name: getattr(fault, name) for name in _Measured.__slots__},
        )
        for fault in faults
    )


def totals_of(faults: Iterable[AuditFault | AreaFault]) -> tuple[Totals, ...]:
    """The totals of the kinds that occur, in the order of ``FaultKind``."""
    by_kind: defaultdict[FaultKind, list[AuditFault | AreaFault]] = defaultdict(list)
    for fault in faults:
        by_kind[fault.kind].append(fault)
    return tuple(
        Totals(
            kind,
            len(by_kind[kind]),
            sum(fault.area_m2 for fault in by_kind[kind]),
            sum(fault.sliver for fault in by_kind[kind]),
        )
        for kind in FaultKind
        if kind in by_kind
    )
