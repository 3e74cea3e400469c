"""Whoever reads or writes slowly holds neither the store nor the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from tests.service.conftest import Person, token_of
from tests.service.slow_clients import answer, connected, request, seconds_until_cut_off
from tests.waiting import wait_until

MANY_CELLS = text(
    "insert into unit_grid select district_code, (30000000 + row_number() over ())::text,"
    " edition_id, street_code, community_code, serial, national_id, national_id_2013, geometry,"
    " area_m2, nominal_m2, compactness, first_date, end_date, state, void_reason, successor_code"
    " from unit_grid, generate_series(1, :times) n"
)
#: Transactions that are open and wait for somebody else than the database.
WAITING = text(
    "select count(*) from pg_stat_activity where datname = current_database()"
    " and application_name like 'gridsvc %' and application_name <> 'gridsvc test'"
    " and state like 'idle in transaction%'"
)


def nobody_waits(session: Session) -> bool:
    """Whether no transaction of the service is open for nothing."""
    session.rollback()  # a transaction sees one moment of the other connections
    return session.scalar(WAITING) == 0


def goes_on(client: httpx.Client) -> None:
    """Reports are taken in, the service says that it is ready, and whoever asks is answered."""
    assert client.get("/readyz").status_code == 200
    Person(client, token_of(Role.CITY)).report(-300)
    assert client.get("/v1/areas").status_code == 200


@pytest.fixture
def many_cells(city_session: Session) -> None:
    """An export of several megabytes, which no socket takes at once."""
    cells = city_session.scalar(text("select count(*) from unit_grid"))
    city_session.execute(MANY_CELLS, {"times": 20_000 // cells + 1})
    city_session.commit()


def test_twenty_exports_that_nobody_reads_hold_nobody_up(
    many_cells: None, client: httpx.Client, city_session: Session
) -> None:
    asked = request("GET", "/exports/unit_grids.geojson")
    with ExitStack() as unread:
        begun = [unread.enter_context(connected(client, asked)) for _ in range(20)]
        for own in begun[:4]:
            assert own.recv(12).startswith(b"HTTP/1.1 ")
        goes_on(client)
        wait_until(lambda: nobody_waits(city_session))


def test_an_export_is_whole_and_says_how_long_it_is(many_cells: None, client: httpx.Client) -> None:
    whole = client.get("/exports/unit_grids.geojson", headers={"Accept-Encoding": "identity"})
    assert len(json.loads(whole.content)["features"]) > 20_000
    assert int(whole.headers["content-length"]) == len(whole.content) > 4_000_000


@pytest.mark.parametrize("bound", ["export_max_bytes", "export_timeout_s"])
def test_an_export_beyond_its_bound_is_refused_in_words(
    many_cells: None, serve: Callable[..., httpx.Client], bound: str
) -> None:
    refused = serve(**{bound: 1 if bound == "export_max_bytes" else 1e-6}).get(
        "/exports/unit_grids.geojson"
    )
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:gridsvc:problem:too-wide"
    assert "district" in refused.json()["detail"]


def slow_uploads(case_id: str) -> list[tuple[str, str]]:
    """Addresses that take a body, and the type of it."""
    return [
        (f"/v1/cases/{case_id}/evidence", "image/jpeg"),
        (f"/v1/disputes/{case_id}/evidence?name=a.pdf", "application/pdf"),
        ("/v1/locate/batch", "application/vnd.apache.arrow.stream"),
        ("/v1/locate/batch", "text/csv"),
        ("/v1/reports", "application/json"),
        ("/v1/reports/similar", "application/json"),
    ]


def test_uploads_that_never_end_hold_no_transaction(
    client: httpx.Client, city_session: Session
) -> None:
    person = Person(client, token_of(Role.CITY))
    case_id = person.report(-300)["case_id"]
    with ExitStack() as slow:
        for path, kind in slow_uploads(case_id):
            for _ in range(12):
                head = request(
                    "POST",
                    path,
                    f"Authorization: {person.headers['Authorization']}",
                    f"Content-Type: {kind}",
                    "Content-Length: 900000",
                )
                slow.enter_context(connected(client, head + b"\xff\xd8"))
        goes_on(client)
        wait_until(lambda: nobody_waits(city_session))
        goes_on(client)


def test_a_body_that_does_not_come_is_refused_and_its_connection_ended(
    serve: Callable[..., httpx.Client],
) -> None:
    client = serve(body_timeout_s=0.5)
    authorization = f"Authorization: Bearer {token_of(Role.CITY)}"
    for path in ("/v1/reports", "/v1/reports/similar", "/v1/locate/batch"):
        head = request("POST", path, authorization, "Content-Type: text/csv", "Content-Length: 9")
        with connected(client, head + b"lon") as own:
            told = answer(own)
        assert told.startswith(b"HTTP/1.1 408 "), path
        assert b"urn:gridsvc:problem:too-slow" in told


def test_endless_headers_are_refused_before_they_are_kept(client: httpx.Client) -> None:
    with connected(client, b"GET /healthz HTTP/1.1\r\n") as own:
        sent = 0
        try:
            while sent < 300_000_000:
                own.sendall(b"X-Long: " + b"x" * 100_000 + b"\r\n")
                sent += 100_000
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 20_000_000
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("size", [33_000, 200_000])
def test_long_headers_are_refused_in_words(client: httpx.Client, size: int) -> None:
    with connected(client, request("GET", "/healthz", "X-Long: " + "x" * size)) as own:
        told = answer(own)
    assert told.startswith(b"HTTP/1.1 431 ")
    assert b"urn:gridsvc:problem:head-too-large" in told
    assert client.get("/healthz", headers={"X-Long": "x" * 30_000}).status_code == 200


def test_a_connection_that_says_nothing_or_half_a_head_is_ended(
    serve: Callable[..., httpx.Client],
) -> None:
    client = serve(head_timeout_s=0.5)
    with connected(client) as silent, connected(client, b"GET / HTTP/1.1\r\nHost: x\r\n") as half:
        assert answer(half).startswith(b"HTTP/1.1 408 ")
        assert answer(silent) == b""
    with connected(client, request("GET", "/healthz") + b"\r\n") as done:
        assert seconds_until_cut_off(done) < 10


def test_an_answer_that_nobody_reads_is_given_up(
    many_cells: None, serve: Callable[..., httpx.Client]
) -> None:
    client = serve(unread_timeout_s=1.0, max_connections_of_address=1)
    with connected(client, request("GET", "/exports/unit_grids.geojson")) as own:
        own.recv(1)
        assert not is_let_in(client)
        wait_until(lambda: is_let_in(client))


def is_let_in(client: httpx.Client) -> bool:
    """Whether the server takes one connection more."""
    with connected(client, request("GET", "/healthz", "Connection: close")) as own:
        return answer(own).startswith(b"HTTP/1.1 200")


def test_one_address_cannot_take_all_connections(serve: Callable[..., httpx.Client]) -> None:
    client = serve(max_connections_of_address=5)
    with ExitStack() as idle:
        held = [idle.enter_context(connected(client)) for _ in range(5)]
        with connected(client, request("GET", "/healthz")) as refused:
            assert answer(refused) == b""
        held[0].sendall(request("GET", "/healthz", "Connection: close"))
        assert answer(held[0]).startswith(b"HTTP/1.1 200")


def test_a_report_has_a_connection_when_all_others_are_taken(
    serve: Callable[..., httpx.Client],
) -> None:
    with ExitStack() as taken:

        def take_all(app: FastAPI) -> None:
            for _ in range(10):
                taken.enter_context(app.state.service.engine.connect())

        client = serve(take_all)
        Person(client, token_of(Role.CITY)).report(-300)
        assert client.get("/readyz").status_code == 200
