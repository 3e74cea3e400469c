"""How areas fit together, into those above them, and the list of names."""

from __future__ import annotations

import pytest
import shapely

from gridsvc.registry.areas.coverage_check import (
    area_faults,
    name_faults,
    outside_parents_m2,
    parent_faults,
    place_of,
)
from gridsvc.registry.areas.report import FaultKind
from gridsvc.spatial.ellipsoid import area_m2
from tests.plane import PLANE

LEFT = shapely.box(116.30, 39.88, 116.32, 39.90)
RIGHT = shapely.box(116.32, 39.88, 116.34, 39.90)


def test_areas_that_fit_have_no_faults() -> None:
    assert area_faults(["110102001", "110102002"], [LEFT, RIGHT], PLANE) == []
    assert parent_faults(["110102001"], [LEFT], {"110102": LEFT}) == []
    assert name_faults(["110102001"], ["a"], [LEFT], {"110102001": "a"}) == []


def test_a_hole_between_areas_names_the_areas_around_it() -> None:
    ring = LEFT.difference(shapely.box(116.305, 39.885, 116.31, 39.89))

    (gap,) = area_faults(["110102001", "110102002"], [ring, RIGHT], PLANE)

    assert (gap.kind, gap.codes) == (FaultKind.GAP, ("110102001",))
    assert gap.area_m2 == pytest.approx(
        float(area_m2(shapely.box(116.305, 39.885, 116.31, 39.89))), rel=1e-4
    )
    assert 116.305 < (gap.lon or 0) < 116.31


def test_a_thin_gap_is_a_sliver_and_not_a_gap_too() -> None:
    slit = shapely.box(116.305, 39.885, 116.3050001, 39.89)

    (sliver,) = area_faults(["110102001"], [LEFT.difference(slit)], PLANE)

    assert sliver.kind is FaultKind.SLIVER
    assert sliver.words.startswith("gap of 0.01 m in the mean")


def test_an_area_drawn_twice_is_one_fault() -> None:
    (fault,) = area_faults(["110102001", "110102002"], [LEFT, LEFT], PLANE)

    assert (fault.kind, fault.codes) == (FaultKind.DUPLICATE, ("110102001", "110102002"))


def test_an_area_outside_its_parent_tells_how_much_of_it() -> None:
    wide = shapely.union(LEFT, RIGHT)

    (fault,) = parent_faults(["110102001"], [wide], {"110102": LEFT})

    assert fault.area_m2 == pytest.approx(float(area_m2(RIGHT)), rel=1e-4)
    assert "50.00%" in fault.words
    assert outside_parents_m2(["110102001", "110102"], [wide, LEFT], {"110102": LEFT}) == (
        pytest.approx(fault.area_m2)
    )


def test_an_area_whose_parent_is_not_in_force_says_so() -> None:
    (fault,) = parent_faults(["110106001"], [LEFT], {"110102": LEFT})

    assert fault.kind is FaultKind.NO_PARENT
    assert outside_parents_m2(["110106001"], [LEFT], {"110102": LEFT}) == 0.0


def test_two_streets_of_one_district_with_one_name_are_told_and_of_two_are_not() -> None:
    codes = ["110105015", "110108005", "110108006"]
    names = ["八里庄街道", "八里庄街道", "八里庄街道"]

    (fault,) = name_faults(codes, names, [LEFT, RIGHT, RIGHT], {})

    assert (fault.kind, fault.codes) == (FaultKind.SAME_NAME, ("110108005", "110108006"))


def test_the_word_for_office_makes_no_other_name() -> None:
    listed = {"110106008": "六里桥街道", "110106002": "太平桥街道"}
    found = name_faults(
        ["110106008", "110106002"], ["卢沟桥街道办事处", "太平桥街道办事处"], [LEFT, RIGHT], listed
    )

    assert [fault.codes for fault in found] == [("110106008",)]


def test_no_geometry_has_no_place() -> None:
    assert place_of(None) == place_of(shapely.Polygon()) == (None, None)
