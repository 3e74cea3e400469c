from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages import repository, service
from gridsvc.cases.core.messages.model import Outcome
from gridsvc.cases.core.messages.webhook import webhook_secret
from gridsvc.cases.core.messages.worker import DeliveryCount, Worker
from gridsvc.db import create_engine, session_factory
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies.service import set_webhook
from gridsvc.settings import Settings
from tests.service import messages_world as world
from tests.service.messages_world import NOW, Receiver
from tests.waiting import PATIENCE_S, slowness

STREET = "110102020"
OTHER = "110106002"
LIMITS: dict[str, Any] = {
    "robots": {},
    "timeout": dt.timedelta(seconds=10),
    "most": 5,
    "most_followers": 5,
    "busy": (),
}


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def service_engine(database: str) -> Iterator[Engine]:
    """The engine of a worker: it has the rights of the service, not the owner's."""
    engine = create_engine(database, role="gridsvc_service")
    yield engine
    engine.dispose()


def worker(engine: Engine, clock: Clock | None = None, **settings: Any) -> Worker:
    return Worker(
        session_factory(engine),
        Settings(**{"webhook_timeout_s": PATIENCE_S, **settings}),
        world.KEY,
        clock=clock or Clock(),
        chance=lambda: 0.5,
    )


def work(engine: Engine, clock: Clock | None = None, **settings: Any) -> DeliveryCount:
    """Deliver what is due."""
    return asyncio.run(worker(engine, clock, **settings).run(asyncio.Event(), once=True))


def test_a_message_to_a_body_without_webhook_is_delivered_when_it_is_due(
    session: Session, service_engine: Engine
) -> None:
    world.write(session, world.add_body(session, STREET), due_at=NOW + dt.timedelta(minutes=60))
    session.commit()
    clock = Clock()
    assert work(service_engine, clock) == DeliveryCount()
    assert world.states(session) == {"waiting": 1}
    clock.now += dt.timedelta(minutes=60)
    assert work(service_engine, clock) == DeliveryCount(delivered=1)
    (row,) = world.rows(session)
    assert (row.state, row.delivered_at, row.next_try_at) == ("delivered", clock.now, None)


def test_more_inbox_messages_than_one_batch_are_all_delivered_at_once(
    session: Session, service_engine: Engine
) -> None:
    world.write(session, *[STREET, OTHER] * (service.INBOX_BATCH * 3 // 4))
    session.commit()
    assert work(service_engine).delivered == service.INBOX_BATCH * 3 // 2
    assert world.states(session) == {"delivered": service.INBOX_BATCH * 3 // 2}


def test_a_webhook_receives_the_message_signed_with_its_own_secret(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    case_id = uuid.uuid4()
    world.write(session, world.add_body(session, STREET, receiver.url("hook?x=1")), case_id=case_id)
    session.commit()
    assert work(service_engine) == DeliveryCount(delivered=1)
    (row,) = world.rows(session)
    assert (row.state, row.tries, row.last_error) == ("delivered", 1, None)
    (request,) = receiver.requests
    assert request.path == "/hook?x=1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == str(row.id)
    assert json.loads(request.body) == {
        "id": str(row.id),
        "body": STREET,
        "district": "110102",
        "topic": "whistle",
        "case_id": str(case_id),
        "content": {"place": "两区交界"},
        "written_at": NOW.isoformat(),
    }
    fields = dict(part.split("=") for part in request.headers["Gridsvc-Signature"].split(","))
    assert int(fields["t"]) == NOW.timestamp()
    secret = webhook_secret(world.KEY, STREET).encode()
    signed = fields["t"].encode() + b"." + request.body
    assert fields["v1"] == hmac.new(secret, signed, hashlib.sha256).hexdigest()


def test_a_failed_call_is_repeated_with_the_same_message_after_growing_pauses(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    world.write(session, world.add_body(session, STREET, receiver.url("hook")))
    session.commit()
    statuses = iter([500, 503, 404, 200])
    receiver.answer = lambda _: next(statuses)
    clock = Clock()
    pauses = []
    for status in (500, 503, 404):
        assert work(service_engine, clock, retry_pause_s=15) == DeliveryCount(failed=1)
        (row,) = world.rows(session)
        assert row.state == "waiting"
        assert f"it answered {status}" in row.last_error
        pauses.append((row.next_try_at - clock.now).total_seconds())
        clock.now = row.next_try_at - dt.timedelta(seconds=1)
        assert work(service_engine, clock) == DeliveryCount()
        clock.now = row.next_try_at
    assert pauses == [15, 60, 240]
    assert work(service_engine, clock) == DeliveryCount(delivered=1)
    (row,) = world.rows(session)
    assert (row.state, row.tries, row.last_error) == ("delivered", 4, None)
    assert len({request.body for request in receiver.requests}) == 1
    assert {request.headers["Idempotency-Key"] for request in receiver.requests} == {str(row.id)}


def test_a_message_is_given_up_after_the_last_try_and_can_be_tried_again(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    world.write(session, world.add_body(session, STREET, receiver.url("hook")))
    session.commit()
    receiver.answer = lambda _: 410
    clock = Clock()
    for _ in range(2):
        assert work(service_engine, clock, max_attempts=3).failed == 1
        clock.now += dt.timedelta(days=1)
    assert work(service_engine, clock, max_attempts=3) == DeliveryCount(given_up=1)
    clock.now += dt.timedelta(days=30)
    assert work(service_engine, clock) == DeliveryCount()
    session.rollback()
    (dead,) = repository.given_up(session, limit=10)
    assert (dead.tries, dead.next_try_at) == (3, None)
    assert dead.last_error == "it answered 410 Gone"
    told = repository.due_messages(session, STREET, after=None, limit=9, now=clock.now)
    assert [m.id for m in told] == [dead.id]

    with pytest.raises(NotFound, match="No given-up message has the id"):
        service.retry_given_up(session, [dead.id, uuid.uuid4()], now=clock.now)
    assert service.retry_given_up(session, [dead.id], now=clock.now) == 1
    session.commit()
    receiver.answer = lambda _: 200
    assert work(service_engine, clock) == DeliveryCount(delivered=1)
    assert service.retry_given_up(session, [], now=clock.now) == 0


def test_a_body_that_does_not_answer_holds_up_no_other_body(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    slow = world.add_body(session, "110101-A", receiver.url("slow"))
    quick = world.add_body(session, "110101-B", receiver.url("quick"))
    world.write(session, *[slow] * 30)
    world.write(session, *[quick] * 5)
    session.commit()
    release = threading.Event()
    receiver.answer = lambda request: (
        200 if request.path == "/quick" or release.wait(PATIENCE_S) else 500
    )
    stop = asyncio.Event()

    async def run() -> None:
        running = asyncio.create_task(worker(service_engine, webhooks_at_once=2).run(stop))
        await asyncio.to_thread(receiver.wait_for, 6)
        stop.set()
        release.set()
        await running

    asyncio.run(run())
    paths = Counter(request.path for request in receiver.requests)
    assert paths == {"/slow": 1, "/quick": 5}


@pytest.mark.alone
def test_a_receiver_that_only_drips_is_left_after_the_timeout(
    session: Session, service_engine: Engine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        world.write(session, world.add_body(session, STREET, url))
        session.commit()
        done = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not done.wait(0.1):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        assert work(service_engine, webhook_timeout_s=0.5) == DeliveryCount(failed=1)
        took_s = time.monotonic() - started
        done.set()
        thread.join()
    assert took_s < 3 * slowness()
    assert world.rows(session)[0].last_error == "it did not answer within 0.5 s"


def test_a_webhook_that_nobody_listens_at_is_a_failed_try_with_the_reason(
    session: Session, service_engine: Engine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    world.write(session, world.add_body(session, STREET, f"http://127.0.0.1:{port}/"))
    world.write(session, world.add_body(session, OTHER, "http://host:port/"))
    session.commit()
    assert work(service_engine) == DeliveryCount(failed=2)
    assert "ConnectError" in world.rows(session)[0].last_error
    assert "InvalidURL" in world.rows(session)[1].last_error


def test_a_redirect_is_not_followed(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    world.write(session, world.add_body(session, STREET, receiver.url("hook")))
    session.commit()
    receiver.answer = lambda request: 307 if request.path == "/hook" else 200
    assert work(service_engine) == DeliveryCount(failed=1)
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_a_transaction_that_is_rolled_back_sends_nothing(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    world.add_body(session, STREET, receiver.url("hook"))
    session.commit()
    world.write(session, STREET)
    session.flush()
    assert work(service_engine) == DeliveryCount()
    session.rollback()
    assert work(service_engine) == DeliveryCount()
    assert receiver.requests == []
    assert world.rows(session) == []


def test_a_withdrawn_message_is_not_sent(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    case_id = uuid.uuid4()
    clock = Clock()
    later = NOW + dt.timedelta(hours=1)
    world.add_body(session, STREET, receiver.url("hook"))
    world.write(session, STREET, due_at=later, case_id=case_id)
    assert repository.withdraw(session, "110102", case_id, topic="whistle", now=NOW) == 1
    session.commit()
    clock.now = later
    assert work(service_engine, clock) == DeliveryCount()
    assert world.states(session) == {"withdrawn": 1}


def test_several_workers_share_the_messages_and_send_each_once(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    bodies = [
        world.add_body(session, f"{district}-{n}", receiver.url("hook"))
        for district in ("110101", "110102", "110106")
        for n in range(4)
    ]
    world.write(session, *bodies * 8)
    session.commit()
    tallies: list[DeliveryCount] = []
    threads = [
        threading.Thread(target=lambda: tallies.append(work(service_engine))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [tally.failed for tally in tallies] == [0, 0, 0]
    assert sum(tally.delivered for tally in tallies) == 96
    assert set(Counter(request.id for request in receiver.requests).values()) == {1}
    assert {(row.state, row.tries) for row in world.rows(session)} == {("delivered", 1)}


def test_an_outcome_that_comes_after_the_lease_does_not_change_the_message(
    session: Session, receiver: Receiver
) -> None:
    world.write(session, world.add_body(session, STREET, receiver.url("hook")))
    lease = dt.timedelta(seconds=30)

    def claim(now: dt.datetime) -> list[Any]:
        return service.claim_deliveries(session, **LIMITS, now=now, lease=lease)

    (late,) = claim(NOW)
    assert claim(NOW + lease - dt.timedelta(seconds=1)) == []
    (second,) = claim(NOW + lease)
    assert (late.id, late.tries) == (second.id, 1)
    assert second.tries == 2
    failed = Outcome("given_up", "too late", None)
    assert not repository.settle(session, late, failed, now=NOW + lease)
    assert repository.settle(session, second, Outcome("delivered", None, None), now=NOW + lease)
    assert not repository.settle(session, late, failed, now=NOW + lease)
    session.commit()
    assert world.states(session) == {"delivered": 1}


def test_every_claim_and_every_write_names_its_district(
    session: Session, service_engine: Engine, receiver: Receiver
) -> None:
    world.write(session, world.add_body(session, STREET, receiver.url("hook")), OTHER)
    session.commit()
    statements: list[str] = []

    @event.listens_for(service_engine, "before_cursor_execute")
    def note(_c: Any, _u: Any, statement: str, _p: Any, _x: Any, _m: Any) -> None:
        statements.append(" ".join(statement.split()))

    assert work(service_engine).delivered == 2
    writing = [text for text in statements if "FOR UPDATE" in text or "UPDATE message" in text]
    assert len(writing) >= 4
    for statement in writing:
        for where in statement.split("WHERE ")[1:]:
            assert "district_code = " in where or "body.code = " in where, statement


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "javascript:alert(1)", "/hook", "", "http://", "https://me:pw@host/"]
)
def test_a_webhook_that_is_no_plain_web_address_is_refused(session: Session, url: str) -> None:
    world.add_body(session, STREET, "https://before.example/")
    with pytest.raises(BadInput) as refused:
        set_webhook(session, STREET, url)
    assert refused.value.field == "webhook_url"
    assert "pw" not in refused.value.detail


def test_a_webhook_can_be_set_and_taken_away(session: Session, receiver: Receiver) -> None:
    world.add_body(session, STREET)
    world.write(session, STREET, STREET)

    def claimed() -> int:
        lease = dt.timedelta(hours=1)
        return len(service.claim_deliveries(session, **LIMITS, now=NOW, lease=lease))

    assert claimed() == 0
    assert set_webhook(session, STREET, receiver.url("hook")) == receiver.url("hook")
    assert claimed() == 1
    assert set_webhook(session, STREET, None) is None
    assert claimed() == 0
    with pytest.raises(NotFound, match="No body has the code 'nobody'"):
        set_webhook(session, "nobody", "https://host/")
