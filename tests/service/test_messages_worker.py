from __future__ import annotations

import datetime as dt
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.db import create_engine
from tests.service import messages_world as world
from tests.service.messages_world import Receiver
from tests.waiting import GRIDSVC, PATIENCE_S, Command, wait_until

STREET = "110102020"
#: So long that a busy machine answers in time; what a killed worker has taken is its for three.
TIMEOUT_S = 60.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Commands:
    """Runs ``gridsvc`` as a user does, on the test's database."""

    def __init__(self, database: str, var_dir: Path) -> None:
        self._environment = {
            "DATABASE_URL": database,
            "GRIDSVC_VAR_DIR": str(var_dir),
            "GRIDSVC_WEBHOOK_TIMEOUT_S": str(TIMEOUT_S),
            "GRIDSVC_WEBHOOK_KEY": world.KEY.hex(),
            "NO_PROXY": "127.0.0.1",
        }
        self.started: list[Command] = []

    def start(self, *words: str) -> Command:
        self.started.append(Command([*GRIDSVC, *words], environment=self._environment))
        return self.started[-1]

    def run(self, *words: str, expect: int = 0) -> Command:
        done = self.start(*words)
        assert done.wait() == expect, done.said
        return done

    def start_workers(self, count: int) -> list[Command]:
        """Workers that are ready to deliver."""
        workers = [self.start("worker") for _ in range(count)]
        for worker in workers:
            worker.says("delivers messages")
        return workers


@pytest.fixture
def commands(database: str, tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(database, tmp_path)
    yield commands
    for command in commands.started:
        command.kill()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def end_leases(session: Session) -> None:
    """Let three timeouts pass, after which what a worker has taken is anybody's."""
    leases = session.scalars(text("select next_try_at from message where state = 'waiting'"))
    assert all(lease < now() + 3 * dt.timedelta(seconds=TIMEOUT_S) for lease in leases)
    session.execute(
        text("update message set next_try_at = :now where state = 'waiting'"), {"now": now()}
    )
    session.commit()


def caller_of(port: int, workers: list[Command]) -> Command:
    """The worker whose connection to the receiver has this local port."""
    sockets = {
        f"socket:[{columns[9]}]"
        for columns in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if int(columns[1].split(":")[1], 16) == port
    }
    for worker in workers:
        for descriptor in Path(f"/proc/{worker.process.pid}/fd").iterdir():
            if descriptor.is_symlink() and str(descriptor.readlink()) in sockets:
                return worker
    raise AssertionError("no worker holds the connection")


def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing_and_another_takes_over(
    session: Session, commands: Commands, receiver: Receiver
) -> None:
    never = threading.Event()
    receiver.answer = lambda _: (
        200 if len(receiver.requests) > 1 else 200 + int(never.wait(PATIENCE_S))
    )
    workers = commands.start_workers(2)
    world.write(session, world.add_body(session, STREET, receiver.url("hook")), now=now())
    session.commit()
    (first,) = receiver.wait_for(1)
    killed = caller_of(first.port, workers)
    killed.kill()
    assert world.states(session) == {"waiting": 1}
    end_leases(session)
    _, second = receiver.wait_for(2)
    (other,) = (worker for worker in workers if worker is not killed)
    assert second.body == first.body
    wait_until(lambda: world.states(session) == {"delivered": 1})
    never.set()
    assert other.process.poll() is None
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
    end_leases(session)
    wait_until(lambda: world.states(session) == {"delivered": 99})
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
    receiver.answer = lambda _: 200 if go_on.wait(PATIENCE_S) else 500
    (worker,) = commands.start_workers(1)
    body = world.add_body(session, STREET, receiver.url("hook"))
    world.write(session, body, body, now=now())
    session.commit()
    receiver.wait_for(1)
    worker.process.send_signal(number)
    time.sleep(0.3)
    assert worker.process.poll() is None
    go_on.set()
    assert worker.wait() == 0
    assert world.states(session) == {"delivered": 1, "waiting": 1}
    assert len(receiver.requests) == 1


def test_a_worker_goes_on_when_the_database_was_away(
    session: Session, engine: Engine, cluster: Any, commands: Commands, receiver: Receiver
) -> None:
    (worker,) = commands.start_workers(1)
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
        worker.says("the database does not answer; waiting")
        assert worker.process.poll() is None
        assert receiver.requests == []
        connection.execute(text(f'alter database "{name}" allow_connections true'))
    server.dispose()
    receiver.wait_for(1)
    wait_until(lambda: world.states(session) == {"delivered": 1})


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
    wait_until(lambda: len(names()) == 10)
    world.write(session, STREET, now=now())
    session.commit()
    wait_until(lambda: world.states(session) == {"delivered": 1})
    assert session.scalar(text("select count(*) from message_default")) == 0


def test_the_commands_set_a_webhook_deliver_once_and_show_and_retry_what_failed(
    session: Session, commands: Commands, receiver: Receiver
) -> None:
    world.add_body(session, STREET)
    world.write(session, STREET, now=now())
    session.commit()
    refused = commands.run("body", "webhook", STREET, "ftp://host/", expect=1)
    assert "write https://host/path" in " ".join(refused.said.split())
    secret = commands.run("body", "webhook", STREET, receiver.url("hook")).answer.strip()
    assert len(bytes.fromhex(secret)) == 32

    receiver.answer = lambda _: 500
    session.execute(text("update message set tries = 7"))
    session.commit()
    done = commands.run("worker", "--once", "--json")
    assert json.loads(done.answer) == {"delivered": 0, "failed": 0, "given_up": 1}
    (dead,) = json.loads(commands.run("messages", "given-up", "--json").answer)
    assert (dead["body"], dead["tries"]) == (STREET, 8)
    assert "500" in dead["error"]

    receiver.answer = lambda _: 200
    assert "tried again: 1." in commands.run("messages", "retry", dead["id"]).answer
    commands.run("worker", "--once")
    assert world.states(session) == {"delivered": 1}
