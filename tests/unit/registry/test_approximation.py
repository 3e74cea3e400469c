"""Approximate streets and communities: whole, watertight, nested, and where their names are."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridsvc.errors import BadFile
from gridsvc.registry.approximation import (
    Centre,
    approximate_communities,
    approximate_streets,
    read_centres,
)
from gridsvc.registry.districts import District, Division, read_districts, read_divisions
from gridsvc.spatial.coverage import is_watertight, mend
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.plane import PLANE

SHARED = Path(os.environ.get("GRIDSVC_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def divisions():
    return read_divisions(cities.BOUNDARIES)


@pytest.fixture(scope="module")
def centres():
    return read_centres(cities.BOUNDARIES)


@pytest.fixture(scope="module")
def districts():
    return read_districts()


@pytest.fixture(scope="module")
def streets(districts, centres, divisions):
    return approximate_streets(districts, centres, divisions, plane=PLANE)


@pytest.fixture(scope="module")
def communities(streets, centres, divisions):
    return approximate_communities(streets, centres, divisions, plane=PLANE)


def assert_nested(parents, children):
    by_parent = defaultdict(list)
    for child in children:
        assert child.code.startswith(child.parent)
        by_parent[child.parent].append(child.geometry)
    for parent in parents:
        own = by_parent[parent.code]
        reach = shapely.buffer(parent.geometry, 1e-9)
        assert all(shapely.covers(reach, child) for child in own), parent.code
        together = shapely.union_all(own)
        missing = shapely.difference(parent.geometry, shapely.buffer(together, 1e-9))
        assert shapely.is_empty(missing), parent.code


def test_every_street_of_the_list_is_drawn_once(streets, divisions):
    listed = [(d.code, d.name, d.parent) for d in divisions if d.level == "street"]
    assert len(listed) == 349
    assert [(s.code, s.name, s.parent) for s in streets] == sorted(listed)


def test_the_streets_are_watertight_over_the_whole_city(streets):
    assert is_watertight([street.geometry for street in streets])


def test_the_streets_of_a_district_make_up_the_district(districts, streets):
    assert_nested(districts, streets)


def test_the_vertices_of_the_districts_stay_bit_by_bit(districts, streets):
    kept = {tuple(xy) for xy in shapely.get_coordinates([s.geometry for s in streets])}
    real = {tuple(xy) for xy in shapely.get_coordinates([d.geometry for d in districts])}
    assert real <= kept


def test_streets_are_connected_and_of_sane_size(streets):
    geometries = [street.geometry for street in streets]
    assert all(len(geometry.geoms) == 1 for geometry in geometries)
    assert area_m2(geometries).min() > 1_000_000


def test_guanganmenwai_and_taipingqiao_meet_on_the_real_district_border(districts, streets):
    by_code = {area.code: area.geometry for area in [*districts, *streets]}
    met = shapely.intersection(by_code["110102020"], by_code["110106002"])
    assert shapely.length(PLANE.project(met)) > 1000
    real = shapely.intersection(by_code["110102"], by_code["110106"])
    assert shapely.covers(shapely.buffer(real, 1e-9), met)


def test_everything_drawn_is_marked_as_approximate(streets):
    assert all(street.approximate and street.accuracy_m >= 400 for street in streets)


def test_the_streets_are_the_same_every_time(districts, streets, centres, divisions):
    again = approximate_streets(
        list(reversed(districts)), centres, list(reversed(divisions)), plane=PLANE
    )
    assert [area.geometry.wkb for area in again] == [area.geometry.wkb for area in streets]


def test_one_district_alone_is_drawn_with_the_same_streets(districts, centres, divisions):
    west = [district for district in districts if district.code == "110102"]
    alone = approximate_streets(west, centres, divisions, plane=PLANE)
    assert Counter(street.parent for street in alone) == {"110102": 15}
    assert is_watertight([street.geometry for street in alone])


@pytest.mark.slow
def test_every_community_of_the_list_is_drawn_once(communities, divisions):
    listed = [(d.code, d.name, d.parent) for d in divisions if d.level == "community"]
    assert len(listed) == 7535
    assert [(c.code, c.name, c.parent) for c in communities] == sorted(listed)


@pytest.mark.slow
def test_the_communities_are_watertight_over_the_whole_city(communities):
    assert is_watertight([community.geometry for community in communities])


@pytest.mark.slow
def test_the_communities_of_a_street_make_up_the_street(streets, communities):
    assert_nested(streets, communities)


@pytest.mark.slow
def test_communities_are_connected_compact_and_of_sane_size(communities):
    geometries = np.array([community.geometry for community in communities])
    assert all(len(geometry.geoms) == 1 for geometry in geometries)
    area = area_m2(geometries)
    assert area.min() > 20_000
    # Polsby-Popper: 1 for a disc, 0.785 for a square.
    compact = 4 * np.pi * area / shapely.length(PLANE.project(geometries)) ** 2
    assert compact.min() > 0.2
    assert np.median(compact) > 0.7


def test_centres_lie_in_their_own_district(centres, districts):
    lost = [
        code
        for district in districts
        for code, centre in centres.items()
        if code.startswith(district.code)
        and not shapely.covers(district.geometry, shapely.Point(centre.lon, centre.lat))
    ]
    assert lost == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"real street polygons are not at {SHARED}")
def test_centres_lie_in_the_real_streets_of_the_inner_city(centres, divisions):
    def stem(name):
        return re.sub(r"(街道|地区)?(办事处)?$", "", name)

    rows = json.loads((SHARED / "streets_inner_beijing.geojson").read_text("utf-8"))["features"]
    real = defaultdict(list)
    for row in rows:
        if row["properties"]["street"]:
            key = row["properties"]["county"], stem(row["properties"]["street"])
            real[key].append(shapely.from_geojson(json.dumps(row["geometry"])))
    county = {d.code: d.name for d in divisions if d.level == "district"}
    inside, apart_m = [], []
    for street in (d for d in divisions if d.level == "street"):
        drawn = real[county[street.parent], stem(street.name)]
        if len(drawn) == 1:
            area = PLANE.project(mend(drawn[0]).geometry)
            centre = PLANE.project(
                shapely.Point(centres[street.code].lon, centres[street.code].lat)
            )
            inside.append(shapely.covers(area, centre))
            apart_m.append(shapely.distance(area.centroid, centre))
    assert len(inside) >= 93
    assert np.mean(inside) >= 0.95
    assert np.median(apart_m) <= 400


def drawn_around(*centres):
    """Two streets in a square of 8.5 by 8.9 km, drawn around the centres given."""
    square = shapely.MultiPolygon([shapely.box(116.30, 39.80, 116.40, 39.88)])
    divisions = [
        Division("110199", "区", "district", None),
        Division("110199001", "甲街道", "street", "110199"),
        Division("110199002", "乙街道", "street", "110199"),
    ]
    known = {
        f"11019900{number}": Centre(*centre, 1)
        for number, centre in enumerate(centres, start=1)
        if centre is not None
    }
    streets = approximate_streets([District("110199", "区", square)], known, divisions, plane=PLANE)
    return [street.geometry for street in streets]


def test_a_centre_a_little_outside_its_district_draws_its_street_near_that_border():
    west, east = drawn_around((116.2955, 39.84), (116.35, 39.84))
    assert shapely.covers(west, shapely.Point(116.3007, 39.84))
    assert area_m2(west) < area_m2(east)


def test_a_centre_far_outside_its_district_counts_as_unknown():
    far = drawn_around((115.9, 39.84), (116.35, 39.84))
    unknown = drawn_around(None, (116.35, 39.84))
    assert [area.wkb for area in far] == [area.wkb for area in unknown]


def test_a_row_that_is_no_centre_is_refused_with_its_line(tmp_path):
    path = tmp_path / "beijing_centres.csv"
    path.write_text("code,lon,lat,points\n110102020,116.33,39.88,3\n110102021,x,39.88,3\n", "utf-8")
    with pytest.raises(BadFile, match="line 3"):
        read_centres(tmp_path)
