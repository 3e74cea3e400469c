"""Unit grids of whole districts: watertight, numbered once, stored with every code."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.db import session_factory
from gridsvc.errors import BadCode, CodesExhausted, Conflict, NotFound
from gridsvc.registry.areas import repository
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.grids.service import build_grids
from gridsvc.spatial.coverage import is_watertight
from tests import cities
from tests.service import areas_world as world
from tests.waiting import wait_until_blocked

pytestmark = pytest.mark.system(1)

DAY = dt.date(2026, 3, 1)


@pytest.fixture(autouse=True)
def city(session: Session) -> None:
    world.make_city(session)


def rows(session: Session, columns: str, where: str = "true") -> list[Any]:
    """Columns of the unit grids, in the order of district, community and serial."""
    return list(
        session.execute(
            text(
                f"select {columns} from unit_grid where {where}"  # noqa: S608 - the test's own words
                " order by district_code, community_code, serial"
            )
        )
    )


def test_the_grids_of_a_community_partition_it(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))

    for community in world.COMMUNITIES:
        found = rows(
            session, "st_asbinary(geometry), area_m2", f"community_code = '{community.code}'"
        )
        cells = shapely.from_wkb([bytes(row[0]) for row in found])
        assert is_watertight(cells)
        whole = repository.area_in(session, "communities", community.code, all_edition_ids=[])
        assert whole is not None
        assert sum(row[1] for row in found) == pytest.approx(whole.area_m2, rel=1e-6)
        assert all(9_000 <= row[1] <= 11_000 for row in found)


def test_codes_run_through_a_street_and_serials_through_a_community(session: Session) -> None:
    built = build_grids(session, [world.WEST], **cities.on(DAY))

    street = rows(session, "code, community_code, serial, national_id", "street_code = '110102020'")
    assert [row.code for row in street] == [f"020{n:05d}" for n in range(1, len(street) + 1)]
    second = [row for row in street if row.community_code == "110102020002"]
    assert [row.serial for row in second] == list(range(1, len(second) + 1))
    assert second[0].national_id == "110102020002001"
    assert built.counts == {"110102": len(rows(session, "code"))}


def test_both_national_ids_are_registered_and_the_old_one_ends_at_99(session: Session) -> None:
    build_grids(session, [world.EAST], **cities.on(DAY))

    found = rows(session, "code, serial, national_id, national_id_2013")
    assert len(found) > 99
    assert all((row.national_id_2013 is None) == (row.serial > 99) for row in found)
    assert found[98].national_id_2013 == "11010600200199"
    registered = {
        row.id: (row.kind, row.district_code, row.code)
        for row in session.execute(text("select * from national_id"))
    }
    expected = {row.national_id: ("unit_grid", "110106", row.code) for row in found}
    expected |= {
        row.national_id_2013: ("unit_grid", "110106", row.code)
        for row in found
        if row.national_id_2013
    }
    assert registered == expected


def test_the_same_communities_give_the_same_codes_and_polygons(session: Session) -> None:
    def built() -> tuple[Any, list[Any]]:
        build = build_grids(session, [world.EAST, world.WEST, world.EAST], **cities.on(DAY))
        return build.edition_id, rows(session, "code, national_id, st_asbinary(geometry)::text")

    first = built()
    session.execute(text("delete from unit_grid"))
    session.execute(text("delete from national_id"))
    session.execute(text("delete from edition where level = 'unit_grid'"))

    assert built() == first


def test_an_edition_of_unit_grids_is_in_force_from_its_first_day(session: Session) -> None:
    built = build_grids(session, [world.WEST], **cities.on(DAY))

    (edition,) = edition_repository.editions(session, "unit_grid")
    assert (edition.id, edition.state) == (built.edition_id, "active")
    assert edition.id.startswith("unit_grid-2026-03-01-")
    assert edition.effective_from == cities.calendar().begins(DAY)
    assert edition.accuracy_m == 5.0
    assert built.communities_edition_id == "communities"
    assert {row.edition_id for row in rows(session, "edition_id")} == {edition.id}


def test_a_district_with_grids_is_refused_and_another_is_not(session: Session) -> None:
    build_grids(session, [world.WEST], **cities.on(DAY))
    before = rows(session, "code")

    with pytest.raises(Conflict, match=r"District 110102 has .* valid unit grids"):
        build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    assert rows(session, "code") == before
    assert build_grids(session, [world.EAST], **cities.on(DAY)).total > 0


def test_a_void_code_or_serial_is_never_given_again(session: Session) -> None:
    first = build_grids(session, [world.WEST], **cities.on(DAY))
    given = {(row.code, row.national_id) for row in rows(session, "code, national_id")}
    session.execute(
        text("update unit_grid set state = 'void', void_reason = 'built anew', end_date = :day"),
        {"day": DAY},
    )
    # A city's own code of a part stands in the same name space.
    session.execute(
        text(
            "insert into class (standard, kind, code, name, major) values ('s', 'part', '01001',"
            " 'cover', 'm');"
            "insert into part (district_code, code, national_id, standard, kind, class_code, name,"
            " geometry, state, competent_body, position_class, first_date, source) values"
            " ('110102', '02004321', '11010201001000001', 's', 'part', '01001', 'cover',"
            " 'SRID=4326;POINT(116.305 39.885)', 'intact', 'b', 'A', '2026-01-01', 'test')"
        )
    )

    second = build_grids(session, [world.WEST], **cities.on(DAY))

    valid = rows(session, "code, national_id, serial, community_code", "state = 'valid'")
    assert second.total == first.total == len(valid)
    assert second.edition_id == f"{first.edition_id}-2"
    assert not {row.code for row in valid} & {code for code, _ in given}
    assert not {row.national_id for row in valid} & {national for _, national in given}
    assert min(row.code for row in valid if row.code.startswith("020")) == "02004322"
    below = [row.serial for row in valid if row.community_code == "110102007001"]
    assert below == list(range(len(below) + 1, 2 * len(below) + 1))


def test_a_community_without_serials_left_is_an_error_that_says_what_to_do(
    session: Session,
) -> None:
    build_grids(session, [world.WEST], **cities.on(DAY))
    session.execute(
        text(
            "update unit_grid set state = 'void', void_reason = 'test', end_date = :day,"
            " serial = case when code = '02000001' then 999 else serial end"
        ),
        {"day": DAY},
    )

    with pytest.raises(
        CodesExhausted, match="Community 110102020001 has given out all 999 serials"
    ):
        build_grids(session, [world.WEST], **cities.on(DAY))


def test_a_community_too_large_for_its_serials_gets_larger_cells_and_says_so(
    session: Session,
) -> None:
    vast = [world.area("110107001001", world.box(10, 10, 4, 4), "广阔村")]
    world.put_in_force(session, "vast", "community", vast, effective_from=world.NEW)

    built = build_grids(session, ["110107"], **cities.on(DAY))

    (enlarged,) = built.enlarged
    assert (enlarged.code, enlarged.name) == ("110107001001", "广阔村")
    assert 990 <= enlarged.cells == built.total <= 999
    assert enlarged.nominal_m2 > 15_000
    assert {row.nominal_m2 for row in rows(session, "nominal_m2")} == {enlarged.nominal_m2}


def test_the_measures_of_a_build_are_those_of_its_cells(session: Session) -> None:
    built = build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))

    cells = rows(session, "area_m2, nominal_m2, compactness")
    assert built.total == len(cells)
    assert built.communities == 4
    assert built.smallest_m2 == min(cell.area_m2 for cell in cells)
    assert built.largest_m2 == max(cell.area_m2 for cell in cells)
    assert built.worst_compactness == min(cell.compactness for cell in cells)
    assert built.spread == max(abs(cell.area_m2 / cell.nominal_m2 - 1) for cell in cells)
    assert built.outside_tolerance == 0


def test_only_districts_with_communities_are_built(session: Session) -> None:
    with pytest.raises(BadCode, match="110102020 is the code of a street"):
        build_grids(session, ["110102020"], **cities.on())
    with pytest.raises(BadCode, match="name at least one"):
        build_grids(session, [], **cities.on())
    with pytest.raises(NotFound, match="no communities in district 110107"):
        build_grids(session, ["110107"], **cities.on())
    assert rows(session, "code") == []


def test_two_builds_at_once_number_a_district_once(engine: Engine, session: Session) -> None:
    session.commit()
    first = build_grids(session, [world.WEST], **cities.on(DAY))
    outcome: list[object] = []

    def build_again() -> None:
        with session_factory(engine)() as other:
            try:
                outcome.append(build_grids(other, [world.WEST], **cities.on(DAY)))
            except Conflict as conflict:
                outcome.append(conflict)

    waiting = threading.Thread(target=build_again)
    waiting.start()
    wait_until_blocked(engine, waiting)
    assert outcome == []
    session.commit()
    waiting.join()

    assert isinstance(outcome[0], Conflict)
    assert len(rows(session, "code")) == first.total
