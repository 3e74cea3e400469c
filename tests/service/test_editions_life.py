"""An edition is audited, put in force, taken back; the database and the history keep watch."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from gridsvc.db import session_factory
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.areas import repository, service
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions import service as editions
from tests import cities
from tests.service import areas_world as world
from tests.service.areas_world import NEW, OLD, area, box, load, put_in_force
from tests.waiting import wait_until_blocked

LATER = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
#: The border between the districts is moved by half a box to the east.
MOVED = [area(world.WEST, box(0, 0, 2.5, 2)), area(world.EAST, box(2.5, 0, 1.5, 2))]


def states(session: Session) -> dict[str, str]:
    return {edition.id: edition.state for edition in edition_repository.editions(session)}


def actions(session: Session, edition_id: str) -> list[str]:
    return [event.action for event in edition_repository.events_of(session, edition_id)]


def test_a_draft_is_not_put_in_force_before_it_is_audited(session: Session) -> None:
    load(session, "new", "district", world.DISTRICTS)
    with pytest.raises(Conflict, match="is not audited; run 'gridsvc edition audit'"):
        editions.activate_edition(session, "new", at=cities.now())
    with pytest.raises(Conflict, match="is not audited"):
        editions.activate_edition(session, "new", without_audit="  ", at=cities.now())

    editions.mark_audited(session, "new", {"faults": 0}, by="li", at=NOW)
    assert states(session) == {"new": "audited"}
    editions.activate_edition(session, "new", by="li", at=NOW)

    assert states(session) == {"new": "active"}
    assert actions(session, "new") == ["loaded", "audited", "activated"]


def test_an_activation_without_an_audit_keeps_the_reason(session: Session) -> None:
    load(session, "new", "district", world.DISTRICTS)
    editions.activate_edition(session, "new", by="li", at=NOW, without_audit="flood, no time")

    event = edition_repository.events_of(session, "new")[-1]
    assert (event.actor, event.at, event.action) == ("li", NOW, "activated")
    assert event.details == {
        "replaces": None,
        "areas_changed": 0,
        "without_audit": "flood, no time",
    }


def test_what_the_import_found_stays_beside_the_audit(session: Session) -> None:
    load(session, "new", "district", world.DISTRICTS, audit={"features": 2})
    editions.mark_audited(session, "new", {"faults": 7}, by="li", at=NOW)
    editions.mark_audited(session, "new", {"faults": 3}, by="li", at=NOW)
    edition = editions.existing_edition(session, "new")
    assert edition.audit == {"faults": 3, "import": {"features": 2}}
    assert (edition.state, edition.audited_at) == ("audited", NOW)


def test_the_areas_of_an_audited_edition_no_longer_change(session: Session) -> None:
    load(session, "new", "district", world.DISTRICTS[:1])
    editions.mark_audited(session, "new", {}, by="li", at=NOW)
    with pytest.raises(Conflict, match="is audited, and its areas never change"):
        service.add_areas(session, "new", world.DISTRICTS[1:])
    editions.discard_edition(session, "new", by="li", at=NOW)
    assert actions(session, "new") == ["loaded", "audited", "discarded"]


def test_an_activation_is_taken_back_as_if_it_had_never_been(session: Session) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", MOVED, effective_from=NEW)

    restored = editions.revert_edition(session, "new", why="wrong file", by="li", at=NOW)

    assert restored is not None
    assert (restored.id, restored.state, restored.effective_to) == ("old", "active", None)
    assert states(session) == {"old": "active", "new": "draft"}
    assert editions.edition_in_force(session, "district", LATER).id == "old"
    assert actions(session, "old") == ["loaded", "activated", "retired", "restored"]
    event = edition_repository.events_of(session, "new")[-1]
    assert (event.action, event.actor, event.reason) == ("reverted", "li", "wrong file")
    assert event.details == {"restored": "old"}


def test_an_edition_that_was_taken_back_frees_its_days_and_is_activated_again(
    session: Session,
) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", MOVED, effective_from=NEW)
    editions.revert_edition(session, "new", why="wrong file", at=cities.now())

    put_in_force(session, "other", "district", world.DISTRICTS, effective_from=NEW)
    editions.revert_edition(session, "other", why="the first was right after all", at=cities.now())
    editions.activate_edition(session, "new", why="again", without_audit="made up", at=cities.now())

    assert states(session) == {"old": "retired", "new": "active", "other": "draft"}


def test_what_was_in_force_is_neither_changed_nor_discarded_after_it_is_taken_back(
    session: Session,
) -> None:
    put_in_force(session, "only", "district", world.DISTRICTS[:1])
    assert editions.revert_edition(session, "only", why="too early", at=cities.now()) is None
    with pytest.raises(Conflict, match="was in force and taken back"):
        service.add_areas(session, "only", world.DISTRICTS[1:])
    with pytest.raises(Conflict, match="placements refer to it; it stays"):
        editions.discard_edition(session, "only", at=cities.now())
    with pytest.raises(NotFound):
        editions.edition_in_force(session, "district", NOW)


def test_only_the_newest_activation_is_taken_back_and_with_a_reason(session: Session) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", world.DISTRICTS, effective_from=NEW)
    load(session, "draft", "district", world.DISTRICTS, effective_from=LATER)
    with pytest.raises(Conflict, match="only the newest activation is taken back"):
        editions.revert_edition(session, "old", why="no", at=cities.now())
    with pytest.raises(Conflict, match="'draft' is draft; it is not in force"):
        editions.revert_edition(session, "draft", why="no", at=cities.now())
    with pytest.raises(NotFound, match="no edition 'nothing'"):
        editions.revert_edition(session, "nothing", why="no", at=cities.now())
    with pytest.raises(BadInput, match="Say why"):
        editions.revert_edition(session, "new", why=" ", at=cities.now())
    assert states(session) == {"old": "retired", "new": "active", "draft": "draft"}


def test_activations_are_taken_back_one_after_the_other(session: Session) -> None:
    for number, begin in enumerate((OLD, NEW, LATER)):
        put_in_force(session, f"e{number}", "district", world.DISTRICTS, effective_from=begin)
    editions.revert_edition(session, "e2", why="back", at=cities.now())
    editions.revert_edition(session, "e1", why="back", at=cities.now())
    assert states(session) == {"e0": "active", "e1": "draft", "e2": "draft"}
    assert editions.edition_in_force(session, "district", NOW).id == "e0"


def test_the_database_keeps_two_editions_of_one_level_from_being_in_force(
    session: Session,
) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", world.DISTRICTS, effective_from=NEW)
    put_in_force(session, "streets", "street", world.STREETS)
    for statement in (
        "update edition set effective_to = null where id = 'old'",
        "update edition set effective_to = '2024-01-02' where id = 'old'",
        "update edition set effective_from = '2023-12-31' where id = 'new'",
        "update edition set level = 'district' where id = 'streets'",
    ):
        with pytest.raises(IntegrityError, match="ex_edition_one_in_force"), session.begin_nested():
            session.execute(text(statement))


def test_builds_of_unit_grids_stand_beside_each_other(session: Session) -> None:
    for build in ("a", "b"):
        session.execute(
            text(
                "insert into edition (id, level, title, source, licence, accuracy_m, approximate,"
                " state, effective_from, loaded_at)"
                " values (:id, 'unit_grid', '', '', '', 0, false, 'active', :at, :at)"
            ),
            {"id": build, "at": OLD},
        )
    with pytest.raises(Conflict, match="build of unit grids"):
        editions.revert_edition(session, "a", why="no", at=cities.now())


def test_ground_that_changes_gives_a_new_version_with_its_reason(session: Session) -> None:
    put_in_force(session, "first", "street", world.STREETS)
    moved = [
        area("110102020", box(0, 0, 2.5, 1)),
        world.STREETS[1],
        area("110106002", box(2.5, 0, 1.5, 2)),
        area("110106009", box(9, 9)),
    ]
    load(session, "second", "street", moved, effective_from=NEW, reason="river moved")
    editions.activate_edition(session, "second", without_audit="made up", at=cities.now())
    put_in_force(session, "third", "street", moved, effective_from=LATER)

    def versions(edition: str) -> dict[str, tuple[int, str | None]]:
        rows = repository.areas_page(session, [edition], all_edition_ids=[])
        return {row.code: (row.version, row.reason) for row in rows}

    assert set(versions("first").values()) == {(1, None)}
    expected = {
        "110102007": (1, None),
        "110102020": (2, "river moved"),
        "110106002": (2, "river moved"),
        "110106009": (1, None),
    }
    assert versions("second") == expected
    assert versions("third") == expected
    activated = edition_repository.events_of(session, "second")[1]
    assert (activated.action, activated.details["areas_changed"]) == ("activated", 2)


def test_a_code_that_comes_back_goes_on_from_its_last_version(session: Session) -> None:
    put_in_force(session, "first", "district", world.DISTRICTS)
    put_in_force(session, "second", "district", world.DISTRICTS[:1], effective_from=NEW)
    put_in_force(session, "third", "district", MOVED, effective_from=LATER)
    rows = repository.areas_page(session, ["third"], all_edition_ids=[])
    assert {row.code: row.version for row in rows} == {world.WEST: 2, world.EAST: 2}


def test_areas_do_not_change_without_a_reason(session: Session) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    load(session, "new", "district", MOVED, effective_from=NEW)
    with pytest.raises(BadInput, match="2 areas of 'new' have other borders") as refused:
        editions.activate_edition(session, "new", without_audit="made up", at=cities.now())
    assert refused.value.field == "why"


def test_the_history_is_only_added_to_by_the_service(session: Session) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    session.execute(text("set local role gridsvc_service"))
    for statement in ("update edition_event set actor = 'nobody'", "delete from edition_event"):
        with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))
    assert actions(session, "old") == ["loaded", "activated"]


def test_a_revert_waits_for_an_activation_of_the_same_level_and_is_then_refused(
    engine: Engine, session: Session
) -> None:
    put_in_force(session, "old", "district", world.DISTRICTS)
    put_in_force(session, "new", "district", world.DISTRICTS, effective_from=NEW)
    load(session, "newer", "district", world.DISTRICTS, effective_from=LATER)
    session.commit()
    editions.activate_edition(session, "newer", without_audit="made up", at=cities.now())
    outcome: list[object] = []

    def revert() -> None:
        with session_factory(engine)() as other:
            try:
                editions.revert_edition(other, "new", why="late", at=cities.now())
                other.commit()
                outcome.append("reverted")
            except Conflict as conflict:
                outcome.append(conflict.detail)

    waiting = threading.Thread(target=revert)
    waiting.start()
    wait_until_blocked(engine, waiting)
    assert outcome == []
    session.commit()
    waiting.join()
    assert "only the newest activation is taken back" in str(outcome[0])
