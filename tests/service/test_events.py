"""What a body is told, as it happens and page by page: nothing lost, nothing twice."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.cases.core.messages.models import Message
from gridsvc.db.base import uuid7
from gridsvc.registry.access.repository import add_revoked
from gridsvc.registry.access.service import issue_token
from tests.service import joint_city as city
from tests.service.conftest import TOKEN_KEY, Person, refusal, token_of
from tests.service.messages_world import write
from tests.service.slow_clients import connected, request
from tests.waiting import wait_until

EVENTS = f"/v1/bodies/{city.LEAD}/events"
INBOX = f"/v1/bodies/{city.LEAD}/inbox"
SOME_ID = "018f0000-0000-7000-8000-000000000001"


@contextmanager
def listening(person: Any, *, behind: str | None = None) -> Iterator[list[dict[str, Any]]]:
    """The events that come while the stream is open."""
    events: list[dict[str, Any]] = []
    headers = person.headers | ({"Last-Event-ID": behind} if behind else {})
    with person.client.stream("GET", EVENTS, headers=headers) as stream:
        assert stream.status_code == 200, stream.read()
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith(":")  # the stream has begun

        def read() -> None:
            event: dict[str, Any] = {}
            try:
                for line in lines:
                    if not line and event:
                        events.append(event)
                        event = {}
                    elif line and not line.startswith(":"):
                        name, _, value = line.partition(": ")
                        event[name] = value
            except Exception:
                pass

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        yield events
        # Closing alone would not wake the reader before the next line comes.
        stream.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        reader.join()


@pytest.mark.system(5)
def test_a_body_hears_of_a_case_as_it_is_filed(lead):
    with listening(lead) as events:
        filed = lead.report(-300)
        wait_until(lambda: events)
    told = json.loads(events[0]["data"])
    assert events[0]["event"] == told["topic"] == "case_opened"
    assert told["case_id"] == filed["case_id"]
    assert [one["id"] for one in lead.get(INBOX)["messages"]] == [told["id"]]


def test_a_stream_goes_on_behind_the_last_event_without_losing_one(lead, city_session):
    with listening(lead) as events:
        lead.report(-300)
        wait_until(lambda: events)
    missed = [lead.report(-300, **{"class": key})["case_id"] for key in (city.NOISE, city.RUBBISH)]
    with listening(lead, behind=events[0]["id"]) as resumed:
        told = lambda: [json.loads(one["data"])["case_id"] for one in resumed]  # noqa: E731
        wait_until(lambda: missed[0] in told())
        # Each comes in a later look at the inbox, where what was sent before would come again.
        later = lead.report(-300, **{"class": "06006"})["case_id"]
        wait_until(lambda: later in told())
        for _ in range(2):
            case = uuid.uuid4()
            write(city_session, city.LEAD, now=dt.datetime.now(dt.UTC), case_id=case)
            city_session.commit()
            wait_until(lambda case=case: str(case) in told())
        ids = [json.loads(one["data"])["id"] for one in resumed]
    assert json.loads(events[0]["data"])["id"] not in ids
    assert len(ids) == len(set(ids))


def test_a_message_that_is_written_down_late_is_heard_all_the_same(lead, city_session):
    with listening(lead) as events:
        write(city_session, city.LEAD, now=dt.datetime.now(dt.UTC))
        city_session.commit()
        wait_until(lambda: events)
        # Begun before the one above, committed after it.
        early = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)
        write(city_session, city.LEAD, now=early)
        city_session.commit()
        wait_until(lambda: len(events) == 2)


def test_a_message_that_falls_due_later_comes_behind_those_that_were_due_before(lead, city_session):
    now = dt.datetime.now(dt.UTC)
    write(city_session, city.LEAD, now=now, due_at=now + dt.timedelta(seconds=1.5))
    write(city_session, city.LEAD, now=now)
    city_session.commit()
    page = lead.get(INBOX, limit=1)
    assert len(page["messages"]) == 1
    assert page["next"] is not None
    wait_until(lambda: lead.get(INBOX, limit=1, cursor=page["next"])["messages"])
    behind = lead.get(INBOX, limit=1, cursor=page["next"])["messages"]
    assert behind[0]["id"] != page["messages"][0]["id"]


def test_pages_of_an_inbox_hold_every_message_once(lead, city_session):
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    case = uuid.uuid4()
    city_session.add_all(
        Message(
            district_code=city.WEST,
            id=uuid7(),
            written_at=now,
            body_code=city.LEAD,
            topic="whistle",
            case_id=case,
            content={"n": n},
            state="waiting",
            tries=0,
            due_at=now + dt.timedelta(seconds=n // 3),  # three fall due at one moment
            next_try_at=now,
        )
        for n in range(20)
    )
    city_session.commit()
    seen, cursor = [], None
    for _ in range(20):
        page = lead.get(INBOX, limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [one["content"]["n"] for one in page["messages"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == list(range(20))


def test_nobody_else_listens(lead, other, citizen, as_):
    for somebody in (other, citizen, as_(Role.DISTRICT, city.EAST)):
        refusal(somebody.send("GET", EVENTS), 403)
        refusal(somebody.send("GET", INBOX), 403)
    refusal(lead.client.get(EVENTS), 401)
    refusal(lead.send("GET", "/v1/bodies/nobody/events"), 404)


@pytest.mark.parametrize(
    "place", ["x", "1.2", "-1.", f"99999999999999999999.{SOME_ID}", f"-62135596800000000.{SOME_ID}"]
)
def test_a_place_that_is_none_is_refused(lead, place):
    refusal(lead.send("GET", EVENTS, headers={"Last-Event-ID": place}), 422)
    assert refusal(lead.send("GET", INBOX, params={"cursor": place}), 422)["field"] == "cursor"


def test_a_stream_ends_when_its_token_is_taken_back(lead, as_, city_session):
    from_now = dt.datetime.now(dt.UTC)
    with lead.client.stream("GET", EVENTS, headers=lead.headers) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        token = lead.headers["Authorization"].removeprefix("Bearer ")
        token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
        add_revoked(city_session, uuid.UUID(token_id), from_now, from_now + dt.timedelta(hours=1))
        city_session.commit()
        assert ": the stream has ended" in list(lines)


def test_a_stream_ends_when_its_token_expires(client):
    short = issue_token(
        bytes.fromhex(TOKEN_KEY),
        role=Role.STREET,
        area=city.LEAD,
        valid_for=dt.timedelta(seconds=2),
        now=dt.datetime.now(dt.UTC),
    )
    headers = {"Authorization": f"Bearer {short}"}
    with client.stream("GET", EVENTS, headers=headers) as stream:
        assert ": the stream has ended" in list(stream.iter_lines())
    refusal(client.get(EVENTS, headers=headers), 401)


def test_more_streams_than_a_process_keeps_are_refused(serve):
    client = serve(event_streams=1)
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    with listening(lead):
        problem = refusal(lead.send("GET", EVENTS), 429)
        assert problem["retry_after_s"] > 0
    wait_until(lambda: stream_opens(lead))


def stream_opens(person: Person) -> bool:
    with person.client.stream("GET", EVENTS, headers=person.headers) as stream:
        return stream.status_code == 200


def test_a_hundred_and_fifty_streams_ask_the_store_as_one(client, city_session):
    """Counted by PostgreSQL itself: the transactions of a second."""
    person = Person(client, token_of(Role.STREET, city.LEAD))
    asked = request("GET", EVENTS, f"Authorization: {person.headers['Authorization']}")
    with ExitStack() as held:
        streams = [held.enter_context(connected(client, asked)) for _ in range(150)]
        for own in streams:
            assert own.recv(12) == b"HTTP/1.1 200"
        for own in streams:
            said = b""
            while b": the messages" not in said:
                said += own.recv(4_096)
        # PostgreSQL counts their beginnings seconds late. If each looked by itself once a second,
        # there were always 150 more.
        wait_until(lambda: transactions_of_a_second(city_session) < 50)
        write(city_session, city.LEAD, now=dt.datetime.now(dt.UTC))
        city_session.commit()
        for own in streams:
            heard = b""
            while b"event: " not in heard:
                heard += own.recv(4_096)
        wait_until(lambda: transactions_of_a_second(city_session) < 50)


def transactions_of_a_second(session) -> float:
    begun, before = time.monotonic(), transactions(session)
    time.sleep(1)
    return (transactions(session) - before) / (time.monotonic() - begun)


def transactions(session) -> int:
    session.rollback()
    session.execute(text("select pg_stat_force_next_flush()"))
    session.rollback()
    counted = "select xact_commit from pg_stat_database where datname = current_database()"
    return session.scalar(text(counted))
