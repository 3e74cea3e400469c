"""Repairs of random broken coverages: the fault goes, none comes, nothing else moves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gridsvc.errors import CoverageBroken
from gridsvc.spatial.audit.model import AuditFault, FaultKind
from gridsvc.spatial.audit.within import faults_within
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.repair.proposing import Method, Proposal, check_repair, propose
from tests.plane import PLANE

#: Metres to degrees near 116.3 39.9.
LON, LAT = 1 / 85_480.0, 1 / 111_030.0
ACCURACY_M, INLET_M = 5.0, 5.0


def at(x: float, y: float) -> tuple[float, float]:
    """A place so many metres east and north of a corner in Beijing."""
    return 116.30 + x * LON, 39.90 + y * LAT


def area(*corners: tuple[float, float]) -> Any:
    return shapely.MultiPolygon([shapely.Polygon([at(*it) for it in corners])])


def faults_of(areas: Any) -> list[AuditFault]:
    return faults_within(np.array(list(areas), dtype=object), ACCURACY_M, INLET_M, PLANE)[0]


def only_fault(areas: list[Any], kind: FaultKind) -> AuditFault:
    (fault,) = faults_of(areas)
    assert fault.kind is kind
    return fault


def repaired(areas: list[Any], proposal: Proposal) -> list[Any]:
    after = list(areas)
    for change in proposal.changes:
        assert after[change.member] is change.before
        after[change.member] = change.after
    return after


def by(proposals: list[Proposal], method: Method) -> list[Proposal]:
    return [it for it in proposals if it.method is method]


#: Two blocks of 100 m with a strip of 2 m between them, closed above and below by a third.
GAP = [
    area((0, 0), (100, 0), (100, 100), (0, 100)),
    area((102, 0), (200, 0), (200, 100), (102, 100)),
    area((0, -50), (200, -50), (200, 0), (102, 0), (100, 0), (0, 0)),
    area((0, 100), (100, 100), (102, 100), (200, 100), (200, 150), (0, 150)),
]
#: The first claims 3 m of the second.
OVERLAP = [
    area((0, 0), (103, 0), (103, 100), (0, 100)),
    area((100, 0), (200, 0), (200, 100), (100, 100)),
]
#: A slot of 2 m and 60 m deep, open to the north.
INLET = [
    area((0, 0), (100, 0), (100, 40), (99, 40), (99, 100), (0, 100)),
    area((100, 0), (200, 0), (200, 100), (101, 100), (101, 40), (100, 40)),
]


def test_a_gap_is_given_to_the_neighbour_with_the_longest_border_first() -> None:
    fault = only_fault(GAP, FaultKind.GAP)

    first, second, *_ = by(propose(fault, GAP, ACCURACY_M, plane=PLANE), Method.GIVE)

    assert {first.chosen, second.chosen} == {0, 1}
    (change,) = first.changes
    assert change.gained_m2 == pytest.approx(200, rel=2e-3)
    assert faults_of(repaired(GAP, first)) == []


def test_the_midline_of_a_strip_runs_in_its_middle() -> None:
    (proposal,) = by(
        propose(only_fault(GAP, FaultKind.GAP), GAP, ACCURACY_M, plane=PLANE), Method.MIDLINE
    )
    gained = {change.member: change.gained_m2 for change in proposal.changes}

    # A roof of a square metre at each end is nearer to the end.
    assert gained == pytest.approx({0: 99, 1: 99, 2: 1, 3: 1}, abs=0.3)
    assert sum(gained.values()) == pytest.approx(proposal.fault.area_m2, rel=1e-9)
    (west,) = (it.after for it in proposal.changes if it.member == 0)
    east = shapely.bounds(west)[2]
    assert (east - 116.30) / LON == pytest.approx(101, abs=0.2)


def test_an_overlap_is_given_to_either_side_or_split() -> None:
    proposals = propose(only_fault(OVERLAP, FaultKind.OVERLAP), OVERLAP, ACCURACY_M, plane=PLANE)

    given_to = {it.chosen: it for it in by(proposals, Method.GIVE)}
    (change,) = given_to[0].changes
    assert (change.member, change.gained_m2) == (1, 0.0)
    assert change.lost_m2 == pytest.approx(300, rel=2e-3)
    (split,) = by(proposals, Method.MIDLINE)
    assert [it.lost_m2 for it in split.changes] == pytest.approx([150, 150], rel=0.03)
    assert sum(it.lost_m2 for it in split.changes) == pytest.approx(change.lost_m2, rel=1e-9)


def test_an_inlet_is_split_from_the_middle_of_its_mouth() -> None:
    fault = only_fault(INLET, FaultKind.INLET)

    (split,) = by(propose(fault, INLET, ACCURACY_M, plane=PLANE), Method.MIDLINE)

    assert [it.gained_m2 for it in split.changes] == pytest.approx([60, 60], rel=0.03)
    after = repaired(INLET, split)
    assert faults_of(after) == []
    assert shapely.union_all(after).is_valid
    (x, _) = shapely.get_coordinates(after[0])[:, 0].max(), 0
    assert (x - 116.30) / LON == pytest.approx(100, abs=0.1)


def test_a_line_is_snapped_within_the_accuracy_and_never_beyond() -> None:
    fault = only_fault(OVERLAP, FaultKind.OVERLAP)

    near = by(propose(fault, OVERLAP, 3.01, plane=PLANE), Method.SNAP)
    far = by(propose(fault, OVERLAP, 2.9, plane=PLANE), Method.SNAP)

    assert [it.moved_m for it in near] == pytest.approx([3, 3], abs=0.01)
    assert far == []
    # The line of the first moves, so the first loses.
    assert [(it.chosen, it.changes[0].member) for it in near] == [(0, 0), (1, 1)]


def test_an_area_inside_another_is_not_split_and_not_left_without_ground() -> None:
    areas = [
        area((0, 0), (100, 0), (100, 100), (0, 100)),
        area((40, 40), (60, 40), (60, 60), (40, 60)),
    ]

    proposals = propose(only_fault(areas, FaultKind.OVERLAP), areas, ACCURACY_M, plane=PLANE)

    assert [(it.method, it.chosen) for it in proposals] == [(Method.GIVE, 1)]
    assert faults_of(repaired(areas, proposals[0])) == []


def test_a_duplicate_has_no_proposal() -> None:
    areas = [GAP[0], GAP[0]]

    assert propose(only_fault(areas, FaultKind.DUPLICATE), areas, ACCURACY_M, plane=PLANE) == []


def lattice(dice: np.random.Generator, side: int = 3) -> list[Any]:
    """Blocks of about 100 m whose borders wind, a valid coverage."""
    corners = {
        (i, j): np.array([100.0 * i, 100.0 * j]) + dice.uniform(-12, 12, 2)
        for i in range(side + 1)
        for j in range(side + 1)
    }

    def way(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[float, float]]:
        one, other = min(a, b), max(a, b)
        own = np.random.default_rng(abs(hash((one, other, wind))) % 2**32)
        parts = np.sort(own.uniform(0.2, 0.8, 3))[:, None]
        line = corners[one] + parts * (corners[other] - corners[one]) + own.uniform(-5, 5, (3, 2))
        whole = [tuple(corners[one]), *map(tuple, line.tolist()), tuple(corners[other])]
        return whole if a == one else whole[::-1]

    wind = int(dice.integers(1 << 30))
    blocks = []
    for i in range(side):
        for j in range(side):
            round_ = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
            ring = [p for a, b in itertools.pairwise(round_) for p in way(a, b)[:-1]]
            blocks.append(area(*ring))
    return blocks


def broken(dice: np.random.Generator) -> list[Any]:
    """A lattice with blobs cut out of it or claimed twice, and a line drawn a second time."""
    blocks = lattice(dice)
    assume(all(shapely.is_valid(it) for it in blocks))
    for _ in range(int(dice.integers(1, 4))):
        x, y = dice.uniform(0, 300, 2)
        angle = np.sort(dice.uniform(0, 2 * np.pi, 7))
        radius = dice.uniform(2, 14, 7)[:, None]
        rim = np.array([x, y]) + radius * np.column_stack([np.cos(angle), np.sin(angle)])
        blob = shapely.convex_hull(shapely.MultiPoint([at(*it) for it in rim.tolist()]))
        touched = [n for n in range(9) if shapely.intersects(blocks[n], blob)]
        if not touched:
            continue
        if dice.random() < 0.5:
            for n in touched:
                blocks[n] = shapely.difference(blocks[n], blob)
        else:
            n = touched[int(dice.integers(len(touched)))]
            blocks[n] = shapely.union(blocks[n], blob)
    n = int(dice.integers(9))
    xy = shapely.get_coordinates(blocks[n])
    if dice.random() < 0.7 and len(shapely.get_rings(shapely.get_parts(blocks[n]))) == 1:
        moved = dice.uniform(-2, 2, xy.shape) * (LON, LAT)
        moved[-1] = moved[0]
        redrawn = shapely.set_coordinates(shapely.from_wkb(shapely.to_wkb(blocks[n])), xy + moved)
        if shapely.is_valid(redrawn):
            blocks[n] = redrawn
    return [shapely.MultiPolygon(shapely.get_parts(it).tolist()) for it in blocks]


def _holds(proposal: Proposal, before: list[AuditFault], after: list[AuditFault]) -> bool:
    """Whether the check lets it pass.

    What was a notch in one area may become an inlet between two: that alone is refused.
    """
    try:
        check_repair(proposal, before, after)
    except CoverageBroken as refused:
        if "would make a new inlet" not in refused.detail:
            raise
        return False
    return True


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
@example(1792259967)  # an inlet with a vertex that is its wall's but for the last digits
def test_every_proposal_mends_its_fault_and_nothing_else(seed: int) -> None:
    blocks = broken(np.random.default_rng(seed))
    before = faults_of(blocks)
    for fault in before:
        good = 0
        for proposal in propose(fault, blocks, ACCURACY_M, plane=PLANE):
            after = repaired(blocks, proposal)
            assert all(shapely.is_valid(it) for it in after)
            _check_sizes(proposal)
            good += _holds(proposal, before, faults_of(after))
            if proposal.method is Method.SNAP:
                assert (proposal.moved_m or 0) <= ACCURACY_M
        assert good


def _check_sizes(proposal: Proposal) -> None:
    fault = proposal.fault
    gains = sum(it.gained_m2 for it in proposal.changes)
    losses = sum(it.lost_m2 for it in proposal.changes)
    losers = len(fault.members) - 1 if fault.kind is FaultKind.OVERLAP else 1
    assert gains + losses == pytest.approx(losers * fault.area_m2, rel=1e-6, abs=1e-3)
    for change in proposal.changes:
        net = float(area_m2(change.after)) - float(area_m2(change.before))
        assert net == pytest.approx(change.gained_m2 - change.lost_m2, abs=2e-3)
        # Nothing outside the fault's ground has changed hands.
        differs = shapely.symmetric_difference(change.after, change.before)
        assert float(area_m2(shapely.difference(differs, fault.geometry))) < 2e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_side_of_a_midline_has_what_is_nearer_to_it(seed: int) -> None:
    blocks = broken(np.random.default_rng(seed))
    for fault in faults_of(blocks):
        if fault.kind is not FaultKind.GAP:
            continue
        for proposal in by(propose(fault, blocks, ACCURACY_M, plane=PLANE), Method.MIDLINE):
            dice = np.random.default_rng(seed)
            west, south, east, north = shapely.bounds(fault.geometry)
            points = shapely.points(dice.uniform((west, south), (east, north), (200, 2)))
            points = points[shapely.within(points, fault.geometry)]
            members = [it.member for it in proposal.changes]
            far = np.array(
                [shapely.distance(PLANE.project(blocks[m]), PLANE.project(points)) for m in members]
            )
            holds = np.array([shapely.intersects(it.after, points) for it in proposal.changes])
            nearest = far.argmin(axis=0)
            # The line begins and ends in vertices of the rim, beside the middle: of 1,406 lines one
            # is off there by more than a fifth of the width, and none by a quarter.
            clear = np.sort(far, axis=0)[1] - np.sort(far, axis=0)[0]
            right = holds[nearest, np.arange(len(points))]
            assert right[clear > 0.25 * fault.max_width_m].all()
            assert np.count_nonzero(~right & (clear > 0.1 * fault.max_width_m)) <= 0.1 * len(points)
