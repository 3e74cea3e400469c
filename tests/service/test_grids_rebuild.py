"""Unit grids mended after a change: what did not change keeps code and polygon, bit by bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.errors import BadCode, BadInput, Conflict, NotFound
from gridsvc.registry.areas.service import NewArea
from gridsvc.registry.grids.rebuild import rebuild_grids
from gridsvc.registry.grids.service import build_grids
from gridsvc.registry.grids.staleness import stale_communities
from gridsvc.registry.placement.repository import grid_stamp, grids_on
from gridsvc.spatial.coverage import is_watertight
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding_barriers import barriers_of
from tests import cities
from tests.service import areas_world as world

DAY = dt.date(2026, 3, 1)
LATER = dt.date(2026, 9, 1)
STABLE, SHRINKING, GROWING = "110106002001", "110102020001", "110102020002"


@pytest.fixture(autouse=True)
def city(session: Session) -> None:
    world.make_city(session)


def moved_border(by: float = 0.0006) -> list[NewArea]:
    """The border between the two southern communities, 51 m farther west; all others as before."""
    west, east = world.box(0, 0), world.box(1, 0)
    x = round(116.31 - by, 6)
    low, high = west.bounds[1], west.bounds[3]
    drawn = {
        SHRINKING: shapely.box(west.bounds[0], low, x, high),
        GROWING: shapely.box(x, low, east.bounds[2], high),
    }
    return [
        world.area(it.code, drawn.get(it.code, it.geometry), it.name) for it in world.COMMUNITIES
    ]


def change_border(session: Session, areas: Sequence[NewArea] | None = None) -> None:
    world.put_in_force(
        session, "later", "community", list(areas or moved_border()), effective_from=world.NEW
    )


def grids(session: Session, where: str = "state = 'valid'") -> dict[tuple[str, str], Any]:
    """Rows by district and code."""
    rows = session.execute(
        text(
            f"select *, st_asbinary(geometry) as wkb from unit_grid where {where}"  # noqa: S608 - the test's own words
        )
    )
    return {(row.district_code, row.code): row for row in rows}


def cells(session: Session, community: str) -> list[Any]:
    found = grids(session, f"state = 'valid' and community_code = '{community}'")
    return [shapely.from_wkb(bytes(row.wkb)) for row in found.values()]


def test_only_the_communities_that_changed_are_cut_anew(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    before = grids(session)
    change_border(session)

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    assert {row.code: row.reason for row in done.communities} == {
        SHRINKING: "outline",
        GROWING: "outline",
    }
    assert done.fitting == 2
    after = grids(session)
    elsewhere = [
        key for key, row in before.items() if row.community_code not in (SHRINKING, GROWING)
    ]
    assert elsewhere
    for key in elsewhere:
        assert bytes(after[key].wkb) == bytes(before[key].wkb)
        assert (after[key].version, after[key].edition_id) == (1, before[key].edition_id)


def test_cells_away_from_the_moved_border_keep_code_and_polygon(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    before = grids(session)
    change_border(session)

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    after = grids(session)
    for row in done.communities:
        assert row.unchanged > 0.6 * (row.unchanged + row.redrawn + row.void)
    moved = shapely.box(116.31 - 0.0006, 39.88, 116.31, 39.89)
    for key, row in before.items():
        if shapely.distance(shapely.from_wkb(bytes(row.wkb)), moved) > 0.003:
            assert bytes(after[key].wkb) == bytes(row.wkb)


def test_the_mended_communities_are_partitioned_again(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    change_border(session)

    rebuild_grids(session, commit=True, **cities.on(LATER))

    for area in moved_border():
        own = cells(session, area.code)
        assert is_watertight(own)
        assert sum(area_m2(own)) == pytest.approx(float(area_m2(area.geometry)), rel=1e-6)
        assert shapely.symmetric_difference(shapely.union_all(own), area.geometry).area < 1e-12
    southern = [cell for code in (SHRINKING, GROWING) for cell in cells(session, code)]
    assert is_watertight(southern)
    sizes = area_m2(southern)
    assert sizes.min() > 5_000
    assert sizes.max() < 15_000


def test_a_code_stays_where_the_place_does_and_is_void_where_it_does_not(session: Session) -> None:
    build_grids(session, [world.WEST], **cities.on(DAY))
    before = grids(session)
    change_border(session)

    done = rebuild_grids(session, keep_share=0.8, commit=True, **cities.on(LATER))

    after = grids(session, "true")
    assert done.voided
    for key, old in before.items():
        one = shapely.from_wkb(bytes(old.wkb))
        other = shapely.from_wkb(bytes(after[key].wkb))
        shared = shapely.intersection(one, other).area
        if after[key].state == "valid":
            assert min(shared / one.area, shared / other.area) >= 0.8
            assert after[key].community_code == old.community_code
            assert (after[key].first_date, after[key].national_id) == (DAY, old.national_id)
        else:
            assert bytes(after[key].wkb) == bytes(old.wkb)
            assert after[key].end_date == LATER
            assert "border changed" in after[key].void_reason
            assert "later" in after[key].void_reason


def test_successors_share_out_the_ground_of_a_void_cell(session: Session) -> None:
    build_grids(session, [world.WEST], **cities.on(DAY))
    change_border(session)

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    valid, void = grids(session), grids(session, "state = 'void'")
    assert {(cell.district_code, cell.code) for cell in done.voided} == void.keys()
    for cell in done.voided:
        assert sum(it.share for it in cell.successors) == pytest.approx(1.0, abs=1e-6)
        assert all((it.district_code, it.code) in valid for it in cell.successors)
        most = max(cell.successors, key=lambda it: it.shared_m2)
        assert void[cell.district_code, cell.code].successor_code == most.code
        kept = session.execute(
            text("select successor_code, shared_m2 from grid_successor where code = :code"),
            {"code": cell.code},
        )
        assert {row[0]: row[1] for row in kept} == pytest.approx(
            {it.code: it.shared_m2 for it in cell.successors}
        )


def test_no_number_is_given_twice(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    ever = set(grids(session))
    nationals = {row.national_id for row in grids(session).values()}
    for step in range(1, 4):
        world.put_in_force(
            session,
            f"step-{step}",
            "community",
            moved_border(0.0006 * step),
            effective_from=world.NEW + dt.timedelta(days=step),
        )
        done = rebuild_grids(session, commit=True, **cities.on(LATER + dt.timedelta(days=step)))
        new = {(community[:6], code) for community, code in done.new}
        assert new
        assert not new & ever
        ever |= new
        born = {grids(session)[key].national_id for key in new}
        assert not born & nationals
        nationals |= born
    assert set(grids(session, "true")) == ever
    registered = session.execute(text("select count(*) from national_id where length(id) = 15"))
    assert registered.scalar_one() == len(ever)


def test_each_day_answers_with_the_polygons_of_that_day(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    connection = session.connection()

    def on(day: dt.date, hour: int = 12) -> dict[tuple[str, str], bytes]:
        moment = cities.calendar().begins(day) + dt.timedelta(hours=hour)
        rows = grids_on(connection, cities.calendar().day(moment))
        return {
            (ref.district_code, ref.code): wkb for ref, wkb in zip(rows.refs, rows.wkb, strict=True)
        }

    before = on(DAY)
    stamp = grid_stamp(connection, cities.on(LATER)["now"], LATER)
    change_border(session)
    rebuild_grids(session, keep_share=0.6, commit=True, **cities.on(LATER))
    world.put_in_force(
        session,
        "latest",
        "community",
        moved_border(0.0009),
        effective_from=world.NEW + dt.timedelta(days=1),
    )
    rebuild_grids(session, keep_share=0.6, commit=True, **cities.on(LATER + dt.timedelta(days=30)))

    assert session.execute(text("select count(*) from unit_grid_former")).scalar_one() > 0
    assert on(LATER - dt.timedelta(days=1), 23) == before
    assert on(LATER, 0) != before
    assert on(LATER + dt.timedelta(days=29)) == on(LATER, 0)
    assert on(LATER + dt.timedelta(days=30), 0) == {
        key: bytes(row.wkb) for key, row in grids(session).items()
    }
    assert grid_stamp(connection, cities.on(LATER)["now"], LATER) != stamp
    for day in (LATER, LATER + dt.timedelta(days=30)):
        whole = shapely.union_all(shapely.from_wkb(list(on(day).values())))
        assert shapely.symmetric_difference(whole, world.box(0, 0, 4, 2)).area < 1e-12


def test_without_commit_nothing_is_written_and_the_answer_is_the_same(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    change_border(session)
    before = grids(session, "true")

    shown = rebuild_grids(session, **cities.on(LATER))

    assert grids(session, "true") == before
    assert not shown.committed
    assert shown.edition_id is None
    done = rebuild_grids(session, commit=True, **cities.on(LATER))
    assert (shown.kept, shown.voided, shown.new) == (done.kept, done.voided, done.new)
    again = rebuild_grids(session, commit=True, **cities.on(LATER))
    assert again.communities == ()
    assert again.edition_id is None
    assert again.fitting == 4


def test_parts_get_the_grids_that_they_now_lie_in(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    add_parts(session, 300)
    before = places_of_parts(session)
    change_border(session)

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    after = places_of_parts(session)
    valid = {key[1]: row for key, row in grids(session).items() if key[0] == world.WEST}
    shapes = {code: shapely.from_wkb(bytes(row.wkb)) for code, row in valid.items()}
    for code, (point, grid, community) in after.items():
        touched = [name for name, shape in shapes.items() if shapely.intersects(shape, point)]
        assert grid == min(touched)
        assert community == valid[grid].community_code, code
    assert done.parts_moved == sum(before[code][1:] != after[code][1:] for code in after)
    assert 0 < done.parts_moved < 300


def test_a_removed_part_stays_removed_since_its_day(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    add_parts(session, 300)
    removed = dt.date(2026, 4, 1)
    session.execute(text("update part set state = 'removed', change_date = :d"), {"d": removed})
    change_border(session)

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    assert done.parts_moved > 0
    assert set(session.scalars(text("select change_date from part"))) == {removed}


def add_parts(session: Session, count: int) -> None:
    """Parts anywhere in the two southern communities, each in its unit grid."""
    session.execute(
        text(
            "insert into class (standard, kind, code, name, major) values"
            " ('s', 'part', '01001', 'cover', 'm')"
        )
    )
    rng = np.random.default_rng(5)
    session.execute(
        text(
            "insert into part (district_code, code, national_id, standard, kind, class_code, name,"
            " geometry, street_code, community_code, grid_code, state, competent_body,"
            " position_class, first_date, source) select '110102', :code, :national, 's', 'part',"
            " '01001', 'cover', p, '110102020', g.community_code, g.code, 'intact', 'b', 'A',"
            " '2026-01-01', 'test' from (select st_setsrid(st_point(:x, :y), 4326) as p) here"
            " join unit_grid g on st_intersects(g.geometry, p)"
        ),
        [
            {
                "code": f"020{10_000 + n}",
                "national": f"11010201001{n:06d}",
                "x": float(rng.uniform(116.3001, 116.3199)),
                "y": float(rng.uniform(39.8801, 39.8899)),
            }
            for n in range(count)
        ],
    )


def places_of_parts(session: Session) -> dict[str, tuple[Any, str, str]]:
    rows = session.execute(
        text("select code, st_asbinary(geometry), grid_code, community_code from part")
    )
    return {row[0]: (shapely.from_wkb(bytes(row[1])), row[2], row[3]) for row in rows}


def test_a_community_that_is_gone_leaves_its_ground_to_its_heir(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    heir = "110102020003"
    joined = [it for it in world.COMMUNITIES if it.code not in (SHRINKING, GROWING)]
    change_border(session, [*joined, world.area(heir, world.box(0, 0, 2, 1))])

    done = rebuild_grids(session, commit=True, **cities.on(LATER))

    assert {row.code: row.reason for row in done.communities} == {
        SHRINKING: "gone",
        GROWING: "gone",
        heir: "new",
    }
    assert cells(session, SHRINKING) == []
    assert is_watertight(cells(session, heir))
    valid = grids(session)
    for cell in done.voided:
        assert all(
            valid[it.district_code, it.code].community_code == heir for it in cell.successors
        )
    assert stale_communities(session, now=cities.now()) == []


def test_another_edition_says_which_communities_no_longer_fit(session: Session) -> None:
    assert stale_communities(session, now=cities.now()) == []
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    assert stale_communities(session, now=cities.now()) == []
    redrawn = [
        world.area(it.code, shapely.segmentize(it.geometry, 0.002), it.name)
        for it in moved_border()
    ]
    change_border(session, redrawn)
    assert [stale.code for stale in stale_communities(session, now=cities.now())] == [
        SHRINKING,
        GROWING,
    ]


def test_grids_whose_origin_is_not_known_are_compared_by_their_cells(session: Session) -> None:
    build_grids(session, [world.WEST, world.EAST], **cities.on(DAY))
    session.execute(text("delete from gridded_community"))
    assert stale_communities(session, now=cities.now()) == []
    change_border(session)
    assert [stale.code for stale in stale_communities(session, now=cities.now())] == [
        SHRINKING,
        GROWING,
    ]


def test_a_new_road_cuts_only_the_community_that_it_runs_through(session: Session) -> None:
    road = shapely.LineString([(116.3012, 39.8805), (116.3088, 39.8891)])
    other = shapely.LineString([(116.322, 39.881), (116.338, 39.899)])
    build_grids(session, [world.WEST, world.EAST], barriers=barriers_of([other]), **cities.on(DAY))
    before = grids(session)

    unchanged = rebuild_grids(session, barriers=barriers_of([other]), **cities.on(LATER))
    assert unchanged.communities == ()
    done = rebuild_grids(
        session, barriers=barriers_of([other, road]), commit=True, **cities.on(LATER)
    )

    assert [(row.code, row.reason) for row in done.communities] == [(SHRINKING, "barriers")]
    after = grids(session)
    for key, row in before.items():
        if row.community_code != SHRINKING:
            assert bytes(after[key].wkb) == bytes(row.wkb)
    assert is_watertight(cells(session, SHRINKING))
    assert done.city is not None
    assert done.city.barrier_used is not None
    assert done.city.barrier_used > 0.5


def test_grids_that_follow_roads_are_not_silently_cut_without_them(session: Session) -> None:
    road = shapely.LineString([(116.3012, 39.8805), (116.3088, 39.8891)])
    build_grids(session, [world.WEST, world.EAST], barriers=barriers_of([road]), **cities.on(DAY))
    change_border(session)

    with pytest.raises(Conflict, match="follow roads, walls or buildings"):
        rebuild_grids(session, **cities.on(LATER))
    assert rebuild_grids(session, without_barriers=True, **cities.on(LATER)).communities
    along = rebuild_grids(session, barriers=barriers_of([road]), commit=True, **cities.on(LATER))
    assert {row.code: row.reason for row in along.communities} == {
        SHRINKING: "outline",
        GROWING: "outline",
    }
    for code in (SHRINKING, GROWING):
        assert is_watertight(cells(session, code))


def test_questions_that_cannot_be_answered_say_why(session: Session) -> None:
    with pytest.raises(NotFound, match="grids build"):
        rebuild_grids(session, **cities.on())
    build_grids(session, [world.WEST], **cities.on(DAY))
    with pytest.raises(NotFound, match="District 110106 has no unit grids"):
        rebuild_grids(session, [world.EAST], **cities.on())
    with pytest.raises(BadInput, match=r"more than 0\.5"):
        rebuild_grids(session, keep_share=0.5, **cities.on())
    with pytest.raises(BadCode, match="is not a community of"):
        rebuild_grids(session, communities=["110102020999"], **cities.on())
