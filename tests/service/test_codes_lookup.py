"""A code is looked up: grids and parts, local and national, in one district or all."""

from __future__ import annotations

import pytest

from gridsvc.errors import BadCode, NotFound
from gridsvc.registry.codes.service import look_up
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_of_table
from tests import cities
from tests.service import parts_world as world

pytestmark = pytest.mark.system(2)


@pytest.fixture
def register(session):
    world.build(session)
    lon, lat = world.inside(0.5, 0.5)
    import_parts(
        session,
        parts_of_table(world.rows(1, lon=lon, lat=lat)),
        district=world.DISTRICT,
        city=cities.city(),
        now=cities.now(),
    )
    lon, lat = world.inside(5.5, 0.5)
    table = world.rows(2, code=["00100011", "00110000"], lon=lon, lat=lat)
    assert (
        import_parts(
            session,
            parts_of_table(table),
            district=world.NEIGHBOUR,
            city=cities.city(),
            now=cities.now(),
        ).loaded
        == 2
    )
    return session


def named(matches):
    return [(match.kind, match.district_code, match.code) for match in matches.matches]


def test_a_code_without_a_district_lists_all_that_bear_it(register):
    assert named(look_up(register, "00110000")) == [
        ("part", "110101", "00110000"),
        ("part", "110105", "00110000"),
    ]
    assert named(look_up(register, "00100011")) == [
        ("unit_grid", "110101", "00100011"),
        ("part", "110105", "00100011"),
    ]


def test_a_code_with_its_district_is_one(register):
    assert named(look_up(register, "00110000", "110105")) == [("part", "110105", "00110000")]
    assert named(look_up(register, "00100011", "110101")) == [("unit_grid", "110101", "00100011")]


@pytest.mark.parametrize(
    ("code", "kind", "local"),
    [
        ("110101001001001", "unit_grid", "00100011"),
        ("11010100100101", "unit_grid", "00100011"),
        ("11010101037000001", "part", "00110000"),
        ("1101010137000001", "part", "00110000"),
    ],
)
def test_a_national_id_names_one_thing(register, code, kind, local):
    assert named(look_up(register, code)) == [(kind, "110101", local)]
    assert named(look_up(register, code, "110101")) == [(kind, "110101", local)]
    with pytest.raises(NotFound, match="Nothing in district 110105"):
        look_up(register, code, "110105")


def test_a_match_tells_the_place_and_the_ids(register):
    grid, part = (look_up(register, code, "110101").matches[0] for code in ("00100011", "00110000"))
    assert grid.geometry["type"] == "Polygon"
    assert grid.national_id == "110101001001001"
    assert grid.community_code == "110101001001"
    assert part.geometry["type"] == "Point"
    assert part.geometry["coordinates"] == pytest.approx(world.inside(0.5, 0.5))
    assert part.grid_code == "00100011"


@pytest.mark.parametrize("code", ["12345678", "110101001001999", "11010101037999999"])
def test_an_unknown_code_is_not_found(register, code):
    with pytest.raises(NotFound, match=f"Nothing in the city has the code {code}"):
        look_up(register, code)


@pytest.mark.parametrize("code", ["", "1", "1234567", "123456789", "1234567a", "１２３４５６７８"])
def test_a_code_of_another_form_is_refused(register, code):
    with pytest.raises(BadCode):
        look_up(register, code)


def test_a_district_that_is_none_is_refused(register):
    with pytest.raises(BadCode, match="is not a district"):
        look_up(register, "00110000", "110101001")
