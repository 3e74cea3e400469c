"""The real streets of inner Beijing against the real districts: what docs/audit.md says of them.

The file's own description has 11 overlaps, 333 m² in all, 65 slivers and a broken ring: figures of
areas that were projected before they were compared. Both ways of counting are tested here.
"""

from __future__ import annotations

import json

import numpy as np
import pyproj
import pytest
import shapely

from gridsvc.registry.audits.model import AreasToAudit, LevelAbove
from gridsvc.registry.audits.service import audit_listed, counted_projected
from gridsvc.registry.districts import read_districts
from gridsvc.spatial.audit import FaultKind
from tests.plane import PLANE


@pytest.fixture(scope="module")
def streets(shared_data):
    """The streets as read: their ids as codes, the district that their source gives them."""
    file = shared_data / "streets_inner_beijing.geojson"
    if not file.is_file():
        pytest.skip(f"The real streets are not at {file}.")
    rows = json.loads(file.read_text(encoding="utf-8"))["features"]
    given = [row["properties"] for row in rows]
    return AreasToAudit(
        codes=tuple(str(it["id"]) for it in given),
        names=tuple(it["street"] or "" for it in given),
        parent_codes=tuple((it["street_code_2016"] or "")[:6] or None for it in given),
        geometries=np.array(
            [shapely.from_geojson(json.dumps(row["geometry"])) for row in rows], dtype=object
        ),
    )


@pytest.fixture(scope="module")
def report(streets):
    districts = read_districts()
    above = AreasToAudit(
        codes=tuple(it.code for it in districts),
        names=tuple(it.name for it in districts),
        parent_codes=(None,) * len(districts),
        geometries=np.array([it.geometry for it in districts], dtype=object),
    )
    level = LevelAbove("districts-beijing", "district", 6.0, above)
    return audit_listed(
        "inner Beijing", "street", streets, above=[level], plane=PLANE, accuracy_m=1.0
    )


def test_overlaps_are_64_pairs_of_317_m2_all_of_them_slivers(report):
    overlaps = report.of(FaultKind.OVERLAP)
    assert len({it.codes for it in overlaps}) == 64
    assert len(overlaps) == 77
    assert sum(it.area_m2 for it in overlaps) == pytest.approx(317.02, abs=0.01)
    assert max(it.max_width_m for it in overlaps) < 0.08


def test_gaps_are_57_slivers_and_three_real_ones(report):
    gaps = report.of(FaultKind.GAP)
    slivers = [it for it in gaps if it.sliver]
    assert (len(gaps), len(slivers)) == (60, 57)
    assert sum(it.area_m2 for it in slivers) == pytest.approx(367.2, abs=0.1)
    assert [round(it.area_m2 / 1e6, 2) for it in gaps[:3]] == [4.96, 2.31, 1.13]


def test_inlets_between_streets_are_four(report):
    inlets = report.of(FaultKind.INLET)
    assert len(inlets) == 4
    assert sum(it.area_m2 for it in inlets) == pytest.approx(508, abs=1)
    assert all(len(it.codes) >= 2 for it in inlets)


def test_the_broken_ring_is_named(report):
    (invalid,) = report.of(FaultKind.INVALID)
    assert invalid.codes == ("89",)
    assert invalid.reason == "Too few points in geometry component"


def test_the_border_of_8_and_22_runs_beside_the_border_of_their_districts(report):
    (beside,) = [it for it in report.of(FaultKind.PARALLEL_BORDER) if it.codes == ("8", "22")]
    assert beside.parent_codes == ("110102", "110106")
    assert beside.length_m == pytest.approx(4438, abs=2)
    assert 44 <= beside.width_m <= 54.5
    assert beside.max_width_m == pytest.approx(414, abs=2)


def test_the_streets_without_a_code_are_in_conflict(report):
    conflicts = report.of(FaultKind.CODE_CONFLICT)
    assert {it.codes for it in conflicts} == {("26",), ("68",), ("69",)}


def test_projected_before_they_are_compared_the_figures_of_the_description_come_out(
    streets, report
):
    plane = pyproj.Transformer.from_crs(4326, 4548, always_xy=True)
    flat = shapely.transform(
        shapely.make_valid(streets.geometries),
        lambda xy: np.column_stack(plane.transform(xy[:, 0], xy[:, 1])),
    )
    first, second = shapely.STRtree(flat).query(flat, predicate="intersects")
    once = first < second
    sizes = shapely.area(shapely.intersection(flat[first[once]], flat[second[once]]))
    assert sizes.sum() == pytest.approx(333.3, abs=0.1)
    assert int((sizes > 10).sum()) == 11
    assert int((sizes > 0.01).sum()) == 65

    counted = counted_projected(report, "EPSG:4548").projected
    assert counted.area_m2 == pytest.approx(sizes.sum(), abs=1e-3)
    assert counted.larger == ((10.0, 11), (1.0, int((sizes > 1).sum())), (0.01, 65))
    assert len(counted.pairs) == int((sizes > 0).sum())
