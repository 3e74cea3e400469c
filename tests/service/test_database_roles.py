"""Who may do what in the database: the service adds to the trace and changes neither it nor the
schema, whatever role it takes; only ``gridsvc db migrate`` works as the owner."""

from __future__ import annotations

import shutil
from contextlib import closing

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, ReadOnlySqlTransaction
from sqlalchemy import create_engine as plain_engine
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from gridsvc.db import PrivateCluster
from gridsvc.db.migrate import current, downgrade, head, migrate
from gridsvc.db.roles import PUBLIC_ROLE, SERVICE_ROLE, private_password
from tests.scratch import server_folder
from tests.waiting import GRIDSVC, Command


def ask(url, *statements):
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def run(*words, **environment):
    command = Command([*GRIDSVC, *words], environment=environment)
    code = command.wait()
    command.kill()  # closes what it was spoken to by
    return code, command.said


@pytest.fixture
def filed(citizen):
    return citizen.report(-300)


@pytest.mark.parametrize("escape", ["set role none", "reset role", "reset all", "select 1"])
@pytest.mark.parametrize(
    "change",
    [
        "update trace set actor = 'nobody'",
        "update trace_default set actor = 'nobody'",
        "delete from trace",
        "truncate trace",
        "alter table trace disable trigger all",
        "drop table trace",
        "create table public.mine (id int)",
        "update alembic_version set version_num = '0001'",
        "update spatial_ref_sys set proj4text = '+proj=merc'",
        "set session_replication_role = replica",
        "copy (select 1) to '/tmp/written-by-the-service'",
        "select make_partition('case_file', date '2020-01-01')",
    ],
)
def test_the_service_changes_neither_trace_nor_schema(filed, service_database, escape, change):
    with pytest.raises((InsufficientPrivilege, psycopg2.errors.RaiseException)):
        ask(service_database, escape, change)


@pytest.mark.parametrize(
    "question",
    [
        "select * from reporter",
        "select description from report",
        "select * from trace",
        "select * from message",
        "select * from revoked_token",
        "select * from evidence",
        "update area set name = 'mine'",
        "delete from case_file",
        "insert into receipt values ('A', '110102', gen_random_uuid())",
        "create table public.mine (id int)",
        "select make_partition('trace', date '2026-12-01')",
        "set role gridsvc_service",
    ],
)
def test_the_public_reads_nothing_of_people_and_writes_nothing(
    cluster, city_database, filed, question
):
    url = cluster.url(make_url(city_database).database, login=PUBLIC_ROLE)
    ask(url, "select name from area")
    with pytest.raises((InsufficientPrivilege, ReadOnlySqlTransaction)):
        ask(url, question)


@pytest.mark.parametrize("role", ["gridsvc", "postgres", "pg_write_server_files"])
def test_the_service_cannot_become_somebody_else(service_database, role):
    with pytest.raises(psycopg2.Error, match=r"permission denied|does not exist"):
        ask(service_database, f"set role {role}")


def test_whoever_serves_has_logged_in_as_the_service(client, filed, city_engine):
    with city_engine.connect() as connection:
        logins = connection.scalars(
            text(
                "select distinct usename from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        ).all()
    assert logins == [SERVICE_ROLE]


def test_a_command_does_not_migrate_a_database_of_ones_own(empty_database, tmp_path):
    code, said = run("trace", "verify", DATABASE_URL=empty_database, GRIDSVC_VAR_DIR=str(tmp_path))
    assert code == 1
    assert "'gridsvc db migrate'" in " ".join(said.split())
    assert current(empty_database) is None


def test_migrating_makes_the_login_that_everything_else_uses(cluster, empty_database, tmp_path):
    name = f"city_{make_url(empty_database).database}"[:60]
    url = make_url(empty_database).set(username=name, password="its own")
    both = {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "GRIDSVC_VAR_DIR": str(tmp_path),
    }
    code, said = run("db", "migrate", GRIDSVC_OWNER_DATABASE_URL=empty_database, **both)
    assert code == 0, said
    try:
        code, said = run("trace", "verify", **both)
        assert code == 0, said
        with pytest.raises(InsufficientPrivilege):
            ask(both["DATABASE_URL"], "delete from trace")
    finally:
        ask(empty_database, f'revoke {SERVICE_ROLE} from "{name}"', f'drop role "{name}"')


@pytest.fixture
def earlier_cluster():
    """A private server as version 0.2.0 left it: one login, the superuser; an older schema."""
    folder = server_folder("gridsvc-test-")
    with PrivateCluster(folder) as cluster:
        migrate(cluster.url())
        downgrade(cluster.url(), "0018")
        engine = plain_engine(cluster.url(), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(f"alter role {SERVICE_ROLE} nologin password null"))
            connection.execute(text(f"drop owned by {PUBLIC_ROLE}"))
            connection.execute(text(f"drop role {PUBLIC_ROLE}"))
        for role in (SERVICE_ROLE, PUBLIC_ROLE):
            private_password((folder / "pg").resolve(), role).unlink()
    yield folder
    PrivateCluster(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_server_of_an_earlier_version_is_brought_up_in_place(earlier_cluster):
    code, said = run("trace", "verify", GRIDSVC_VAR_DIR=str(earlier_cluster))
    assert code == 0, said
    with PrivateCluster(earlier_cluster) as cluster:
        assert current(cluster.url()) == head()
        with pytest.raises(InsufficientPrivilege):
            ask(cluster.url(login=SERVICE_ROLE), "delete from trace")
