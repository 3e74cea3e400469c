"""Editions on a real PostGIS: loaded, put in force, closed, never changed."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.db import session_factory
from gridsvc.errors import BadCode, BadGeometry, BadInput, Conflict, NotFound
from gridsvc.registry.areas import repository, service
from gridsvc.registry.areas.beijing import COMMUNITY_EDITION, load_beijing
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions import service as editions
from gridsvc.registry.editions.repository import codes_in
from gridsvc.spatial.ellipsoid import area_m2
from tests import cities
from tests.service import areas_world as world
from tests.service.areas_world import NEW, OLD, area, box, load, put_in_force
from tests.waiting import wait_until_blocked


def test_a_loaded_edition_is_a_draft_that_answers_nothing(session: Session) -> None:
    load(session, "draft", "district", world.DISTRICTS)

    (edition,) = edition_repository.editions(session)
    assert (edition.state, edition.effective_to) == ("draft", None)
    with pytest.raises(NotFound, match="No district boundaries were in force"):
        editions.edition_in_force(session, "district", cities.now())


def test_stored_areas_keep_every_bit_of_their_vertices_and_their_size(session: Session) -> None:
    odd = shapely.Polygon([(116.1 + 1e-13, 39.9), (116.2, 39.9 + 1 / 3e9), (116.15, 40.0)])
    load(session, "odd", "district", [area("110101", odd, '东城区, "老"\n')])

    codes, shapes = repository.geometries_in(session, "odd")
    assert codes == ["110101"]
    assert shapes[0].geom_type == "MultiPolygon"
    assert shapely.get_coordinates(shapes[0]).tolist() == shapely.get_coordinates(odd).tolist()
    row = repository.area_in(session, "odd", "110101", all_edition_ids=[])
    assert row is not None
    assert row.name == '东城区, "老"\n'
    assert row.area_m2 == float(area_m2(odd))


def test_the_area_above_follows_from_the_code(session: Session) -> None:
    load(session, "streets", "street", world.STREETS)

    row = repository.area_in(session, "streets", "110102020", all_edition_ids=[])
    assert row is not None
    assert row.parent_code == "110102"


def test_activation_closes_the_edition_before_and_as_of_still_finds_it(session: Session) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", world.DISTRICTS[:1], effective_from=NEW)

    old, new = edition_repository.editions(session, "district")
    assert (old.state, old.effective_to) == ("retired", NEW)
    assert (new.state, new.effective_to) == ("active", None)
    day_before = NEW - dt.timedelta(seconds=1)
    assert editions.edition_in_force(session, "district", day_before).id == "old"
    assert editions.edition_in_force(session, "district", NEW).id == "new"
    with pytest.raises(NotFound):
        editions.edition_in_force(session, "district", OLD - dt.timedelta(seconds=1))


def test_an_edition_of_another_level_stays_in_force(session: Session) -> None:
    world.make_city(session)
    put_in_force(session, "new streets", "street", world.STREETS, effective_from=NEW)

    assert editions.edition_in_force(session, "district", cities.now()).id == "districts"
    assert editions.edition_in_force(session, "community", cities.now()).id == "communities"


@pytest.mark.parametrize("begin", [OLD, OLD - dt.timedelta(days=1)])
def test_an_edition_that_does_not_begin_later_is_not_activated(
    session: Session, begin: dt.datetime
) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    load(session, "late", "district", world.DISTRICTS, effective_from=begin)

    with pytest.raises(Conflict, match="give it a later effective_from"):
        editions.activate_edition(session, "late", without_audit="made up", at=cities.now())
    assert editions.edition_in_force(session, "district", cities.now()).id == "old"


def test_only_a_draft_with_areas_is_activated(session: Session) -> None:
    put_in_force(session, "once", "district", world.DISTRICTS)
    load(session, "empty", "street", [])

    with pytest.raises(Conflict, match="is active; only a draft"):
        editions.activate_edition(session, "once", at=cities.now())
    with pytest.raises(Conflict, match="holds no areas"):
        editions.activate_edition(session, "empty", at=cities.now())
    with pytest.raises(NotFound, match="no edition 'nothing'"):
        editions.activate_edition(session, "nothing", at=cities.now())


def test_areas_of_an_edition_in_force_never_change(session: Session) -> None:
    put_in_force(session, "first", "district", world.DISTRICTS[:1])
    put_in_force(session, "second", "district", world.DISTRICTS[:1], effective_from=NEW)

    for id, state in (("first", "retired"), ("second", "active")):
        with pytest.raises(Conflict, match=f"is {state}, and its areas never change"):
            service.add_areas(session, id, world.DISTRICTS[1:])
        with pytest.raises(Conflict, match=f"is {state}; only a draft is discarded"):
            editions.discard_edition(session, id, at=cities.now())


def test_a_draft_grows_and_is_discarded(session: Session) -> None:
    load(session, "draft", "district", world.DISTRICTS[:1])
    service.add_areas(session, "draft", world.DISTRICTS[1:])
    assert list(codes_in(session, "draft")) == ["110102", "110106"]
    with pytest.raises(Conflict, match="already holds 110102"):
        service.add_areas(session, "draft", world.DISTRICTS[:1])

    editions.discard_edition(session, "draft", at=cities.now())

    assert edition_repository.editions(session) == []
    assert session.execute(text("select count(*) from area")).scalar_one() == 0
    load(session, "draft", "district", world.DISTRICTS)


def test_an_id_is_given_once(session: Session) -> None:
    load(session, "same", "district", world.DISTRICTS)

    with pytest.raises(Conflict, match="'same' already exists"):
        load(session, "same", "street", world.STREETS)


@pytest.mark.parametrize(
    ("areas", "error", "words"),
    [
        ([area("110102", box(0, 0))], BadCode, "is the code of a district"),
        ([area("11010202", box(0, 0))], BadCode, "not an area code"),
        ([area("110102020", box(0, 0))] * 2, BadCode, "occurs 2 times"),
        ([area("110102020", box(0, 0), parent="110106")], BadCode, "does not lie below 110106"),
        ([area("110102020", shapely.Polygon())], BadGeometry, "110102020 is not an area"),
        ([area("110102020", shapely.Point(116, 40))], BadGeometry, "110102020 is not an area"),
        (
            [area("110102020", shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))],
            BadGeometry,
            "broken .Self-intersection",
        ),
    ],
)
def test_what_is_no_area_of_the_level_is_refused(
    session: Session, areas: list[service.NewArea], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        load(session, "bad", "street", areas)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accuracy_m", -1.0),
        ("accuracy_m", float("nan")),
        ("effective_from", dt.datetime(2024, 1, 1)),
        ("id", ""),
        ("id", "x" * 81),
        ("level", "province"),
    ],
)
def test_an_edition_that_cannot_be_is_refused(session: Session, field: str, value: object) -> None:
    fields = {"id": "bad", "level": "street"} | {field: value}
    with pytest.raises(BadInput) as refused:
        load(session, areas=world.STREETS, **fields)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_two_activations_at_once_leave_one_edition_in_force(
    engine: Engine, session: Session
) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    load(session, "a", "district", world.DISTRICTS, effective_from=NEW)
    load(session, "b", "district", world.DISTRICTS, effective_from=NEW)
    session.commit()
    editions.activate_edition(session, "a", without_audit="made up", at=cities.now())
    outcome: list[object] = []

    def activate_other() -> None:
        with session_factory(engine)() as other:
            try:
                editions.activate_edition(other, "b", without_audit="made up", at=cities.now())
                other.commit()
                outcome.append("activated")
            except Conflict as conflict:
                outcome.append(conflict)

    waiting = threading.Thread(target=activate_other)
    waiting.start()
    wait_until_blocked(engine, waiting)
    assert outcome == []
    session.commit()
    waiting.join()

    assert isinstance(outcome[0], Conflict)
    states = {edition.id: edition.state for edition in edition_repository.editions(session)}
    assert states == {"old": "retired", "a": "active", "b": "draft"}


def test_communities_are_drawn_inside_the_streets_that_a_city_has_loaded(session: Session) -> None:
    put_in_force(session, "own streets", "street", world.STREETS)

    made = load_beijing(session, cities.city(), now=cities.now())

    assert [edition.level for edition in made] == ["district", "community"]
    assert editions.edition_in_force(session, "street", cities.now()).id == "own streets"
    _, shapes = repository.geometries_in(session, COMMUNITY_EDITION, ["110102020"])
    assert len(shapes) > 10
    assert float(area_m2(shapes).sum()) == pytest.approx(
        float(area_m2(world.STREETS[0].geometry)), rel=1e-5
    )
