"""The made-up census: plausible, the same every time, marked, and through the same importer."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gridsvc.city.classes import STANDARD
from gridsvc.errors import BadFile, NotFound
from gridsvc.registry.bodies.models import Body
from gridsvc.registry.classes.service import part_class_names
from gridsvc.registry.parts import census, repository
from gridsvc.registry.parts.census import draw_streets, made_up_census
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_of_table
from tests import cities
from tests.plane import PLANE
from tests.service import parts_world as world
from tests.waiting import slowness

pytestmark = pytest.mark.system(2)

SUFFIXES = ("CGW", "GA", "HW", "JT", "MZ", "YL")
COMPANIES = ("WATER", "DRAIN", "POWER", "GAS", "HEAT", "TELECOM", "TV", "LAMP", "BUS")


@pytest.fixture
def register(session):
    world.build(session)
    wanted = {f"{world.DISTRICT}-{suffix}" for suffix in SUFFIXES}
    wanted |= {f"BJ-{company}" for company in COMPANIES}
    for code in sorted(wanted - set(world.BODIES)):
        session.add(Body(code=code, name=code, kind="company", area_code="11", source="test"))
    session.flush()
    return session


def parts_outside_their_grid(session):
    return session.scalar(
        text(
            "select count(*) from part left join unit_grid"
            " on unit_grid.district_code = part.district_code and unit_grid.code = part.grid_code"
            " where not coalesce(st_intersects(unit_grid.geometry, part.geometry), false)"
        )
    )


def test_a_census_has_the_number_asked_for_and_is_marked_as_made_up(register):
    table = made_up_census(register, PLANE, at_least=3000, now=cities.now())
    assert 3000 <= len(table) <= 3200
    assert set(table["source"]) == {"made-up census, seed 2004"}
    assert (table["state"] == "intact").mean() > 0.9
    assert set(table["state"]) >= {"damaged", "missing"}


def test_the_same_seed_gives_the_same_census_and_another_seed_another(register):
    first = made_up_census(register, PLANE, at_least=1000, now=cities.now())
    pd.testing.assert_frame_equal(
        first, made_up_census(register, PLANE, at_least=1000, now=cities.now())
    )
    other = made_up_census(register, PLANE, at_least=1000, seed=7, now=cities.now())
    assert not np.array_equal(first["lon"][:500], other["lon"][:500])


def test_a_census_loads_through_the_importer_whole_each_part_in_a_grid(register):
    table = made_up_census(register, PLANE, at_least=2000, now=cities.now())
    result = import_parts(
        register,
        parts_of_table(table),
        district=world.DISTRICT,
        city=cities.city(),
        now=cities.now(),
    )
    assert (result.loaded, result.refused, result.without_grid) == (len(table), (), 0)
    assert parts_outside_their_grid(register) == 0


def test_a_census_has_the_kinds_of_parts_that_people_report(register):
    classes = set(made_up_census(register, PLANE, at_least=2000, now=cities.now())["class_code"])
    covers = {"01001", "01002", "01003", "01005", "01007", "01010", "01011"}
    assert classes >= covers | {"02012", "03005", "01037", "04002"}
    assert classes <= set(part_class_names(register, STANDARD))


def test_parts_stand_along_the_streets_and_not_inside_the_blocks(register):
    table = made_up_census(register, PLANE, at_least=2000, now=cities.now())
    streets = draw_streets(repository.grids_in(register, world.DISTRICT), PLANE)
    roads = shapely.union_all([line for lines in streets.lines.values() for line in lines])
    places = PLANE.project(shapely.points(table["lon"], table["lat"]))
    assert shapely.distance(places, roads).max() < 20.0
    lamps = (table["class_code"] == "01037").to_numpy()
    covers = (table["class_code"] == "01002").to_numpy()
    assert np.median(shapely.distance(places[lamps], roads)) > 2.5
    assert np.median(shapely.distance(places[covers], roads)) < 2.5


def test_streets_run_between_grids_and_never_on_the_border_of_the_district(register):
    streets = draw_streets(repository.grids_in(register, world.DISTRICT), PLANE)
    border = PLANE.project(world.box(0, 0, 4, 4).exterior)
    for lines in streets.lines.values():
        assert all(shapely.intersection(line, border.buffer(1)).length < 3 for line in lines)
    height = PLANE.project(shapely.LineString([world.inside(2, 0), world.inside(2, 4)])).length
    assert streets.length_m("avenue") == pytest.approx(height, rel=1e-6)
    assert len(streets.crossings.places) == 9


def test_a_district_without_grids_has_no_streets_to_stand_along(register):
    with pytest.raises(NotFound, match="District 110105 has no unit grids"):
        made_up_census(register, PLANE, district=world.NEIGHBOUR, now=cities.now())


def test_a_bad_line_of_the_layout_is_named(tmp_path):
    path = tmp_path / "census.csv"
    header, first = census._LAYOUT.read_text("utf-8").splitlines()[:2]
    path.write_text(f"{header}\n{first}\n{first.replace('middle', 'above')}\n", "utf-8")
    with pytest.raises(BadFile, match=r"census\.csv, line 3: side is 'above'"):
        census._read_layouts(path)


@pytest.mark.slow
def test_160000_parts_load_in_under_a_minute_each_in_its_grid(register):
    table = made_up_census(register, PLANE, now=cities.now())
    steps = []
    started = time.perf_counter()
    result = import_parts(
        register,
        parts_of_table(table),
        district=world.DISTRICT,
        progress=lambda step, share: steps.append((step, share)),
        city=cities.city(),
        now=cities.now(),
    )
    assert result.loaded == len(table) >= 160_000
    assert time.perf_counter() - started < 60 * slowness()
    assert steps[-1] == ("done", 1.0)
    assert parts_outside_their_grid(register) == 0
