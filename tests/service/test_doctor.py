"""``gridsvc doctor``: a sound installation is told so, and each fault by its name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from gridsvc.db.migrate import downgrade
from gridsvc.db.partitions import ensure_partitions
from gridsvc.registry.access.keys import secret_key
from tests.waiting import GRIDSVC, Command


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder with the keys that a first start makes."""
    for name in ("token", "reporter", "webhook", "log"):
        secret_key(tmp_path / "keys", name, None)
    return tmp_path


@pytest.fixture
def examine(city_database, var):
    """What doctor finds, by subject."""

    def run(*, expect: int, **environment: str):
        done = Command(
            [*GRIDSVC, "doctor", "--json"],
            environment={
                "DATABASE_URL": city_database,
                "GRIDSVC_VAR_DIR": str(var),
                **environment,
            },
        )
        try:
            assert done.wait() == expect, done.said
        finally:
            done.kill()
        return {one["subject"]: one for one in json.loads(done.said.splitlines()[-1])}

    return run


def test_a_sound_installation_has_no_fault(examine):
    found = examine(expect=0)
    assert {one["state"] for one in found.values()} <= {"ok", "warning"}
    assert {"database", "schema", "PostGIS", "clock", "trace", "index files"} <= set(found)


def fault(found, subject: str) -> str:
    assert found[subject]["state"] == "fault", found[subject]
    assert found[subject]["advice"]
    return found[subject]["found"]


def test_a_login_that_may_rewrite_the_trace(examine, service_database):
    assert examine(expect=0)["login"]["state"] == "warning"
    assert examine(expect=0, DATABASE_URL=service_database)["login"]["state"] == "ok"


def test_a_key_that_others_can_read(examine, var):
    (var / "keys" / "token.key").chmod(0o644)
    assert "can be read by others" in fault(examine(expect=1), "token key")


def test_a_damaged_index(examine, var):
    (var / "index").mkdir()
    (var / "index" / "street-1.idx").write_bytes(b"nothing of an index")
    assert "street-1.idx" in fault(examine(expect=1), "index files")


def test_a_database_that_does_not_answer(examine):
    silent = "postgresql://nobody@127.0.0.1:1/none"
    assert "does not answer" in fault(examine(expect=1, DATABASE_URL=silent), "database")


def test_a_schema_that_is_behind(examine, city_database):
    downgrade(city_database, "-1")
    assert "this version needs" in fault(examine(expect=1), "schema")


def test_a_table_that_is_wrong(examine, tmp_path):
    table = tmp_path / "days.csv"
    table.write_text("day,working\nthe first,yes\n")
    found = examine(expect=1, GRIDSVC_WORKING_DAYS=str(table))
    assert "days.csv" in fault(found, "tables")


def test_boundaries_that_are_not_active(examine, city_session):
    city_session.execute(text("update edition set state = 'retired'"))
    city_session.commit()
    assert "no edition of districts" in fault(examine(expect=1), "boundaries")


def test_a_class_list_that_was_never_loaded(examine):
    assert examine(expect=0)["classes"]["found"] == "403 of GB/T 47678.5-2026"
    found = examine(expect=1, GRIDSVC_CLASS_STANDARD="CJ/T 214")
    assert fault(found, "classes") == "no class of CJ/T 214 is loaded"


def test_messages_that_nobody_delivers(examine, citizen, city_session):
    citizen.report(-300)
    city_session.execute(text("update message set next_try_at = now() - interval '1 hour'"))
    city_session.commit()
    assert "the oldest waits for 60 minutes" in fault(examine(expect=1), "messages")


def test_a_trace_that_somebody_changed(examine, citizen, city_session):
    filed = citizen.report(-300)
    city_session.execute(text("update trace set actor = 'nobody' where n = 1"))
    city_session.commit()
    assert filed["case_id"] in fault(examine(expect=1), "trace")


def test_a_clock_that_was_set_back(examine, citizen, city_session):
    citizen.report(-300)
    city_session.execute(text("update trace set written_at = written_at + interval '1 day'"))
    city_session.commit()
    assert "still to come" in fault(examine(expect=1), "clock")


def test_partitions_of_months_to_come(examine, city_engine):
    """A warning: rows go to the default partition meanwhile."""
    assert examine(expect=0)["partitions"]["state"] == "warning"
    with city_engine.begin() as connection:
        made = ensure_partitions(connection, dt.datetime.now(dt.UTC))
    assert examine(expect=0)["partitions"]["state"] == "ok"
    with city_engine.begin() as connection:
        connection.execute(text(f"drop table {made[-1]}"))
    assert examine(expect=0)["partitions"]["found"] == f"missing: {made[-1]}"


def test_for_reading_it_is_a_table(city_database, var):
    done = Command(
        [*GRIDSVC, "doctor"],
        environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(var)},
    )
    try:
        assert done.wait() == 0, done.said
    finally:
        done.kill()
    assert "gridsvc doctor" in done.said
