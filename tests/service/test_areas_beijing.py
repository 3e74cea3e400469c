"""Beijing itself: real districts, approximate streets and communities, unit grids of three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import shapely
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from gridsvc.db import PrivateCluster
from gridsvc.registry.areas import lookup, repository
from gridsvc.registry.areas.beijing import (
    COMMUNITY_EDITION,
    DISTRICT_EDITION,
    STREET_EDITION,
    load_beijing,
)
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.repository import codes_in
from gridsvc.registry.grids.service import GridBuild, build_grids
from gridsvc.spatial.coverage import is_watertight
from tests import cities

pytestmark = [pytest.mark.slow, pytest.mark.system(1)]

THREE = ["110101", "110102", "110106"]


@pytest.fixture(scope="module")
def beijing(cluster: PrivateCluster, template_database: str) -> Iterator[Session]:
    """The city and the unit grids of three districts, in a database of this module's own."""
    name = "test_areas_beijing"
    admin = create_engine(make_url(cluster.url("postgres")), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'create database {name} template "{template_database}"'))
    engine = create_engine(make_url(cluster.url(name)))
    with Session(engine) as session:
        load_beijing(session, cities.city(), now=cities.now())
        session.commit()
        yield session
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture(scope="module")
def built(beijing: Session) -> GridBuild:
    return build_grids(beijing, THREE, **cities.on())


def test_all_three_levels_are_in_force_and_say_what_they_are(beijing: Session) -> None:
    in_force = {edition.level: edition for edition in edition_repository.editions(beijing)}
    counts = {level: len(codes_in(beijing, it.id)) for level, it in in_force.items()}

    assert {level: counts[level] for level in ("district", "street", "community")} == {
        "district": 16,
        "street": 349,
        "community": 7535,
    }
    assert not in_force["district"].approximate
    assert in_force["street"].approximate
    assert in_force["community"].approximate
    assert in_force["district"].accuracy_m < in_force["street"].accuracy_m


def test_each_level_is_stored_as_a_watertight_coverage_inside_the_level_above(
    beijing: Session,
) -> None:
    _, districts = repository.geometries_in(beijing, DISTRICT_EDITION)
    _, streets = repository.geometries_in(beijing, STREET_EDITION)
    _, communities = repository.geometries_in(beijing, COMMUNITY_EDITION)

    for level in (districts, streets, communities):
        assert shapely.coverage_is_valid(level)
    total = shapely.area(districts).sum()
    assert shapely.area(streets).sum() == pytest.approx(total, rel=1e-9)
    assert shapely.area(communities).sum() == pytest.approx(total, rel=1e-9)


def test_loading_it_again_does_nothing(beijing: Session) -> None:
    told: list[str] = []

    assert load_beijing(beijing, cities.city(), now=cities.now(), progress=told.append) == []
    assert told == ["Districts, streets and communities are there already."]


def test_the_two_streets_of_the_story_share_a_border(beijing: Session) -> None:
    found = {
        it.code: it for it in lookup.neighbours_of(beijing, "110102020", cities.now()).neighbours
    }

    assert found["110106002"].border_m > 1_000
    assert not found["110106002"].corner


def test_the_grids_of_three_districts_partition_them(beijing: Session, built: GridBuild) -> None:
    assert 38_000 < built.total < 42_000
    for district in THREE:
        rows = beijing.execute(
            text(
                "select st_asbinary(geometry), area_m2 from unit_grid"
                " where district_code = :district"
            ),
            {"district": district},
        ).all()
        cells = shapely.from_wkb([bytes(row[0]) for row in rows])
        assert len(cells) == built.counts[district]
        assert is_watertight(cells)
        area_m2 = lookup.find_area(beijing, district, cities.now()).area_m2
        assert sum(row[1] for row in rows) == pytest.approx(area_m2, rel=1e-6)
    # Only the smallest communities have no whole number of cells within 10 %.
    assert built.outside_tolerance < built.total / 1_000
    assert built.enlarged == ()


def test_no_code_and_no_national_id_names_two_grids(beijing: Session, built: GridBuild) -> None:
    ids = beijing.execute(
        text("select national_id, national_id_2013, district_code || code from unit_grid")
    ).all()
    for position in range(3):
        values = Counter(row[position] for row in ids if row[position] is not None)
        assert values.most_common(1)[0][1] == 1
    registered = beijing.execute(text("select count(*) from national_id")).scalar_one()
    assert registered == len(ids) + sum(row[1] is not None for row in ids)
