"""Parts near a place, one by one, and changed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyproj
import pytest
from geoalchemy2.shape import to_shape
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gridsvc.db import session_factory
from gridsvc.errors import BadCode, BadGeometry, BadInput, Conflict, NotFound, OutsideCity
from gridsvc.registry.parts import repository
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_of_table
from gridsvc.registry.parts.schemas import NewPart, PartChange
from gridsvc.registry.parts.service import (
    add_part,
    change_part,
    district_of_new,
    get_part,
    near_parts,
    part_candidates,
)
from gridsvc.registry.placement.store import AtlasStore
from tests import cities
from tests.service import parts_world as world

#: A day on which all of the register has begun.
DAY = dt.date(2100, 1, 1)

pytestmark = pytest.mark.system(2)

GEOD = pyproj.Geod(ellps="WGS84")


@pytest.fixture
def register(session):
    world.build(session)
    return session


@pytest.fixture
def atlas(register, engine, tmp_path):
    register.commit()
    return AtlasStore(engine, cities.city(var_dir=tmp_path), cities.now).get()


def load(session, **columns):
    count = len(next(iter(columns.values())))
    assert import_parts(
        session,
        parts_of_table(world.rows(count, **columns)),
        district=world.DISTRICT,
        city=cities.city(),
        now=cities.now(),
    ).loaded
    return columns


def scattered(session, count=400):
    rng = np.random.default_rng(3)
    lon, lat = world.inside(rng.uniform(0.01, 3.99, count), rng.uniform(0.01, 3.99, count))
    kinds = np.where(np.arange(count) % 3 == 0, "03005", "01037")
    load(session, lon=lon, lat=lat, class_code=kinds)
    return lon, lat, kinds


def placed_parts(session):
    return session.execute(
        text(
            "select st_x(geometry) as lon, st_y(geometry) as lat, street_code, community_code,"
            " grid_code from part order by 1, 2"
        )
    ).all()


def new_part(column=0.5, row=0.5, **fields):
    lon, lat = world.inside(column, row)
    given = {
        "class": "03005",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "competent_body": "110101-HW",
    }
    return NewPart.model_validate(given | fields)


def test_parts_come_nearest_first_with_the_distance_on_the_ellipsoid(register):
    lon, lat, kinds = scattered(register)
    here = world.inside(2, 2)
    expected = GEOD.inv(lon, lat, np.full(400, here[0]), np.full(400, here[1]))[2]
    for radius_m in (30.0, 150.0, 500.0, 5000.0):
        found, cursor = near_parts(register, *here, day=DAY, radius_m=radius_m, limit=1000)
        wanted = np.sort(expected[expected <= radius_m])
        assert cursor is None
        assert [one.distance_m for one in found] == pytest.approx(wanted, abs=1e-6)
    litter, _ = near_parts(register, *here, day=DAY, radius_m=500.0, class_code="03005", limit=1000)
    assert len(litter) == np.count_nonzero((expected <= 500) & (kinds == "03005"))


def test_pages_by_cursor_give_every_part_once_and_in_order(register):
    scattered(register)
    here = world.inside(1.2, 2.8)
    whole, _ = near_parts(register, *here, day=DAY, radius_m=2000.0, limit=1000)
    paged, cursor = [], None
    while True:
        page, cursor = near_parts(
            register, *here, day=DAY, radius_m=2000.0, limit=37, cursor=cursor
        )
        paged += page
        if cursor is None:
            break
    assert [one.part.code for one in paged] == [one.part.code for one in whole]
    assert len(paged) > 300


def test_parts_at_one_place_are_paged_by_their_codes(register):
    lon, lat = world.inside()
    load(register, lon=[lon] * 5, lat=[lat] * 5)
    first, cursor = near_parts(register, lon, lat, day=DAY, radius_m=10, limit=3)
    second, _ = near_parts(register, lon, lat, day=DAY, radius_m=10, limit=3, cursor=cursor)
    codes = [one.part.code for one in first + second]
    assert codes == sorted(set(codes))
    assert len(codes) == 5


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "WyJhIiwgIiIsICIiXQ", "W10"])
def test_a_cursor_of_somebody_elses_making_is_refused(register, cursor):
    with pytest.raises(BadInput, match="not one that this service gave"):
        near_parts(register, 116.4, 39.9, day=DAY, radius_m=10, cursor=cursor)


def test_with_20_m_of_error_the_right_part_is_among_the_candidates(register):
    scattered(register, 60)
    everything, _ = near_parts(register, *world.inside(2, 2), day=DAY, radius_m=5000, limit=1000)
    assert len(everything) == 60
    rng = np.random.default_rng(5)
    for one in everything:
        point = to_shape(one.part.geometry)
        away = GEOD.fwd(point.x, point.y, rng.uniform(0, 360), 20.0 * np.sqrt(rng.uniform()))
        found = part_candidates(register, away[0], away[1], 20.0, day=DAY)
        assert one.part.code in {candidate.part.code for candidate in found}
        assert [c.distance_m for c in found] == sorted(c.distance_m for c in found)
        other = "01037" if one.part.class_code == "03005" else "03005"
        of_other_class = part_candidates(register, away[0], away[1], 20.0, other, day=DAY)
        assert one.part.code not in {candidate.part.code for candidate in of_other_class}


def test_near_parts_use_the_spatial_index(register):
    scattered(register, 2000)
    register.execute(text("analyze part"))
    plan = register.scalars(
        text("explain " + repository._WITHIN.text),
        {
            "lon": 116.404,
            "lat": 39.903,
            "reach_m": 40.0,
            "class_code": None,
            "day": DAY,
            "after_m": -1.0,
            "after_district": "",
            "after_code": "",
            "limit": 10,
        },
    ).all()
    assert any("ix_part_geometry" in line for line in plan)


def test_a_new_part_gets_its_code_its_ids_and_its_grid(register, atlas):
    new = new_part(2.5, 1.5)
    part = add_part(
        register, cities.city(), new, district_of_new(new, atlas), atlas, now=cities.now()
    )
    assert (part.district_code, part.code) == (world.DISTRICT, "00210000")
    assert part.national_id == "11010103005000001"
    assert part.grid_code == "00200013"
    assert part.community_code == "110101002001"
    assert part.name == "垃圾箱"
    assert part.source == "registered singly"


def test_a_new_part_is_placed_as_an_import_would(register, atlas):
    given = [(column + 0.25, row) for column in range(4) for row in (0.0, 1.0, 2.5)]
    for column, row in given:
        add_part(
            register, cities.city(), new_part(column, row), world.DISTRICT, atlas, now=cities.now()
        )
    singly = placed_parts(register)
    assert len(singly) == 12
    assert all(all(row) for row in singly)
    register.execute(text("delete from part"))
    table = world.rows(12, lon=[row.lon for row in singly], lat=[row.lat for row in singly])
    import_parts(
        register,
        parts_of_table(table),
        district=world.DISTRICT,
        city=cities.city(),
        now=cities.now(),
    )
    assert placed_parts(register) == singly


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"class": "99999"}, BadInput, "unknown class '99999'"),
        ({"competent_body": "NOBODY"}, BadInput, "unknown body 'NOBODY'"),
        ({"code": "00100011"}, Conflict, "00100011 is taken"),
        ({"code": "1"}, BadInput, "does not have 8 digits"),
        ({"district": "110105"}, BadInput, "outside district 110105 朝阳区"),
        ({"district": "110199"}, NotFound, "no district 110199"),
        ({"geometry": {"type": "Point"}}, BadGeometry, "no coordinates"),
        ({"geometry": {"type": "Point", "coordinates": []}}, BadGeometry, "empty"),
        (
            {"geometry": {"type": "Point", "coordinates": [100.0, 10.0]}},
            OutsideCity,
            "in none of the service's districts",
        ),
    ],
)
def test_a_new_part_that_cannot_be_is_refused_with_the_reason(
    register, atlas, fields, error, words
):
    new = new_part(**fields)
    with pytest.raises(error, match=words):
        add_part(register, cities.city(), new, district_of_new(new, atlas), atlas, now=cities.now())
    assert register.scalar(text("select count(*) from part")) == 0


def test_a_change_sets_the_date_and_leaves_the_rest(register, atlas):
    part = add_part(
        register,
        cities.city(),
        new_part(owner_body="110101-HW"),
        world.DISTRICT,
        atlas,
        now=cities.now(),
    )
    change = PartChange(state="damaged", note="lid broken", maintainer_body="BJ-LAMP")
    changed = change_part(
        register, world.DISTRICT, part.code, change, day=cities.calendar().day(cities.now())
    )
    assert (changed.state, changed.note, changed.maintainer_body) == (
        "damaged",
        "lid broken",
        "BJ-LAMP",
    )
    assert changed.owner_body == "110101-HW"
    assert abs(changed.change_date - dt.datetime.now(dt.UTC).date()) <= dt.timedelta(days=1)
    cleared = change_part(
        register,
        world.DISTRICT,
        part.code,
        PartChange(owner_body=None),
        day=cities.calendar().day(cities.now()),
    )
    assert cleared.owner_body is None
    assert cleared.note == "lid broken"


def test_a_note_on_a_removed_part_leaves_the_day_of_its_removal(register, atlas):
    part = add_part(register, cities.city(), new_part(), world.DISTRICT, atlas, now=cities.now())
    removed, later = dt.date(2100, 1, 1), dt.date(2100, 2, 1)
    change_part(register, world.DISTRICT, part.code, PartChange(state="removed"), day=removed)
    noted = change_part(register, world.DISTRICT, part.code, PartChange(note="sold"), day=later)
    assert (noted.note, noted.change_date) == ("sold", removed)
    again = change_part(register, world.DISTRICT, part.code, PartChange(state="intact"), day=later)
    assert again.change_date == later


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (PartChange(), "The change is empty"),
        (PartChange(state=None), "always has state"),
        (PartChange(competent_body=None), "always has competent_body"),
        (PartChange(owner_body="NOBODY"), "'NOBODY' is not known"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(register, atlas, change, words):
    part = add_part(register, cities.city(), new_part(), world.DISTRICT, atlas, now=cities.now())
    with pytest.raises(BadInput, match=words):
        change_part(
            register, world.DISTRICT, part.code, change, day=cities.calendar().day(cities.now())
        )
    assert part.change_date is None


def test_an_unknown_part_and_a_wrong_code_are_told_apart(register):
    with pytest.raises(NotFound, match="no part 00110000"):
        get_part(register, world.DISTRICT, "00110000")
    with pytest.raises(BadCode, match="not an 8-digit code"):
        get_part(register, world.DISTRICT, "11010103005000001")
    with pytest.raises(BadCode, match="not a district"):
        get_part(register, "110101001", "00110000")


def test_two_writers_at_once_are_given_different_codes(register, engine, atlas):
    add_part(register, cities.city(), new_part(), world.DISTRICT, atlas, now=cities.now())
    with session_factory(engine)() as other:
        other.execute(text("set local lock_timeout = '200ms'"))
        # It waits before it looks for a free number, not when it stores a number twice.
        with pytest.raises(OperationalError, match=r"lock timeout[\s\S]*pg_advisory_xact_lock"):
            add_part(other, cities.city(), new_part(), world.DISTRICT, atlas, now=cities.now())
        other.rollback()
        register.commit()
        assert (
            add_part(other, cities.city(), new_part(), world.DISTRICT, atlas, now=cities.now()).code
            == "00110001"
        )
