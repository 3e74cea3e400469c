from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.db import create_engine
from tests.service import messages_world as world
from tests.service.messages_world import Receiver

STREET = "110102020"
TIMEOUT_S = 2.0
_COMMAND = [sys.executable, "-c", "from gridsvc.cli import main; main()"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Commands:
    """Runs ``gridsvc`` as a user does, on the test's database."""

    def __init__(self, database: str, var_dir: Path) -> None:
        self._environment = os.environ | {
            "DATABASE_URL": database,
            "GRIDSVC_VAR_DIR": str(var_dir),
            "GRIDSVC_WEBHOOK_TIMEOUT_S": str(TIMEOUT_S),
            "GRIDSVC_WEBHOOK_KEY": world.KEY.hex(),
            "NO_PROXY": "127.0.0.1",
        }
        self.workers: list[subprocess.Popen[str]] = []

    def run(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*_COMMAND, *words], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, done.stderr
        return done

    def start_workers(self, count: int) -> list[subprocess.Popen[str]]:
        """Workers that are ready to deliver."""
        started = [
            subprocess.Popen(
                [*_COMMAND, "worker"], env=self._environment, stderr=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]
        self.workers += started
        for process in started:
            assert process.stderr is not None
            assert "delivers messages" in process.stderr.readline()
            threading.Thread(target=process.stderr.read, daemon=True).start()
        return started


@pytest.fixture
def commands(database: str, tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(database, tmp_path)
    yield commands
    for process in commands.workers:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def eventually(holds: Callable[[], bool], timeout_s: float = 40.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def caller_of(port: int, processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The process whose connection to the receiver has this local port."""
    sockets = {
        f"socket:[{columns[9]}]"
        for columns in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if int(columns[1].split(":")[1], 16) == port
    }
    for process in processes:
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            if descriptor.is_symlink() and str(descriptor.readlink()) in sockets:
                return process
    raise AssertionError("no worker holds the connection")


def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing_and_another_takes_over(
    session: Session, commands: Commands, receiver: Receiver
) -> None:
    never = threading.Event()
    receiver.answer = lambda _: 200 if len(receiver.requests) > 1 else 200 + int(never.wait(60))
    workers = commands.start_workers(2)
    world.write(session, world.add_body(session, STREET, receiver.url("hook")), now=now())
    session.commit()
    (first,) = receiver.wait_for(1)
    killed = caller_of(first.port, workers)
    killed.kill()
    killed.wait()
    assert world.states(session) == {"waiting": 1}
    _, second = receiver.wait_for(2)
    (other,) = (process for process in workers if process is not killed)
    assert second.body == first.body
    eventually(lambda: world.states(session) == {"delivered": 1})
    never.set()
    assert other.poll() is None
    assert world.rows(session)[0].tries == 2


def test_everything_arrives_although_a_worker_is_killed_among_many_messages(
    session: Session, commands: Commands, receiver: Receiver
) -> None:
    def slowly(_: Any) -> int:
        time.sleep(0.05)
        return 200

    receiver.answer = slowly
    bodies = [world.add_body(session, f"110101-{n}", receiver.url("hook")) for n in range(8)]
    world.write(session, *bodies * 12, now=now())
    inbox_only = [world.add_body(session, f"110106-{n}") for n in range(3)]
    world.write(session, *inbox_only, now=now())
    session.commit()
    first, _ = commands.start_workers(2)
    receiver.wait_for(10)
    first.kill()
    eventually(lambda: world.states(session) == {"delivered": 99})
    ids = [request.id for request in receiver.requests]
    assert set(ids) == {str(row.id) for row in world.rows(session) if row.tries}
    assert len(set(ids)) == 96
    # Only what the killed worker had under way can have come twice: one call a body.
    assert len(ids) - len(set(ids)) <= len(bodies)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_stop_finishes_its_call_first(
    session: Session, commands: Commands, receiver: Receiver, number: signal.Signals
) -> None:
    go_on = threading.Event()
    receiver.answer = lambda _: 200 if go_on.wait(30) else 500
    (process,) = commands.start_workers(1)
    body = world.add_body(session, STREET, receiver.url("hook"))
    world.write(session, body, body, now=now())
    session.commit()
    receiver.wait_for(1)
    process.send_signal(number)
    time.sleep(0.3)
    assert process.poll() is None
    go_on.set()
    assert process.wait(20) == 0
    assert world.states(session) == {"delivered": 1, "waiting": 1}
    assert len(receiver.requests) == 1


def test_a_worker_goes_on_when_the_database_was_away(
    session: Session, engine: Engine, cluster: Any, commands: Commands, receiver: Receiver
) -> None:
    (process,) = commands.start_workers(1)
    name = engine.url.database
    world.write(session, world.add_body(session, STREET, receiver.url("hook")), now=now())
    server = create_engine(cluster.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'alter database "{name}" allow_connections false'))
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = :name and application_name like 'gridsvc worker%'"
            ),
            {"name": name},
        )
        session.commit()
        time.sleep(2.5)
        assert process.poll() is None
        assert receiver.requests == []
        connection.execute(text(f'alter database "{name}" allow_connections true'))
    server.dispose()
    receiver.wait_for(1)
    eventually(lambda: world.states(session) == {"delivered": 1})


def test_a_worker_makes_the_partitions_of_the_coming_months(
    session: Session, commands: Commands
) -> None:
    def names() -> set[str]:
        session.rollback()
        return set(
            session.scalars(
                text("select relname from pg_class where relispartition and relkind = 'r'")
            )
        )

    assert names() == {"trace_default", "message_default"}
    commands.start_workers(1)
    eventually(lambda: len(names()) == 10)
    world.write(session, STREET, now=now())
    session.commit()
    eventually(lambda: world.states(session) == {"delivered": 1})
    assert session.scalar(text("select count(*) from message_default")) == 0


def test_the_commands_set_a_webhook_deliver_once_and_show_and_retry_what_failed(
    session: Session, commands: Commands, receiver: Receiver
) -> None:
    world.add_body(session, STREET)
    world.write(session, STREET, now=now())
    session.commit()
    refused = commands.run("body", "webhook", STREET, "ftp://host/", expect=1)
    assert "write https://host/path" in " ".join(refused.stderr.split())
    secret = commands.run("body", "webhook", STREET, receiver.url("hook")).stdout.strip()
    assert len(bytes.fromhex(secret)) == 32

    receiver.answer = lambda _: 500
    session.execute(text("update message set tries = 7"))
    session.commit()
    done = commands.run("worker", "--once", "--json")
    assert json.loads(done.stdout) == {"delivered": 0, "failed": 0, "given_up": 1}
    (dead,) = json.loads(commands.run("messages", "given-up", "--json").stdout)
    assert (dead["body"], dead["tries"]) == (STREET, 8)
    assert "500" in dead["error"]

    receiver.answer = lambda _: 200
    assert "tried again: 1." in commands.run("messages", "retry", dead["id"]).stdout
    commands.run("worker", "--once")
    assert world.states(session) == {"delivered": 1}
