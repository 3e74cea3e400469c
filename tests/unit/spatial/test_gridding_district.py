"""A whole real district, with made-up communities: random cells cut out of its real border."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gridsvc.registry.districts import read_districts
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding import CommunityGrid, grid_communities

COMMUNITIES = 150


@pytest.fixture(scope="module")
def communities() -> NDArray[np.object_]:
    district = next(d.geometry for d in read_districts() if d.code == "110101")
    west, south, east, north = district.bounds
    points = np.random.default_rng(4).uniform((west, south), (east, north), (COMMUNITIES, 2))
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=district)
    )
    lines = shapely.union_all([*shapely.boundary(cells), district.boundary])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.contains(district, shapely.point_on_surface(faces))
    return np.asarray(faces[inside])


@pytest.fixture(scope="module")
def grids(communities: NDArray[np.object_]) -> list[CommunityGrid]:
    return grid_communities(list(communities))


def test_cells_of_a_whole_district_are_one_coverage(
    communities: NDArray[np.object_], grids: list[CommunityGrid]
) -> None:
    cells = np.array([cell for grid in grids for cell in grid.cells])
    assert len(cells) > 4_000
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(communities)
    assert shapely.coverage_is_valid(cells)
    true = area_m2(shapely.segmentize(communities, 1e-4))
    sums = np.array([grid.area_m2.sum() for grid in grids])
    np.testing.assert_allclose(sums, true, rtol=1e-6)


def test_cells_of_a_whole_district_are_compact_and_equal(grids: list[CommunityGrid]) -> None:
    large = [grid for grid in grids if len(grid.cells) >= 6]
    compactness = np.concatenate([grid.compactness for grid in large])
    assert np.median(compactness) > 0.757
    assert np.quantile(compactness, 0.01) > 0.6
    assert max(grid.area_m2.max() / grid.area_m2.min() for grid in large) < 1.05
    assert sum(grid.outside_tolerance for grid in large) == 0
