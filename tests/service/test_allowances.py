"""Nobody asks for more than their share, and whoever does is told when to ask again."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gridsvc.api import allowances
from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, report, token_of
from tests.service.slow_clients import connected, request

LOOK_UP = f"/v1/locate?lon={city.BORDER_LON}&lat=39.885"
EVENTS = f"/v1/bodies/{city.LEAD}/events"


@pytest.fixture
def serve_with(serve: Callable[..., httpx.Client], tmp_path: Path) -> Callable[..., httpx.Client]:
    """The service with another allowance of a role."""

    def start(role: str, *, settings: dict[str, Any] | None = None, **changed: int) -> httpx.Client:
        with Path(allowances.__file__).with_name("allowances.csv").open() as ours:
            rows = list(csv.DictReader(ours))
        path = tmp_path / "allowances.csv"
        with path.open("w") as own:
            writer = csv.DictWriter(own, rows[0])
            writer.writeheader()
            writer.writerows(row | (changed if row["role"] == role else {}) for row in rows)
        return serve(allowances=path, **(settings or {}))

    return start


def too_many(answer: httpx.Response) -> dict[str, Any]:
    problem = refusal(answer, 429)
    assert problem["type"] == "urn:gridsvc:problem:too-many"
    assert int(answer.headers["retry-after"]) == problem["retry_after_s"] >= 1
    return problem


def test_look_ups_of_one_address_end_at_their_number(serve_with) -> None:
    client = serve_with("anonymous", look_ups=100)
    assert [client.get(LOOK_UP).status_code for _ in range(100)] == [200] * 100
    assert "look-ups" in too_many(client.get(LOOK_UP))["detail"]
    assert client.get("/healthz").status_code == 200


def test_requests_end_at_their_number_and_each_token_has_its_own(serve_with) -> None:
    client = serve_with("street", requests=5)
    lead, other = (Person(client, token_of(Role.STREET, area)) for area in (city.LEAD, city.OTHER))
    for _ in range(5):
        lead.get("/v1/areas")
    too_many(lead.send("GET", "/v1/areas"))
    other.get("/v1/areas")
    assert client.get("/v1/areas").status_code == 200


def test_a_forged_token_gives_no_share_of_its_own(serve_with) -> None:
    client = serve_with("anonymous", requests=3)
    forged = [f"Bearer {token_of(Role.ADMIN)[:-5]}{n:05}" for n in range(4)]
    answers = [client.get("/v1/areas", headers={"Authorization": one}) for one in forged]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_an_address_that_a_stranger_names_is_not_believed(serve_with) -> None:
    client = serve_with("anonymous", requests=3)
    named = [{"X-Forwarded-For": f"10.0.0.{n}"} for n in range(4)]
    answers = [client.get("/v1/areas", headers=one).status_code for one in named]
    assert answers == [200, 200, 200, 429]


def test_the_address_that_a_trusted_proxy_names_counts(serve_with) -> None:
    client = serve_with("anonymous", requests=1, settings={"trusted_proxies": "127.0.0.0/8"})

    def asked(forwarded: str) -> int:
        return client.get("/v1/areas", headers={"X-Forwarded-For": forwarded}).status_code

    assert asked("10.0.0.1") == 200
    assert asked("10.0.0.2") == 200
    assert asked("10.0.0.1") == 429
    # What stands before was sent by the client itself.
    assert asked("10.9.9.9, 10.0.0.1, 127.0.0.2") == 429


def test_work_and_bytes_of_a_minute_are_counted(serve_with) -> None:
    busy = serve_with("anonymous", work_s=0)
    assert busy.get("/v1/areas").status_code == 200
    assert "work" in too_many(busy.get("/v1/areas"))["detail"]
    client = serve_with("citizen", megabytes=1)
    citizen = Person(client, token_of(Role.CITIZEN))
    body = b" " * 600_000
    for _ in range(2):
        refusal(citizen.send("POST", "/v1/straddle", content=body), 422)
    problem = too_many(citizen.send("POST", "/v1/straddle", content=body))
    assert "megabytes" in problem["detail"]


def test_a_body_without_a_token_that_holds_is_small(client: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        for path in ("/v1/straddle", "/v1/reports", "/v1/reports/similar", "/v1/locate/batch"):
            refusal(client.post(path, content=b" " * 1_000_001, headers=headers), 413)
    citizen, staff = (Person(client, token_of(role)) for role in (Role.CITIZEN, Role.CITY))
    refusal(citizen.send("POST", "/v1/reports", content=b" " * 1_000_001), 413)
    refusal(staff.send("POST", "/v1/straddle", content=b" " * 1_000_001), 422)
    photo = {"Content-Type": "Image/JPEG"}
    path = f"/v1/cases/{uuid.UUID(int=7)}/evidence"
    refusal(staff.send("POST", path, content=b" " * 1_000_001, headers=photo), 404)
    refusal(client.post(path, content=b" " * 1_000_001, headers=photo), 413)


def test_unread_streams_of_one_caller_are_bounded(serve_with) -> None:
    client = serve_with("street", streams=3)
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    asked = request("GET", EVENTS, f"Authorization: {lead.headers['Authorization']}")
    with ExitStack() as held:
        for own in [held.enter_context(connected(client, asked)) for _ in range(3)]:
            assert own.recv(12) == b"HTTP/1.1 200"
        too_many(lead.send("GET", EVENTS))
        lead.get("/v1/areas")


def test_a_process_that_is_full_says_so(serve: Callable[..., httpx.Client]) -> None:
    client = serve(requests_at_once=2)
    head = request("POST", "/v1/straddle", "Content-Length: 9", "Content-Type: application/json")
    with connected(client, head), connected(client, head):
        answers = iter(lambda: client.get("/v1/areas"), None)
        full = next(answer for answer in answers if answer.status_code != 200)
        refusal(full, 503)
        assert full.headers["retry-after"] == "1"
        assert client.get(LOOK_UP).status_code == 200


def test_the_eleventh_report_of_an_hour_is_slowed_and_looked_at_twice(
    client: httpx.Client,
) -> None:
    citizen = Person(client, token_of(Role.CITIZEN))
    first = citizen.report(-300)
    for _ in range(9):
        citizen.report(-300)
    refused = citizen.send("POST", "/v1/reports", json=report(-300))
    assert refusal(refused, 409)["receipt"] == first["receipt"]
    assert "reports" in too_many(citizen.send("POST", "/v1/reports", json=report(-300)))["detail"]
    # Another citizen and the staff are not held up by it.
    Person(client, token_of(Role.CITIZEN)).report(-300)
    staff = Person(client, token_of(Role.GRID_WORKER, city.LEAD[:6]))
    for _ in range(12):
        staff.report(-300)


def test_a_report_that_is_sent_again_under_its_key_is_no_other(client: httpx.Client) -> None:
    citizen = Person(client, token_of(Role.CITIZEN))
    answers = [citizen.post("/v1/reports", report(-300), key="phone-1") for _ in range(15)]
    assert len({answer["id"] for answer in answers}) == 1


def test_many_citizens_of_one_address_are_slowed_together(serve_with) -> None:
    client = serve_with("anonymous", reports=3)
    citizens = [Person(client, token_of(Role.CITIZEN)) for _ in range(4)]
    for citizen in citizens[:3]:
        citizen.report(-300)
    too_many(citizens[3].send("POST", "/v1/reports", json=report(-300)))


def test_a_table_without_a_role_is_refused_at_the_start(serve, tmp_path: Path) -> None:
    path = tmp_path / "allowances.csv"
    ours = Path(allowances.__file__).with_name("allowances.csv").read_text().splitlines()
    path.write_text("\n".join(line for line in ours if not line.startswith("analyst")))
    with pytest.raises(Exception, match=r"allowances\.csv has no line for analyst; add it\."):
        serve(allowances=path)
