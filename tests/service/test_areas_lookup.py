"""Answers about areas: lists, children, neighbours, geometry, and the day that is asked for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import shapely
from pyproj import Geod
from sqlalchemy.orm import Session

from gridsvc.errors import BadCode, BadInput, NotFound
from gridsvc.registry.areas import lookup
from tests import cities
from tests.service import areas_world as world
from tests.service.areas_world import NEW, OLD, area, box, put_in_force

pytestmark = pytest.mark.usefixtures("city")


@pytest.fixture
def city(session: Session) -> None:
    world.make_city(session)


def test_areas_stand_in_code_order_each_before_those_below_it(session: Session) -> None:
    page = lookup.list_areas(session, moment=cities.now())

    codes = [it.code for it in page.areas]
    assert codes == sorted(codes)
    assert codes[:3] == ["110102", "110102007", "110102007001"]
    assert (len(codes), page.next) == (9, None)
    assert set(page.edition) == {"district", "street", "community"}


def test_pages_give_every_area_once(session: Session) -> None:
    whole = [it.code for it in lookup.list_areas(session, moment=cities.now()).areas]
    paged: list[str] = []
    cursor = None
    for _ in range(9):
        page = lookup.list_areas(session, limit=4, cursor=cursor, moment=cities.now())
        paged += [it.code for it in page.areas]
        cursor = page.next
        if cursor is None:
            break
    assert paged == whole


def test_a_page_that_ends_with_the_last_area_has_no_next(session: Session) -> None:
    assert lookup.list_areas(session, limit=9, moment=cities.now()).next is None


def test_areas_are_filtered_by_level_parent_and_a_piece_of_the_name(session: Session) -> None:
    def codes(**wanted: str) -> list[str]:
        return [it.code for it in lookup.list_areas(session, **wanted, moment=cities.now()).areas]  # type: ignore[arg-type]

    assert codes(level="district") == ["110102", "110106"]
    assert codes(parent="110102") == ["110102007", "110102020"]
    assert codes(level="street", name="6002") == ["110106002"]
    assert codes(name="%") == []
    assert codes(level="street", parent="110106002") == []


def test_an_area_names_its_parent_and_its_edition(session: Session) -> None:
    found = lookup.find_area(session, "110102020", cities.now())

    assert found.parent is not None
    assert (found.parent.code, found.parent.name) == ("110102", "area 110102")
    assert (found.edition.id, found.edition.approximate) == ("streets", False)
    assert found.edition.accuracy_m == 5.0


def test_the_day_decides_which_edition_answers(session: Session) -> None:
    renamed = [area(it.code, it.geometry, "renamed") for it in world.STREETS]
    put_in_force(session, "streets 2024", "street", renamed, effective_from=NEW, approximate=True)

    before = lookup.find_area(session, "110102020", NEW - dt.timedelta(days=1))
    after = lookup.find_area(session, "110102020", cities.now())

    assert (before.name, before.edition.id) == ("area 110102020", "streets")
    assert (after.name, after.edition.approximate) == ("renamed", True)
    with pytest.raises(NotFound, match="No street boundaries were in force at 2019"):
        lookup.find_area(session, "110102020", OLD - dt.timedelta(days=1))
    with pytest.raises(NotFound, match="No district boundaries"):
        lookup.list_areas(session, moment=OLD - dt.timedelta(days=1))


def test_children_are_the_areas_right_below(session: Session) -> None:
    streets = lookup.children_page(session, "110102", moment=cities.now())
    communities = lookup.children_page(session, "110102020", limit=1, moment=cities.now())

    assert [it.code for it in streets.areas] == ["110102007", "110102020"]
    assert [it.code for it in communities.areas] == ["110102020001"]
    assert communities.next == "110102020001"
    with pytest.raises(NotFound, match="is a community, and no areas lie below"):
        lookup.children_page(session, "110102020001", moment=cities.now())


def test_what_does_not_exist_is_not_found_and_says_where_to_look(session: Session) -> None:
    with pytest.raises(NotFound, match="no street 110102099") as missing:
        lookup.find_area(session, "110102099", cities.now())
    assert missing.value.field == "code"
    with pytest.raises(NotFound):
        lookup.children_page(session, "110199", moment=cities.now())
    with pytest.raises(BadCode) as bad:
        lookup.find_area(session, "1101", cities.now())
    assert bad.value.field == "code"
    with pytest.raises(BadCode) as bad:
        lookup.list_areas(session, parent="x", moment=cities.now())
    assert bad.value.field == "parent"
    with pytest.raises(BadInput, match="cursor"):
        lookup.list_areas(session, cursor="next", moment=cities.now())
    with pytest.raises(BadInput, match="not a level"):
        lookup.list_areas(session, level="grid", moment=cities.now())


def test_neighbours_come_with_the_length_of_the_shared_border(session: Session) -> None:
    found = lookup.neighbours_of(session, "110102020001", cities.now())

    # A side of 0.01 degree is 1,110.3 m along the meridian here, 855.9 m along the parallel.
    by_code = {it.code: it for it in found.neighbours}
    assert list(by_code) == ["110102020002", "110102007001"]
    assert by_code["110102020002"].border_m == pytest.approx(1110.3, abs=0.2)
    assert by_code["110102007001"].border_m == pytest.approx(855.2, abs=1.0)
    assert not any(it.corner for it in found.neighbours)


def test_a_neighbour_that_touches_in_a_corner_only_is_flagged(session: Session) -> None:
    boxes = [area("110101", box(0, 0)), area("110105", box(1, 1)), area("110107", box(5, 5))]
    put_in_force(session, "corners", "district", boxes, effective_from=NEW)

    (corner,) = lookup.neighbours_of(session, "110101", cities.now()).neighbours

    assert (corner.code, corner.border_m, corner.corner) == ("110105", 0.0, True)


def test_a_border_drawn_twice_a_few_centimetres_apart_is_one_border(session: Session) -> None:
    apart = shapely.transform(box(1, 0), lambda xy: xy + np.array([3e-7, 0.0]))
    put_in_force(
        session,
        "drawn twice",
        "district",
        [area("110101", box(0, 0)), area("110105", apart)],
        effective_from=NEW,
    )

    (neighbour,) = lookup.neighbours_of(session, "110101", cities.now()).neighbours

    assert neighbour.border_m == pytest.approx(1110.3, abs=0.5)


def test_a_border_is_measured_where_one_side_has_a_vertex_more(session: Session) -> None:
    slanting = shapely.Polygon([(116.30, 39.90), (116.3123, 39.9077), (116.29, 39.91)])
    other = shapely.Polygon([(116.30, 39.90), (116.32, 39.90), (116.3123, 39.9077)])
    plain, more = "110101", "110105"
    areas = [area(plain, slanting), area(more, shapely.segmentize(other, 0.003))]
    put_in_force(session, "a vertex more", "district", areas, effective_from=NEW)

    (there,) = lookup.neighbours_of(session, plain, cities.now()).neighbours
    (back,) = lookup.neighbours_of(session, more, cities.now()).neighbours

    whole = Geod(ellps="WGS84").inv(116.30, 39.90, 116.3123, 39.9077)[2]
    assert there.border_m == pytest.approx(whole, abs=0.5)
    assert back.border_m == pytest.approx(whole, abs=0.5)


def test_neighbours_that_overlap_have_a_border_all_the_same(session: Session) -> None:
    areas = [area("110101", box(0, 0)), area("110105", box(0.9, 0))]
    put_in_force(session, "overlapping", "district", areas, effective_from=NEW)

    (neighbour,) = lookup.neighbours_of(session, "110101", cities.now()).neighbours

    assert not neighbour.corner
    assert neighbour.border_m > 1110


def test_the_geometry_is_exact_to_the_last_bit(session: Session) -> None:
    odd = shapely.Polygon([(116.1 + 1e-13, 39.9), (116.2, 39.9 + 1 / 3e9), (116.15, 40.0)])
    put_in_force(session, "odd", "district", [area("110101", odd)], effective_from=NEW)

    found = lookup.area_geometry(session, "110101", cities.now())

    assert found["type"] == "MultiPolygon"
    assert shapely.geometry.shape(found).equals_exact(shapely.MultiPolygon([odd]), 0.0)
    assert found["edition"]["id"] == "odd"
