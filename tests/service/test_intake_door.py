"""A plain report is taken in at the door, as its route would take it in."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.service.conftest import report

ODD = (
    b"",
    b"{",
    b"[]",
    b'{"description": "no class"}',
    b'{"class": "06001", "location": {"lon": 116.31}}',
    b'{"class": "06001", "colour": "red"}',
    b'{"class": "06001", "description": "\\u0000", "location": {"lon": 116.31, "lat": 39.885}}',
)


def _send(client: httpx.Client, token: str, body: bytes, *, door: bool, **headers: str):
    """Post a report; without its length it is passed on to the route."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    content = body if door else iter([body])
    return client.post("/v1/reports", content=content, headers=headers)


def _told(answer: httpx.Response) -> dict:
    """What two reports at one place have in common."""
    own = ("id", "receipt", "case_id", "joined", "similar", "created_at")
    return {name: value for name, value in answer.json().items() if name not in own}


@pytest.fixture
def token(citizen) -> str:
    return citizen.headers["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("metres_east", [-400.0, -20.0, 300.0])
def test_the_door_gives_the_answer_of_the_route(client, token, metres_east):
    body = json.dumps(report(metres_east, **{"class": "06010"})).encode()
    at_the_door = _send(client, token, body, door=True)
    by_the_route = _send(client, token, body, door=False)
    assert at_the_door.status_code == by_the_route.status_code == 201
    assert _told(at_the_door) == _told(by_the_route)
    assert by_the_route.json()["case_id"] == at_the_door.json()["case_id"]
    assert at_the_door.headers["content-type"] == by_the_route.headers["content-type"]


@pytest.mark.parametrize("body", ODD)
def test_what_is_odd_is_refused_in_the_words_of_the_route(client, token, body):
    at_the_door = _send(client, token, body, door=True)
    by_the_route = _send(client, token, body, door=False)
    assert at_the_door.status_code == by_the_route.status_code >= 400
    assert at_the_door.json() == by_the_route.json()
    assert at_the_door.headers["content-type"] == "application/problem+json"


def test_what_the_intake_refuses_is_the_same_problem(client, token):
    for body in (
        json.dumps(report(-400.0) | {"class": "99999"}).encode(),
        json.dumps({"class": "06001", "location": {"lon": 0, "lat": 0}}).encode(),
        json.dumps({"class": "06001"}).encode(),
    ):
        at_the_door = _send(client, token, body, door=True)
        by_the_route = _send(client, token, body, door=False)
        assert at_the_door.status_code == by_the_route.status_code >= 400
        assert at_the_door.json() == by_the_route.json()


def test_nobody_comes_in_without_a_token_that_holds(client, token):
    body = json.dumps(report(-400.0)).encode()
    refused = _send(client, token[:-4] + "AAAA", body, door=True)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert client.post("/v1/reports", json=report(-400.0)).status_code == 401


def test_one_key_is_one_report_by_either_way(client, token):
    body = json.dumps(report(-400.0)).encode()
    keyed = {"Idempotency-Key": "phone-1"}
    first = _send(client, token, body, door=True, **keyed)
    again = [_send(client, token, body, door=door, **keyed) for door in (True, False)]
    assert [answer.json() for answer in again] == [first.json()] * 2
    assert all(answer.headers["idempotency-replayed"] == "true" for answer in again)
    other = _send(client, token, json.dumps(report(300.0)).encode(), door=True, **keyed)
    assert other.status_code == 409
