"""Faults at random, under load: whatever dies, what was acknowledged is there once and verifies.

A round files reports from several phones, breaks something in the middle, lets it come back, and
counts: every key that was answered 201 is one report, every trace verifies, and every message
reached its webhook at least once under its id. `make test-faults` plays 100 rounds, `make test` a
few; a round's seed is told when it fails (`GRIDSVC_FAULT_SEED` plays it again).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gridsvc.callers import Role
from gridsvc.db import PrivateCluster, session_factory
from gridsvc.db.migrate import migrate
from gridsvc.registry.bodies.service import set_webhook
from tests.scratch import server_folder
from tests.service import joint_city as city
from tests.service.conftest import TOKEN_KEY, report, token_of
from tests.service.messages_world import Receiver
from tests.waiting import GRIDSVC, PATIENCE_S, Command, wait_until

pytestmark = pytest.mark.alone

ROUNDS = int(os.environ.get("GRIDSVC_FAULT_ROUNDS", "3"))
SEED = int(os.environ.get("GRIDSVC_FAULT_SEED", "1"))
PHONES = 4
#: Reports that are acknowledged before something breaks, and after it is whole again.
BEFORE, AFTER = 12, 8


@dataclass
class Phones:
    """Several reporters who send each report until it is acknowledged, under one key."""

    port: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str) -> None:
        for n in range(PHONES):
            thread = threading.Thread(target=self._report, args=(f"{name}-{n}",))
            thread.start()
            self._threads.append(thread)

    def wait_for(self, more: int) -> None:
        """Wait until so many more reports were acknowledged."""
        most = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= most or self.wrong)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _report(self, name: str) -> None:
        chance = random.Random(name)
        token = token_of(Role.CITY, subject=name)
        number = 0
        with httpx.Client(timeout=20.0) as client:
            while not self._stop.is_set():
                key = f"{name}-{number}"
                given = report(chance.uniform(-400.0, 400.0))
                if self._send(client, token, key, given):
                    number += 1

    def _send(self, client: httpx.Client, token: str, key: str, given: Any) -> bool:
        """Whether this report was acknowledged; a lost answer is asked for again."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        url = f"http://127.0.0.1:{self.port}/v1/reports"
        while True:
            try:
                answer = client.post(url, json=given, headers=headers)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 201:
                with self._lock:
                    self.acknowledged[key] = answer.json()["receipt"]
                return True
            if answer is not None and answer.status_code not in (429, 503, 507):
                self.wrong.append(f"{key}: {answer.status_code} {answer.text}")
                return False
            if self._stop.wait(0.05):
                return False


class Town:
    """The whole service in processes of its own: PostgreSQL, the API, a worker, a webhook."""

    def __init__(self, var: Path, receiver: Receiver) -> None:
        self.var, self.receiver = var, receiver
        self.cluster = PrivateCluster(
            var, options={"shared_buffers": "64MB", "max_wal_size": "256MB"}
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.api: Command
        self.worker: Command

    def furnish(self) -> None:
        url = self.cluster.url()
        migrate(url)
        engine = create_engine(url, poolclass=NullPool)
        with session_factory(engine).begin() as session:
            city.make_city(session)
            for code in (city.LEAD, city.OTHER):
                set_webhook(session, code, self.receiver.url("hear"))

    def start_api(self) -> None:
        self.api = self._command("serve", "--port", self.port)
        self.api.says(r"serves http://127\.0\.0\.1:\d+/map")

    def start_worker(self) -> None:
        self.worker = self._command("worker")
        self.worker.says("delivers messages")

    def _command(self, *words: object) -> Command:
        return Command(
            [*GRIDSVC, *words],
            environment={
                "GRIDSVC_VAR_DIR": str(self.var),
                "GRIDSVC_TOKEN_KEY": TOKEN_KEY,
                "GRIDSVC_WEBHOOK_TIMEOUT_S": "1",
                "GRIDSVC_RETRY_PAUSE_S": "0.2",
                "GRIDSVC_MAX_ATTEMPTS": "1000",
                "NO_PROXY": "127.0.0.1",
            },
        )

    def postmaster(self) -> int:
        return int((self.var / "pg" / "data" / "postmaster.pid").read_text().split()[0])

    def rows(self, query: str) -> list[Any]:
        """The rows of an answer, as soon as the database gives one."""
        found: list[Any] = []

        def asked() -> bool:
            engine = create_engine(self.cluster.url(), poolclass=NullPool)
            try:
                with engine.connect() as connection:
                    found[:] = connection.execute(text(query)).all()
            except Exception:
                return False
            return True

        wait_until(asked, tick_s=0.2)
        return found

    def close(self) -> None:
        for command in (self.api, self.worker):
            command.kill()


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    var = server_folder("gridsvc-test-")
    with Receiver() as receiver:
        town = Town(var, receiver)
        with town.cluster:
            town.furnish()
            town.start_api()
            town.start_worker()
            yield town
            town.close()
        town.cluster.remove()
    shutil.rmtree(var, ignore_errors=True)


def kill_api(town: Town, chance: random.Random) -> None:
    town.api.kill()
    town.start_api()


def kill_worker(town: Town, chance: random.Random) -> None:
    town.worker.kill()
    town.start_worker()


def kill_postgresql(town: Town, chance: random.Random) -> None:
    """The guardian of the private server starts it again."""
    os.kill(town.postmaster(), signal.SIGKILL)
    town.rows("select 1")


def kill_everything(town: Town, chance: random.Random) -> None:
    killed = town.postmaster()
    town.api.process.kill()
    town.worker.process.kill()
    os.kill(killed, signal.SIGKILL)
    town.close()
    town.rows("select 1")
    town.start_api()
    town.start_worker()


def lose_answers(town: Town, chance: random.Random) -> None:
    """Connections that are cut when the request has been sent, before its answer is read."""
    token = token_of(Role.CITY, subject="cut off")
    body = json.dumps(report(-100)).encode()
    for n in range(10):
        key = f"cut-{chance.getrandbits(64):x}-{n}"
        head = (
            f"POST /v1/reports HTTP/1.1\r\nHost: town\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", town.port)) as phone:
            phone.sendall(head.encode() + body)


def break_connections(town: Town, chance: random.Random) -> None:
    """Every connection to the database ends in the middle of what it does."""
    town.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def fail_webhooks(town: Town, chance: random.Random) -> None:
    """They hang, answer 500, and answer when nobody listens any more; then they are well again."""
    slow = threading.Event()

    def answer(_: Any) -> int:
        if chance.random() < 0.3:
            slow.wait(1.5)  # past the time that the worker gives it
        return 500

    before = len(town.receiver.requests)
    town.receiver.answer = answer
    wait_until(lambda: len(town.receiver.requests) >= before + 3)
    town.receiver.answer = lambda _: 204
    slow.set()


def tear_an_index(town: Town, chance: random.Random) -> None:
    """The API finds an index that was half written."""
    files = sorted((town.var / "index").glob("*.idx"))
    torn = chance.choice(files)
    torn.write_bytes(torn.read_bytes()[: chance.randrange(1, 2_000)])
    kill_api(town, chance)


def interrupt_a_migration(town: Town, chance: random.Random) -> None:
    """A new database's migration dies on its way; the next one ends it."""
    name = f"half_{chance.getrandbits(32):x}"
    own = psycopg2.connect(town.cluster.url("postgres").replace("+psycopg2", ""))
    own.autocommit = True
    own.cursor().execute(f"create database {name}")
    environment = {"DATABASE_URL": town.cluster.url(name), "GRIDSVC_VAR_DIR": str(town.var)}
    dying = Command([*GRIDSVC, "db", "migrate"], environment=environment)
    begun = "select count(*) from pg_stat_activity where application_name = 'gridsvc migrate'"
    wait_until(lambda: dying.process.poll() is not None or town.rows(begun)[0][0])
    dying.kill()
    whole = Command([*GRIDSVC, "db", "migrate"], environment=environment)
    assert whole.wait() == 0, whole.said
    whole.kill()
    own.cursor().execute(f"drop database {name} with (force)")
    own.close()


FAULTS: tuple[Callable[[Town, random.Random], None], ...] = (
    kill_api,
    kill_worker,
    kill_postgresql,
    kill_everything,
    lose_answers,
    break_connections,
    fail_webhooks,
    tear_an_index,
    interrupt_a_migration,
)


#: What has fallen due and was not taken back.
_DUE = "select id::text, body_code from message where due_at <= now() and state <> 'withdrawn'"


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_after_any_fault_what_was_acknowledged_is_there_once_and_verifies(town, seed):
    chance = random.Random(seed)
    # Each fault has its turn; which comes with it, and where, is chance.
    faults = [FAULTS[seed % len(FAULTS)]]
    if chance.random() < 0.4:
        faults.append(chance.choice(FAULTS))
    told = f"seed {seed}: {', '.join(fault.__name__ for fault in faults)}"
    phones = Phones(town.port)
    phones.start(f"round-{seed}")
    try:
        for fault in faults:
            phones.wait_for(BEFORE)
            fault(town, chance)
        phones.wait_for(AFTER)
    finally:
        phones.stop()
    assert phones.wrong == [], told
    assert len(phones.acknowledged) >= BEFORE + AFTER
    stored = town.rows("select receipt from report")
    receipts = [row[0] for row in stored]
    assert len(receipts) == len(set(receipts)), told
    assert set(phones.acknowledged.values()) <= set(receipts), told
    assert len(set(phones.acknowledged.values())) == len(phones.acknowledged), told
    keyed = "select count(*), count(distinct answer->>'receipt') from idempotency_key"
    keys, answered = town.rows(keyed)[0]
    assert keys == answered == len(receipts), told
    verified = town._command("trace", "verify", "--json")
    assert verified.wait() == 0, (told, verified.said)
    verified.kill()
    due = [row for row in town.rows(_DUE) if row.body_code in (city.LEAD, city.OTHER)]
    wait_until(lambda: not town.rows(_DUE + " and state = 'waiting'"), tick_s=0.2)
    assert {row.id for row in due} <= {request.id for request in town.receiver.requests}, told
