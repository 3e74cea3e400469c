"""Tokens at the door: missing, foreign, expired, revoked."""

from __future__ import annotations

import datetime as dt
import uuid

import jwt
import pytest

from gridsvc.callers import Role
from gridsvc.registry.access.repository import add_revoked
from gridsvc.registry.access.service import holder_of, issue_token
from tests.service import joint_city as city
from tests.service.conftest import TOKEN_KEY, Person, refusal, report, token_of

KEY = bytes.fromhex(TOKEN_KEY)
HOUR = dt.timedelta(hours=1)


def now():
    return dt.datetime.now(dt.UTC)


def claims(**changes):
    sound = jwt.decode(token_of(Role.CITY), KEY, algorithms=["HS256"], issuer="gridsvc")
    merged = sound | changes
    return {name: value for name, value in merged.items() if value != "absent"}


def signed(key=KEY, algorithm="HS256", **changes):
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


def test_a_sound_token_opens_the_door(client):
    assert Person(client, signed()).get("/v1/cases")["cases"] == []


BAD = {
    "expired": lambda: issue_token(KEY, role=Role.CITY, valid_for=-HOUR, now=now()),
    "another key": lambda: signed(key=b"c3" * 16),
    "no signature": lambda: signed(key=None, algorithm="none"),
    "another issuer": lambda: signed(iss="elsewhere"),
    "no issuer": lambda: signed(iss="absent"),
    "no expiry": lambda: signed(exp="absent"),
    "no id": lambda: signed(jti="absent"),
    "an id that is none": lambda: signed(jti="seven"),
    "an unknown role": lambda: signed(role="king"),
    "no area": lambda: signed(area="absent"),
    "an area that is no text": lambda: signed(area=None),
    "not yet valid": lambda: signed(nbf=now() + HOUR),
    "no token at all": lambda: "hello",
    "no letters": lambda: "..",
}


@pytest.mark.parametrize("fault", BAD)
def test_a_token_that_is_not_sound_is_refused_and_says_what_to_do(client, city_session, fault):
    person = Person(client, BAD[fault]())
    for answer in (
        person.send("GET", "/v1/cases"),
        person.send("POST", "/v1/reports", json=report(-300)),
    ):
        problem = refusal(answer, 401)
        assert problem["type"] == "urn:gridsvc:problem:not-authenticated"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if fault == "expired":
        assert "expired" in problem["detail"]
    assert not any(city.counts(city_session).values())


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer"])
def test_without_a_bearer_token_nothing_is_written(client, header):
    headers = {} if header is None else {"Authorization": header}
    refusal(client.post("/v1/reports", json=report(-300), headers=headers), 401)


def test_a_revoked_token_is_refused_at_once_and_another_of_its_holder_is_not(client, city_session):
    mine, yours = token_of(Role.CITY), token_of(Role.CITY)
    Person(client, mine).get("/v1/cases")
    token_id = uuid.UUID(jwt.decode(mine, KEY, algorithms=["HS256"])["jti"])
    add_revoked(city_session, token_id, now(), now() + HOUR)
    city_session.commit()
    problem = refusal(Person(client, mine).send("GET", "/v1/cases"), 401)
    assert "revoked" in problem["detail"]
    Person(client, yours).get("/v1/cases")


def test_what_a_token_says_is_read_back():
    token = issue_token(
        KEY,
        role=Role.DEPARTMENT,
        area=city.WEST,
        body=f"{city.WEST}-CGJ",
        subject="Mr Li",
        valid_for=HOUR,
        now=now(),
    )
    caller = holder_of([KEY], token)
    assert (caller.role, caller.area) == (Role.DEPARTMENT, city.WEST)
    assert (caller.body, caller.subject) == (f"{city.WEST}-CGJ", "Mr Li")


def test_places_are_told_without_a_token(client):
    place = city.beside_border(-300)
    assert client.get("/v1/locate", params=place).status_code == 200


def test_only_the_body_itself_and_its_supervision_read_its_inbox(as_):
    inbox = f"/v1/bodies/{city.LEAD}/inbox"
    for may in (
        as_(Role.STREET, city.LEAD),
        as_(Role.DISTRICT, city.WEST),
        as_(Role.CITY),
        as_(Role.ADMIN),
    ):
        may.get(inbox)
    for may_not in (
        as_(Role.STREET, city.OTHER),
        as_(Role.DISTRICT, city.EAST),
        as_(Role.CITIZEN),
        as_(Role.ANALYST),
        as_(Role.GRID_WORKER, city.LEAD),
        as_(Role.DEPARTMENT, city.WEST, f"{city.WEST}-CGJ"),
    ):
        refusal(may_not.send("GET", inbox), 403)
    refusal(as_(Role.CITY).send("GET", "/v1/bodies/nobody/inbox"), 404)
