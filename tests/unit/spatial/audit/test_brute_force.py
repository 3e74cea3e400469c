"""On random broken coverages the audit agrees with GEOS, pair by pair and hole by hole."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsvc.spatial.audit import FaultKind, audit_areas
from gridsvc.spatial.ellipsoid import area_m2
from tests.plane import PLANE
from tests.unit.spatial.audit.plan import placed

#: Smaller places may be rounding to one and geometry to the other.
_SMALL_M2 = 0.5


@st.composite
def broken_coverages(draw):
    """Cells of a square of 600 m, of which some are gone, moved, grown, doubled or bent."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 30))
    square = shapely.box(0, 0, 600, 600)
    seeds = shapely.multipoints(random.uniform(0, 600, (count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=square))
    cells = shapely.intersection(cells, square)
    share = draw(st.sampled_from([0.0, 0.1, 0.4, 1.0]))
    areas = []
    for cell in cells.tolist():
        if random.random() >= share:
            areas.append(cell)
            continue
        what = random.integers(5)
        if what == 1:
            step = random.uniform(-20, 20, 2)
            areas.append(shapely.transform(cell, lambda xy, step=step: xy + step))
        elif what == 2:
            areas.append(shapely.buffer(cell, random.uniform(0.2, 15), quad_segs=2))
        elif what == 3:
            areas += [cell, cell]
        elif what == 4:
            areas.append(shapely.segmentize(cell, 25.0))
    return [placed(area) for area in areas]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken_coverages())
def test_the_audit_finds_what_brute_force_finds(areas):
    found = audit_areas(areas, plane=PLANE, inlet_width_m=0)
    overlaps = (*found.of(FaultKind.OVERLAP), *found.of(FaultKind.DUPLICATE))
    by_pair = defaultdict(float)
    for fault in overlaps:
        for pair in combinations(fault.members, 2):
            by_pair[pair] += fault.area_m2
    for one, other in combinations(range(len(areas)), 2):
        shared = float(area_m2(shapely.intersection(areas[one], areas[other])))
        assert by_pair[one, other] == pytest.approx(shared, rel=1e-6, abs=_SMALL_M2)
    if not areas:
        return
    union = shapely.union_all(areas)
    twice = sum((len(fault.members) - 1) * fault.area_m2 for fault in overlaps)
    surplus = float(area_m2(areas).sum() - area_m2(union))
    assert twice == pytest.approx(surplus, rel=1e-6, abs=_SMALL_M2)
    frame = placed(shapely.box(-100, -100, 700, 700))
    free = shapely.get_parts(shapely.difference(frame, union))
    enclosed = free[~shapely.intersects(free, shapely.boundary(frame))]
    sizes = sorted(size for size in area_m2(enclosed).tolist() if size > _SMALL_M2)
    gaps = sorted(it.area_m2 for it in found.of(FaultKind.GAP) if it.area_m2 > _SMALL_M2)
    assert gaps == pytest.approx(sizes, rel=1e-6)
