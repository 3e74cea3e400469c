"""What parts two editions: ground, areas, and the reports, parts and grids that go elsewhere."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.rerouting import rerouted, rerouting
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions.diff import diff_editions
from gridsvc.registry.editions.service import activate_edition
from tests import cities
from tests.service import areas_world as world
from tests.service import joint_city as city
from tests.service.areas_world import NEW, area, box, load

NEW_STREET = "110106009"


def load_new_streets(
    session: Session,
    id: str = "street-new",
    since: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
) -> str:
    """A draft: the border between the districts' streets in the south goes 200 m east, the street
    in the north east is renamed, and a new one takes the east half of the one in the south east.
    """
    lead, north, other, other_north = city.STREETS
    east = city.BORDER_LON + 200.0 / city.LON_M
    areas = [
        NewArea(lead.code, lead.name, shapely.box(116.30, 39.88, east, 39.89)),
        north,
        NewArea(other.code, other.name, shapely.box(east, 39.88, 116.33, 39.89)),
        NewArea(NEW_STREET, "新街道", shapely.box(116.33, 39.88, 116.34, 39.89)),
        NewArea(other_north.code, "右安门街道 (new)", other_north.geometry),
    ]
    load_edition(
        session,
        id=id,
        level="street",
        title="Made up",
        source="made up for a test",
        licence="CC0",
        accuracy_m=5.0,
        approximate=False,
        effective_from=since,
        areas=areas,
        reason="the river was moved",
        at=cities.now(),
    )
    return id


def add_reports(session: Session, metres_east: list[float]) -> list[uuid.UUID]:
    """Reports so far east of the old border; nothing else of them matters here."""
    ids = []
    for metres in metres_east:
        place = city.beside_border(metres)
        ids.append(uuid7())
        session.add(
            Report(
                district_code=city.WEST if metres < 0 else city.EAST,
                id=ids[-1],
                receipt=f"R{len(ids):08d}",
                channel="api",
                standard="made up",
                kind="event",
                class_code=city.BUILDING,
                description="",
                given_x=None,
                given_y=None,
                given_crs=None,
                accuracy_m=5.0,
                point=from_shape(shapely.Point(place["lon"], place["lat"]), srid=4326),
                footprint=None,
                part_code=None,
                needs_confirmation=False,
                case_district=city.WEST,
                case_id=uuid7(),
                joined=False,
                created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            )
        )
    session.flush()
    return ids


def postgis_moves(session: Session, before: str, after: str) -> dict[tuple[str, str], float]:
    """m² by PostGIS on the spheroid; of boxes it may differ, as its edges are geodesics."""
    rows = session.execute(
        text(
            "select a.code, b.code,"
            " st_area(st_segmentize(st_intersection(a.geometry, b.geometry), 0.0005)::geography)"
            " from area a, area b where a.edition_id = :before and b.edition_id = :after"
            " and a.code <> b.code and st_intersects(a.geometry, b.geometry)"
        ),
        {"before": before, "after": after},
    )
    return {(row[0], row[1]): row[2] for row in rows if row[2] > 1e-3}


def test_a_draft_is_compared_with_the_edition_in_force(city_session: Session) -> None:
    load_new_streets(city_session)

    found = diff_editions(city_session, "street-2020", "street-new")

    assert [it.code for it in found.born] == [NEW_STREET]
    assert found.gone == ()
    assert [(it.code, it.after) for it in found.renamed] == [(city.OTHER_NORTH, "右安门街道 (new)")]
    assert [it.code for it in found.changed] == [city.LEAD, city.OTHER]
    moves = {(it.before, it.after): it.area_m2 for it in found.moves}
    assert set(moves) == {(city.OTHER, city.LEAD), (city.OTHER, NEW_STREET)}
    by_postgis = postgis_moves(city_session, "street-2020", "street-new")
    assert by_postgis == {pair: pytest.approx(size, rel=1e-6) for pair, size in moves.items()}
    assert found.unbalanced_m2 < 1e-6
    changes = {it.code: it for it in found.changed}
    assert changes[city.LEAD].gained_m2 == pytest.approx(moves[city.OTHER, city.LEAD], abs=1e-6)
    assert changes[city.OTHER].lost_m2 == pytest.approx(sum(moves.values()), abs=1e-6)


def test_the_other_way_round_gives_everything_back(city_session: Session) -> None:
    load_new_streets(city_session)
    there = diff_editions(city_session, "street-2020", "street-new")
    back = diff_editions(city_session, "street-new", "street-2020")
    assert [it.code for it in back.gone] == [NEW_STREET]
    assert {(it.after, it.before): pytest.approx(it.area_m2) for it in back.moves} == {
        (it.before, it.after): it.area_m2 for it in there.moves
    }


def test_reports_parts_and_grids_that_would_be_routed_differently_are_counted(
    city_session: Session, tmp_path: Path
) -> None:
    load_new_streets(city_session)
    add_reports(city_session, [-50.0, 50.0, 150.0, 250.0, 1000.0])

    found = rerouting(city_session, tmp_path, "street-2020", "street-new")

    assert found.tallies["reports"].looked_at == 5
    assert found.tallies["reports"].moves == (
        (city.OTHER, city.LEAD, 2),
        (city.OTHER, NEW_STREET, 1),
    )
    # The parts of the east stand 100 m beyond the old border.
    assert found.tallies["parts"].looked_at == 4
    assert found.tallies["parts"].moves == ((city.OTHER, city.LEAD, 1),)
    # Each street has two grids, and the east half of one becomes another street.
    assert found.tallies["unit_grids"].looked_at == 8
    assert found.tallies["unit_grids"].moves == ((city.OTHER, NEW_STREET, 1),)
    # 200 m of the other grid are the street's across the border.
    (cut,) = found.cut
    assert (cut.id, cut.before, cut.after) == ("00200001", city.OTHER, city.LEAD)
    lead = next(it for it in found.diff.moves if it.after == city.LEAD)
    assert cut.moved_m2 == pytest.approx(lead.area_m2)
    assert cut.area_m2 == pytest.approx(city.LON_M * city.LAT_M * 1e-4, rel=0.01)


def test_the_reports_that_go_elsewhere_are_listed_page_by_page(
    city_session: Session, tmp_path: Path
) -> None:
    load_new_streets(city_session)
    ids = add_reports(city_session, [50.0, -50.0, 150.0, 60.0, 1000.0])
    expected = sorted(str(ids[i]) for i in (0, 2, 3, 4))

    def page(cursor: str | None = None, **more: str) -> tuple[list[str], str | None]:
        found = rerouted(
            city_session,
            tmp_path,
            "street-2020",
            "street-new",
            "reports",
            limit=3,
            cursor=cursor,
            **more,
        )
        return [it.id for it in found.things], found.next

    first, following = page()
    second, end = page(following)
    assert (first + second, end) == (expected, None)
    assert page(prefix=city.WEST) == ([], None)
    assert page(prefix=city.EAST)[0] == expected[:3]
    for wrong in ("nonsense", "110102.", "110102.no-uuid", "x.1"):
        with pytest.raises(BadInput) as refused:
            page(wrong)
        assert refused.value.field == "cursor"
    with pytest.raises(NotFound, match="it has reports, parts, unit_grids"):
        rerouted(city_session, tmp_path, "street-2020", "street-new", "lamps", limit=1)


def test_old_placements_stay_as_they_were(city_session: Session, tmp_path: Path) -> None:
    load_new_streets(city_session)
    stored = "select district_code, code, street_code from part order by 1, 2"
    before = city_session.execute(text(stored)).all()
    activate_edition(city_session, "street-new", without_audit="made up", at=cities.now())
    rerouting(city_session, tmp_path, "street-2020", "street-new")
    assert city_session.execute(text(stored)).all() == before


def test_editions_of_two_levels_are_not_compared(city_session: Session) -> None:
    for one, other, error in (
        ("street-2020", "district-2020", Conflict),
        ("street-2020", "street-2020", BadInput),
        ("street-2020", "nothing", NotFound),
        ("nothing", "street-2020", NotFound),
    ):
        with pytest.raises(error):
            diff_editions(city_session, one, other)


def test_builds_of_unit_grids_are_not_compared(city_session: Session) -> None:
    city_session.execute(
        text(
            "insert into edition select 'grids-new', level, title, source, licence, accuracy_m,"
            " approximate, state, effective_from, effective_to, loaded_at, audit, reason,"
            " audited_at"
            " from edition where id = 'grids-2020'"
        )
    )
    with pytest.raises(Conflict, match="Builds of unit grids"):
        diff_editions(city_session, "grids-2020", "grids-new")


def test_areas_with_overlaps_and_gaps_balance_too(session: Session) -> None:
    load(session, "old", "street", world.STREETS)
    load(
        session,
        "new",
        "street",
        [
            area("110102007", box(0, 0.8, 2, 1.2)),
            area("110102020", box(0, 0, 2.3, 1)),
            area("110106002", box(2.5, 0, 1.5, 2)),
        ],
        effective_from=NEW,
    )
    found = diff_editions(session, "old", "new")
    moves = {(it.before, it.after) for it in found.moves}
    # The overlap answers with the smaller code; the gap with nobody.
    assert moves == {
        ("110102020", "110102007"),
        ("110106002", "110102020"),
        ("110106002", None),
    }
    assert found.unbalanced_m2 < 1e-6


def test_editions_of_equal_areas_reroute_nothing(session: Session, tmp_path: Path) -> None:
    load(session, "one", "street", world.STREETS)
    load(session, "other", "street", world.STREETS, effective_from=NEW)
    found = rerouting(session, tmp_path, "one", "other")
    assert (found.diff.moves, found.diff.changed, found.cut) == ((), (), ())
    assert {kind: it.rerouted for kind, it in found.tallies.items()} == {
        "reports": 0,
        "parts": 0,
        "unit_grids": 0,
    }
