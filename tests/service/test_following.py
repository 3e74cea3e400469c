"""A report is followed: webhooks are told what its citizen is told, and called nowhere private."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.cases.core.messages.webhook import signature
from gridsvc.cases.core.messages.worker import Worker
from gridsvc.db import create_engine, session_factory
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.messages_world import KEY, Receiver
from tests.service.procedures_world import Clock, World, register
from tests.waiting import PATIENCE_S

WORDS = "Mrs Li of flat 402 shouts at night"
HOOK = "https://93.184.216.34/hook"


@pytest.fixture
def open_world(serve, city_engine, monkeypatch):
    """Whose service has webhooks called in this very machine; and its client."""
    register(city_engine)
    client = serve(follow_private_addresses=True, webhook_key=KEY.hex())
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def filed(request):
    name = "open_world" if "open_world" in request.fixturenames else "world"
    return request.getfixturevalue(name)["citizen"].report(-300, description=WORDS)


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def deliver(city_database):
    """Let a worker deliver what is due a day from now, so that its own clock is never behind."""
    engine = create_engine(city_database, role=SERVICE_ROLE)

    def work(**settings):
        worker = Worker(
            session_factory(engine),
            Settings(**{"webhook_timeout_s": PATIENCE_S, **settings}),
            KEY,
            clock=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
            chance=lambda: 0.5,
        )
        return asyncio.run(worker.run(asyncio.Event(), once=True))

    yield work
    engine.dispose()


def _path(filed):
    return f"/v1/reports/{filed['receipt']}/follows"


def _follow(client, filed, url, secret=None):
    headers = {"Receipt-Secret": secret or filed["secret"]}
    return client.post(_path(filed), json={"url": url}, headers=headers)


def _step(world, filed, step="handle", **evidence):
    given = {"step": step, "note": "our own note", "evidence": evidence}
    world[city.LEAD].post(f"/v1/cases/{filed['case_id']}/steps", given)


def _close(world, filed):
    _step(world, filed)
    _step(world, filed, "feed_back")
    for step in ("verify", "assess"):
        scored = {"step": step, "note": "seen", "evidence": {"score": 90}}
        world["supervision"].post(f"/v1/cases/{filed['case_id']}/steps", scored)


def _waiting(session):
    session.rollback()
    return session.scalars(
        text(
            "select content -> 'said' ->> 'en' from message where follow_id is not null order by id"
        )
    ).all()


def test_a_follower_is_told_what_the_citizen_is_told_and_no_words_of_anybody(
    open_world, filed, receiver, deliver
):
    world = open_world
    answer = _follow(world.client, filed, receiver.url("me"))
    assert answer.status_code == 201, answer.text
    _close(world, filed)
    deliver(follow_private_addresses=True)
    told = [json.loads(request.body) for request in receiver.requests]
    history = world.client.get(f"/v1/reports/{filed['receipt']}").json()["outcome"]["history"]
    said = [one["content"]["said"]["en"] for one in told]
    # What was before it was followed, its follower was not told.
    assert said == [one["said"] for one in history][2:]
    assert said[-1] == "The case was closed."
    assert {one["content"]["receipt"] for one in told} == {filed["receipt"]}
    assert {one["follow"] for one in told} == {answer.json()["id"]}
    for request in receiver.requests:
        assert b"our own note" not in request.body
        assert WORDS.encode() not in request.body
        stamp = request.headers["Gridsvc-Signature"]
        at = dt.datetime.fromtimestamp(int(stamp.split(",")[0][2:]), dt.UTC)
        assert stamp == signature(answer.json()["secret"], request.body, at)


def test_a_message_that_a_follower_does_not_take_is_tried_again(
    open_world, filed, receiver, deliver
):
    world = open_world
    receiver.answer = lambda _: 500
    _follow(world.client, filed, receiver.url("me"))
    _step(world, filed)
    assert deliver(follow_private_addresses=True).failed == 1
    given_up = deliver(follow_private_addresses=True, max_attempts=1)
    assert (given_up.failed, given_up.given_up) == (0, 0)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:8000/", "not in the public internet"),
        ("http://2130706433/", "not in the public internet"),
        ("http://localhost/", "not in the public internet"),
        ("http://[::1]/", "not in the public internet"),
        ("http://[::ffff:10.0.0.1]/", "not in the public internet"),
        ("http://[64:ff9b::a00:1]/", "not in the public internet"),
        ("http://169.254.169.254/latest/meta-data", "not in the public internet"),
        ("http://nobody.invalid/", "no address is known"),
        ("ftp://93.184.216.34/", "URL scheme"),
        ("http://me:word@93.184.216.34/", "user name or password"),
    ],
)
def test_a_webhook_that_is_not_in_the_public_internet_is_refused(client, world, filed, url, reason):
    problem = refusal(_follow(client, filed, url), 422)
    assert reason in problem["detail"]
    assert problem["field"] == "url"


def test_a_name_that_became_private_since_is_not_called(
    open_world, filed, receiver, deliver, city_session
):
    world = open_world
    _follow(world.client, filed, receiver.url("me"))
    _step(world, filed)
    assert deliver().failed == 1
    assert receiver.requests == []
    error = city_session.scalar(text("select last_error from message where follow_id is not null"))
    assert error == "127.0.0.1 is not in the public internet"


def test_a_report_is_followed_by_its_reporter_and_the_staff_of_its_case(world, client, filed):
    refusal(_follow(client, filed, HOOK, secret="guessed"), 403)
    stranger = world.person(Role.CITIZEN, subject="somebody else")
    stranger.refused(_path(filed), {"url": HOOK}, status=403)
    far = world.person(Role.STREET, city.OTHER)
    far.refused(_path(filed), {"url": HOOK}, status=403)
    own = world["citizen"].post(_path(filed), {"url": HOOK})
    lead = world[city.LEAD].post(_path(filed), {"url": f"{HOOK}/ours"})
    secret = {"Receipt-Secret": filed["secret"]}
    seen = client.get(_path(filed), headers=secret).json()["follows"]
    assert [one["id"] for one in seen] == [own["id"]]
    # Each sees and ends their own.
    assert [one["id"] for one in world[city.LEAD].get(_path(filed))["follows"]] == [lead["id"]]
    refusal(client.delete(f"{_path(filed)}/{lead['id']}", headers=secret), 404)
    assert "secret" not in seen[0]


def test_following_again_is_the_same_and_has_an_end(serve, city_engine):
    register(city_engine)
    client = serve(max_follows=2)
    filed = World(client, Clock())["citizen"].report(-300)
    ids = [_follow(client, filed, f"{HOOK}/{n}").json().get("id") for n in (1, 1, 2, 3)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[3] is None
    assert "2 webhooks" in refusal(_follow(client, filed, f"{HOOK}/3"), 409)["detail"]


def test_who_unfollows_is_not_even_told_what_waits(world, client, filed, city_session):
    secret = {"Receipt-Secret": filed["secret"]}
    kept = _follow(client, filed, HOOK).json()["id"]
    _step(world, filed)
    assert len(_waiting(city_session)) == 1
    assert client.delete(f"{_path(filed)}/{kept}", headers=secret).status_code == 204
    assert client.delete(f"{_path(filed)}/{kept}", headers=secret).status_code == 404
    _step(world, filed, "feed_back")
    assert _waiting(city_session) == []


def test_a_follower_goes_with_the_report_and_hears_of_no_other_one(
    world, client, filed, city_session
):
    _follow(client, filed, HOOK)
    neighbour = world.person(Role.CITIZEN, subject="a neighbour")
    other = neighbour.report(-305)
    assert other["case_id"] == filed["case_id"]
    neighbour.post(f"/v1/reports/{other['receipt']}/additions", {"text": "mine"})
    assert _waiting(city_session) == []
    _close(world, filed)
    again = f"/v1/reports/{filed['receipt']}/reopen"
    new = world["citizen"].post(again, {"reason": "it stands"})["case_id"]
    assert new != filed["case_id"]
    before = len(_waiting(city_session))
    world[city.LEAD].post(f"/v1/cases/{new}/steps", {"step": "handle", "note": "done"})
    assert len(_waiting(city_session)) == before + 1


def test_an_erased_report_is_followed_by_nobody(world, client, filed, city_session):
    _follow(client, filed, HOOK)
    _close(world, filed)
    assert len(_waiting(city_session)) > 0
    erasing = {"secret": filed["secret"], "reason": "I ask for it"}
    client.post(f"/v1/reports/{filed['receipt']}/erase", json=erasing).raise_for_status()
    assert _waiting(city_session) == []
    assert city_session.scalar(text("select count(*) from follow")) == 0


def test_slow_followers_leave_half_of_the_calls_to_bodies(
    open_world, filed, receiver, deliver, city_engine
):
    world = open_world
    for n in range(6):
        _follow(world.client, filed, receiver.url(f"{n}"))
    with city_engine.begin() as connection:
        hook = {"url": receiver.url("body"), "code": city.LEAD}
        connection.execute(text("update body set webhook_url = :url where code = :code"), hook)
    _step(world, filed)
    together = {"most": 0}

    def answer(request):
        # Nobody is answered before the body was called: followers cannot take all of the calls.
        receiver.wait_for(1)
        if request.path != "/body":
            together["most"] += 1
            with receiver.arrived:
                assert receiver.arrived.wait_for(
                    lambda: any(one.path == "/body" for one in receiver.requests), PATIENCE_S
                )
        return 204

    receiver.answer = answer
    assert deliver(follow_private_addresses=True, webhooks_at_once=4).failed == 0
    assert together["most"] == 6
