"""An opening between areas is an inlet when it is narrow, deep, and between two of them."""

from __future__ import annotations

import math

import pytest

from gridsvc.spatial.audit import FaultKind, audit_areas
from tests.plane import PLANE
from tests.unit.spatial.audit.plan import box, polygon


def _inlets(areas, width_m=20.0):
    found = audit_areas(areas, plane=PLANE, inlet_width_m=width_m)
    assert {fault.kind for fault in found.faults} <= {FaultKind.INLET}
    return found.of(FaultKind.INLET)


def _comb(slot_m):
    """Two blocks of 200 x 100 m on a bar, with a slot of 100 m between them."""
    return [
        box(0, 0, 400 + slot_m, 50),
        polygon((0, 50), (200, 50), (200, 150), (0, 150)),
        polygon((200 + slot_m, 50), (400 + slot_m, 50), (400 + slot_m, 150), (200 + slot_m, 150)),
    ]


def test_a_slot_of_four_metres_is_an_inlet_with_its_size_width_and_walls():
    (inlet,) = _inlets(_comb(4.0))
    assert inlet.area_m2 == pytest.approx(400.0, rel=2e-3)
    assert inlet.width_m == pytest.approx(2 * 400 / 208, rel=2e-3)
    assert inlet.max_width_m == pytest.approx(4.0, rel=1e-2)
    assert inlet.members == (1, 2, 0)
    assert not inlet.sliver


def test_a_slot_of_half_a_metre_is_a_sliver():
    (inlet,) = _inlets(_comb(0.5))
    assert inlet.area_m2 == pytest.approx(50.0, rel=2e-3)
    assert inlet.sliver


@pytest.mark.parametrize(("slot_m", "found"), [(19.5, 1), (20.5, 0)])
def test_the_mouth_decides_and_not_the_size(slot_m, found):
    assert len(_inlets(_comb(slot_m))) == found


def test_a_wedge_is_cut_off_where_the_disc_rests():
    half = math.radians(10.0)
    far, out = 400 * math.cos(half), 400 * math.sin(half)
    left = polygon((0, 0), (-out, far), (-out - 100, far), (-100, -100), (0, -100))
    right = polygon((0, 0), (0, -100), (100, -100), (out + 100, far), (out, far))
    (inlet,) = _inlets([left, right])
    tangent = 10 / math.tan(half)
    assert inlet.area_m2 == pytest.approx(tangent**2 * math.sin(2 * half) / 2, rel=5e-3)
    assert inlet.max_width_m == pytest.approx(2 * tangent * math.sin(half), rel=5e-3)


@pytest.mark.parametrize(("degrees", "found"), [(30, 1), (37, 1), (42, 0), (90, 0)])
def test_a_corner_between_two_areas_counts_below_39_degrees(degrees, found):
    half = math.radians(degrees / 2)
    far, out = 400 * math.cos(half), 400 * math.sin(half)
    left = polygon((0, 0), (-out, far), (-out - 100, far), (-out - 100, -100), (0, -100))
    right = polygon((0, 0), (0, -100), (out + 100, -100), (out + 100, far), (out, far))
    assert len(_inlets([left, right])) == found


def test_a_notch_in_one_area_is_its_own_shape():
    notched = polygon(
        (0, 0), (200, 0), (200, 100), (102, 100), (102, 20), (98, 20), (98, 100), (0, 100)
    )
    assert _inlets([notched, box(200, 0, 300, 100)]) == ()


def test_a_crack_right_through_is_one_inlet_open_at_both_ends():
    (inlet,) = _inlets([box(0, 0, 200, 300), box(203, 0, 400, 300)])
    assert inlet.area_m2 == pytest.approx(900.0, rel=2e-3)
    assert inlet.members == (0, 1)


def test_ground_behind_a_narrow_mouth_belongs_to_the_inlet():
    left = polygon(
        (0, 0), (200, 0), (200, 50), (150, 50), (150, 150), (200, 150), (200, 200), (0, 200)
    )
    right = polygon(
        (200, 0), (400, 0), (400, 200), (205, 200), (205, 150), (255, 150), (255, 50), (200, 50)
    )
    (inlet,) = _inlets([left, right])
    assert inlet.area_m2 == pytest.approx(105 * 100 + 5 * 50, rel=2e-3)
    assert inlet.max_width_m == pytest.approx(100.0, rel=1e-2)


def test_no_width_no_inlets():
    assert _inlets(_comb(4.0), width_m=0.0) == ()
