from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.random_cases import NOW, SINCE, Planted, generate
from gridsvc.cases.systems.no_mans_land.model import Scan, Terms
from gridsvc.cases.systems.no_mans_land.service import scan
from gridsvc.errors import BadInput
from gridsvc.registry.disputes.finding import keep_places
from gridsvc.registry.disputes.schemas import FoundAnswer
from gridsvc.registry.editions.repository import edition_in_force
from gridsvc.registry.placement.store import Atlas, AtlasStore
from gridsvc.spatial.disputed import DisputedPlace, DisputeKind
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.service import disputed_city as disputed
from tests.service import joint_city as city

BOX = (116.30, 39.88, 116.34, 39.90)
#: 60 m on both sides of the northern half of the border between the two southern streets.
PLANTED = Planted(
    city.BORDER_LON - 60 / city.LON_M, 39.885, city.BORDER_LON + 60 / city.LON_M, 39.89
)
TERMS = Terms(band_m=60.0, stretch_m=300.0)


@pytest.fixture
def atlas(city_engine: Engine, index_folder: Path) -> Atlas:
    return AtlasStore(city_engine, cities.city(var_dir=index_folder), cities.now).get()


@pytest.fixture
def look(city_session: Session, atlas: Atlas) -> Callable[..., Scan]:
    def looked(terms: Terms = TERMS, **more: Any) -> Scan:
        times = {"since": SINCE, "until": NOW, "now": NOW} | more
        return scan(city_session, cities.city(), atlas, terms, **times)

    return looked


def test_a_planted_no_mans_land_is_listed_and_nothing_else(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    generate(city_session, count=6000, box=BOX, seed=1, planted=PLANTED)
    found = look()
    assert found.cases == 6000
    assert found.tested >= 10
    # 555 m of border were planted: two stretches of 278 m.
    assert {tuple(side.code for side in it.sides) for it in found.listed} == {
        (city.LEAD, city.OTHER)
    }
    assert len(found.listed) == 2
    for stretch in found.listed:
        assert stretch.line.bounds[1] >= 39.8849
        assert stretch.metres == pytest.approx(277.6, abs=1.0)
        assert stretch.near.refused_share is not None
        assert stretch.near.refused_share > 0.2
        for side in stretch.sides:
            assert side.inside.refused_share == pytest.approx(0.05, abs=0.02)
            assert side.inside.cases > 500
        assert stretch.q <= 0.05
    assert [it.p for it in found.listed] == sorted(it.p for it in found.listed)


def test_a_return_counts_by_whatever_name_the_procedure_of_its_case_gives_it(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    generate(city_session, count=6000, box=BOX, seed=1, planted=PLANTED)
    before = look()
    city_session.execute(text("update trace set action = 'still_leaks'"))
    no_return_of_theirs = look()
    city_session.execute(
        text("update case_file set procedure = 'leaking_roofs', procedure_version = 1")
    )
    assert [it.near for it in look().listed] == [it.near for it in before.listed]
    assert all(it.near.refused_or_returned > 10 for it in before.listed)
    assert all(it.near.refused_or_returned == 0 for it in no_return_of_theirs.listed)


def test_slowness_alone_is_found(city_session: Session, look: Callable[..., Scan]) -> None:
    planted = replace(PLANTED, refused=0.05, times_slower=5.0)
    generate(city_session, count=6000, box=BOX, seed=2, planted=planted)
    found = look()
    assert found.listed
    assert all(it.p_slow < 0.01 < it.p_refused for it in found.listed)
    inside = [side.inside.median_days for it in found.listed for side in it.sides]
    assert all(days is not None and days < 5.0 for days in inside)


def test_a_border_no_worse_than_one_of_its_sides_is_not_listed(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    # The whole west refuses: its border strip is much worse than the east, and like the west.
    west = Planted(116.30, 39.88, city.BORDER_LON, 39.90)
    generate(city_session, count=6000, box=BOX, seed=3, planted=west)
    across = [
        stretch
        for stretch in look().listed
        if stretch.sides[0].code[:6] != stretch.sides[1].code[:6]
    ]
    assert across == []


def test_other_work_near_the_border_is_not_taken_for_a_no_mans_land(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    # Near the border almost only the class that takes four times as long everywhere.
    generate(city_session, count=4000, box=BOX, seed=4, slow_class="06010")
    strip = (PLANTED.west, 39.88, PLANTED.east, 39.89)
    before = look()
    generate(city_session, count=2000, box=strip, seed=5, slow_class="06010")
    assert before.listed == ()
    assert look().listed == ()


def test_shuffled_outcomes_give_no_more_false_alarms_than_stated(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    generate(city_session, count=3000, box=BOX, seed=6, planted=PLANTED)
    alarms = look(shuffles=200, seed=7).false_alarms
    assert alarms is not None
    assert alarms.shuffles == 200
    # Five in a hundred are stated; 200 shuffles at that rate give 18 or more once in 150 times.
    assert alarms.with_alarm <= 17
    assert alarms.p_below[0] <= 0.05
    assert alarms.p_below[1] <= 0.01
    again = look(shuffles=200, seed=7).false_alarms
    assert again == alarms


def test_only_cases_opened_in_the_period_count(
    city_session: Session, look: Callable[..., Scan]
) -> None:
    generate(city_session, count=500, box=BOX, seed=8)
    half = SINCE + dt.timedelta(days=150)
    first, second = look(until=half), look(since=half)
    assert first.cases + second.cases == 500
    assert 180 < first.cases < 320


def test_a_city_without_cases_has_no_no_mans_land(look: Callable[..., Scan]) -> None:
    found = look(shuffles=3)
    assert (found.cases, found.tested, found.listed) == (0, 0, ())
    assert found.stretches > 0
    assert found.false_alarms is not None
    assert found.false_alarms.with_alarm == 0


@pytest.mark.parametrize(
    ("terms", "more", "field"),
    [
        (Terms(level="community"), {}, "level"),
        (Terms(band_m=0.5), {}, "band_m"),
        (Terms(max_fdr=1.0), {}, "listed_q"),
        (Terms(), {"since": NOW, "until": SINCE}, "until"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    look: Callable[..., Scan], terms: Terms, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        look(terms, **more)
    assert refused.value.field == field


def neglect(session: Session, ground: shapely.Polygon) -> FoundAnswer:
    """Keep some ground between the two streets as neglected, as the scan would."""
    edition = edition_in_force(session, "street", disputed.NOW)
    assert edition is not None
    place = DisputedPlace(
        DisputeKind.NEGLECT,
        (city.LEAD, city.OTHER),
        shapely.MultiPolygon([ground]),
        float(area_m2(ground)),
        120.0,
        5.0,
    )
    return keep_places(
        session,
        cities.city(),
        edition,
        None,
        [place],
        actor=disputed.WATCHER,
        now=disputed.NOW,
    )


def test_a_gap_in_a_neglected_band_is_a_dispute_of_its_own(city_session: Session) -> None:
    disputed.draw(city_session)
    band = disputed.strip((-1100.0, -300.0, 120.0), west=60.0)
    assert len(neglect(city_session, band).new) == 1
    found = disputed.find(city_session)
    kinds = city_session.execute(text("select kind from dispute order by kind")).scalars().all()
    assert kinds == ["conflict", "gap", "neglect", "overlap"]
    assert len(found.new) == 3
    # And the band is not taken for one of them, when it is looked at again.
    assert neglect(city_session, band).new == ()


def test_a_band_that_lies_in_a_fault_is_told_there_and_does_not_move_it(
    city_session: Session,
) -> None:
    disputed.draw(city_session)
    disputed.find(city_session)
    disputed.draw(city_session, "street-2027", days=10)
    south, north, width = disputed.CONFLICT
    inside = disputed.strip((south + 10, north - 10, width / 2))
    measured = "select kind, area_m2, edition_id from dispute order by kind"
    before = city_session.execute(text(measured)).all()
    found = neglect(city_session, inside)
    assert found.new == ()
    assert len(found.again) == 1
    assert city_session.execute(text(measured)).all() == before
