from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import configure_mappers
from sqlalchemy.pool import NullPool

import gridsvc.assessment.opinions.models
import gridsvc.cases.models
import gridsvc.foresight.models
import gridsvc.lists.models
import gridsvc.registry.models  # noqa: F401 - fills the metadata
from gridsvc.db import Base
from gridsvc.db.migrate import current, differences, downgrade, head, migrate
from gridsvc.errors import BadInput, Unavailable
from tests.waiting import slowness


@pytest.fixture
def unpooled(empty_database: str) -> Iterator[Engine]:
    engine = create_engine(empty_database, poolclass=NullPool)
    yield engine
    engine.dispose()


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"spatial_ref_sys", "alembic_version"}


def test_migrations_go_up_down_to_nothing_and_up_again(
    empty_database: str, unpooled: Engine
) -> None:
    migrate(empty_database)
    first = _tables(unpooled)
    assert first
    assert current(empty_database) == head()

    downgrade(empty_database)
    assert _tables(unpooled) == set()
    assert current(empty_database) is None
    with unpooled.connect() as connection:
        left = connection.scalars(
            text(
                "SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace"
                " WHERE nspname = 'public' AND NOT EXISTS (SELECT FROM pg_depend d"
                " WHERE d.objid = t.oid AND d.deptype IN ('e', 'i'))"
                " AND typelem = 0 AND typrelid = 0"
            )
        )
        assert list(left) == []

    migrate(empty_database)
    assert _tables(unpooled) == first


def test_migrating_a_migrated_database_changes_nothing(database: str) -> None:
    before = current(database)
    migrate(database)
    assert current(database) == before == head()


def test_the_migrated_schema_is_the_schema_of_the_models(database: str) -> None:
    assert differences(database, Base.metadata) == []


def test_a_table_without_a_migration_is_noticed(database: str) -> None:
    metadata = MetaData()
    metadata.reflect(create_engine(database, poolclass=NullPool), only=["edition"])
    assert len(differences(database, metadata)) > 0


def test_every_constraint_of_the_schema_has_a_name_of_ours(
    empty_database: str, unpooled: Engine
) -> None:
    migrate(empty_database)
    inspector = inspect(unpooled)
    for table in _tables(unpooled):
        for key in inspector.get_foreign_keys(table):
            assert str(key["name"]).startswith("fk_"), (table, key["name"])
            assert key["options"].get("ondelete") != "SET NULL", (table, key["name"])
            assert key["options"].get("onupdate") != "CASCADE", (table, key["name"])


def test_no_relation_is_loaded_without_being_asked_for() -> None:
    configure_mappers()
    for mapper in Base.registry.mappers:
        for relation in mapper.relationships:
            assert relation.lazy == "raise", f"{mapper.class_.__name__}.{relation.key}"


@pytest.mark.alone
def test_a_migration_that_waits_for_a_live_service_gives_up_after_four_seconds(
    empty_database: str, unpooled: Engine
) -> None:
    migrate(empty_database)
    with unpooled.connect() as reader:
        reader.execute(text("SELECT * FROM edition"))  # its transaction stays open
        begun = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            downgrade(empty_database)
        assert 3.5 < time.monotonic() - begun < 15 * slowness()
    assert "edition" in _tables(unpooled)


def test_two_processes_that_migrate_at_once_both_succeed(empty_database: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(empty_database)
        except BaseException as error:  # handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current(empty_database) == head()


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/") as caught:
        migrate("postgresql://me:secret@127.0.0.1:1/city")
    assert "secret" not in caught.value.detail


def test_another_kind_of_database_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="names mysql"):
        migrate("mysql://me:secret@127.0.0.1:1/city")
