"""Whether areas fit together: gaps, overlaps, broken rings, and what repairs them.

Areas are Polygons or MultiPolygons in WGS84; sizes are m² on the ellipsoid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadGeometry
from gridsvc.spatial.audit import FaultKind, audit_areas
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.polygons import multipolygon_of, simple_parts

Floats = NDArray[np.float64]

# A gap or an overlap that is narrower than this in the mean is a sliver: two drawings of one line.
_SLIVER_WIDTH_M = 1.0
# A vertex this near to a segment lies on it: a hundred times the rounding of a degree, 10 µm.
_ON_SEGMENT_DEG = 1e-10


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two areas (by their place in the list, first < second) and the m² that both claim."""

    first: int
    second: int
    area_m2: float
    geometry: Any


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole that the areas leave between them."""

    area_m2: float
    geometry: Any


@dataclass(frozen=True, slots=True)
class InvalidArea:
    """An area whose rings are broken, and why (GEOS's words)."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sliver:
    """A gap or an overlap narrower than a metre in the mean: area over half the perimeter."""

    kind: str
    area_m2: float
    width_m: float
    geometry: Any


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of a set of areas, the largest first.

    ``duplicates`` are pairs (first < second) of areas with the same shape; they are not listed
    again as overlaps. A sliver is listed as gap or overlap too.
    """

    overlaps: tuple[Overlap, ...]
    gaps: tuple[Gap, ...]
    invalid: tuple[InvalidArea, ...]
    duplicates: tuple[tuple[int, int], ...]
    slivers: tuple[Sliver, ...]

    @property
    def none(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.overlaps or self.gaps or self.invalid or self.duplicates)


@dataclass(frozen=True, slots=True)
class Mended:
    """A sound geometry (MultiPolygon), what was done to it, and how many m² it gained or lost.

    ``how`` is empty when nothing was done.
    """

    geometry: shapely.MultiPolygon
    how: tuple[str, ...]
    changed_m2: float


def faults(geometries: Sequence[Any], *, plane: MetricPlane) -> Faults:
    """Find what is wrong with areas that should cover a place once and whole, pair by pair.

    ``geometries``: n areas (WGS84). What counts, and what is rounding, is the audit's rule
    (:mod:`gridsvc.spatial.audit`); inlets are left to it. A gap has areas all around: what lies
    outside is not known to belong to anyone.
    """
    found = audit_areas(geometries, plane=plane, inlet_width_m=0.0)
    claimed: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
    for fault in found.of(FaultKind.OVERLAP):
        for one, other in combinations(fault.members, 2):
            claimed[one, other].append(fault.geometry)
    overlaps = [
        Overlap(one, other, float(area_m2(places).sum()), shapely.MultiPolygon(places))
        for (one, other), places in claimed.items()
    ]
    gaps = [Gap(fault.area_m2, fault.geometry) for fault in found.of(FaultKind.GAP)]
    duplicates = {
        pair for fault in found.of(FaultKind.DUPLICATE) for pair in combinations(fault.members, 2)
    }
    slivers = [
        Sliver(fault.kind.value, fault.area_m2, fault.width_m, fault.geometry)
        for fault in (*found.of(FaultKind.OVERLAP), *found.of(FaultKind.GAP))
        if fault.width_m < _SLIVER_WIDTH_M
    ]
    return Faults(
        overlaps=tuple(sorted(overlaps, key=lambda item: -item.area_m2)),
        gaps=tuple(gaps),
        invalid=tuple(
            InvalidArea(fault.members[0], fault.reason) for fault in found.of(FaultKind.INVALID)
        ),
        duplicates=tuple(sorted(duplicates)),
        slivers=tuple(sorted(slivers, key=lambda item: -item.area_m2)),
    )


def mend(geometry: Any) -> Mended:
    """Make one area sound: repair its rings, keep its polygons, say what was done.

    Takes any shapely geometry (WGS84). Raises BadGeometry when it is empty or holds no area, or
    when a coordinate is not a finite number.
    """
    if geometry is None or shapely.is_empty(geometry):
        raise BadGeometry("The area has no geometry; draw it, or leave the row out.")
    how: list[str] = []
    flat = shapely.force_2d(geometry)
    if not np.isfinite(shapely.get_coordinates(flat)).all():
        raise BadGeometry("The area has a coordinate that is not a finite number; correct it.")
    if shapely.has_z(geometry):
        how.append("dropped heights")
    # A broken polygon has no true area: the even-odd area of its rings is what GEOS gives.
    before = float(area_m2(flat))
    if not shapely.is_valid(flat):
        how.append(f"repaired: {shapely.is_valid_reason(flat)}")
        flat = shapely.make_valid(flat)
    kept = _polygons(flat)
    if shapely.is_empty(kept) or shapely.area(kept) == 0.0:
        kind = shapely.get_type_id(geometry)
        raise BadGeometry(
            f"The area holds no polygon with an area ({shapely.GeometryType(kind).name.lower()});"
            " send a Polygon or MultiPolygon."
        )
    if (shapely.get_dimensions(simple_parts(flat)) < 2).any():
        how.append("dropped lines and points")
    return Mended(kept, tuple(how), float(area_m2(kept)) - before)


def is_watertight(geometries: Sequence[Any]) -> bool:
    """Whether areas are a valid coverage without a hole between them.

    Valid means GEOS's ``coverage_is_valid``: interiors apart, and every vertex on a shared border
    is a vertex of both sides, bit by bit. A hole of the union counts as a gap.
    """
    areas = np.asarray(geometries, dtype=object)
    if not shapely.is_valid(areas).all() or not shapely.coverage_is_valid(areas):
        return False
    union = shapely.get_parts(shapely.coverage_union_all(areas))
    return not shapely.get_num_interior_rings(union).any()


def match_edges(geometries: Sequence[Any]) -> list[Any]:
    """Give both sides of every shared border the vertices that one of them has (T-junctions).

    ``geometries``: valid areas (WGS84) whose borders coincide within 10 µm where they touch. A
    vertex that lies on a segment of another area, or of another ring, is put into that segment;
    no vertex moves and none goes. Gives MultiPolygons.
    """
    areas = np.asarray(geometries, dtype=object)
    parts, of_area = shapely.get_parts(areas, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(of_ring[:-1] == of_ring[1:])
    ends = np.concatenate([xy[start], xy[start + 1]], axis=1)
    turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[turned] = ends[turned][:, [2, 3, 0, 1]]
    _, back, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    lonely = np.flatnonzero(count[back.ravel()] == 1)
    segments = shapely.linestrings(ends[lonely].reshape(-1, 2, 2))
    vertices = np.unique(ends[lonely].reshape(-1, 2), axis=0)
    point, segment = shapely.STRtree(segments).query(
        shapely.points(vertices), predicate="dwithin", distance=_ON_SEGMENT_DEG
    )
    new = vertices[point]
    from_, to = ends[lonely[segment], :2], ends[lonely[segment], 2:]
    between = (new != from_).any(axis=1) & (new != to).any(axis=1)
    new, at = new[between], start[lonely[segment[between]]]
    along = ((new - xy[at]) * (xy[at + 1] - xy[at])).sum(axis=1)
    order = np.lexsort((along, at))
    wanted = np.insert(xy, at[order] + 1, new[order], axis=0)
    ring_of = np.insert(of_ring, at[order] + 1, of_ring[at[order]])
    for part in np.unique(of_part[of_ring[at]]).tolist():
        shell, *holes = (wanted[ring_of == ring] for ring in np.flatnonzero(of_part == part))
        parts[part] = shapely.Polygon(shell, holes)
    return [shapely.MultiPolygon(list(parts[of_area == area])) for area in range(len(areas))]


def _polygons(geometry: Any) -> shapely.MultiPolygon:
    """The polygonal parts of a geometry, as one valid MultiPolygon."""
    whole = multipolygon_of(geometry)
    return whole if shapely.is_valid(whole) else multipolygon_of(shapely.union_all(whole.geoms))
