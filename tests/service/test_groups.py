"""Orders to a group: said once, in threads, within what robots take, and answered by a link."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gridsvc.callers import Role
from gridsvc.cases.core.messages.groups import GroupLink, Speaking, read_link, write_link
from gridsvc.cases.core.messages.webhook import signature, webhook_secret
from gridsvc.cases.core.messages.worker import DeliveryCount, Worker
from gridsvc.city.robots import ROBOTS
from gridsvc.db import create_engine, session_factory
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.registry.access.keys import KeyRing
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, refusal
from tests.service.messages_world import KEY, Receiver
from tests.service.procedures_world import CGJ, Clock, World, register
from tests.waiting import PATIENCE_S

BASE = "https://grid.example.org"
WORDS = "Mrs Li of flat 402, telephone 13800138000"
PERSONAL = ("Mrs", "402", "13800138000")
SECRET = "SEC-made-up"
#: The robots as they are shipped, but for where they are called.
SHIPPED = ROBOTS.shipped / "robots.json"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(content=b'{"errcode": 0, "errmsg": "ok"}', answer=lambda _: 200) as receiver:
        yield receiver


@pytest.fixture
def own_rules(receiver: Receiver, tmp_path: Path) -> Path:
    """The rules of a city whose robots are called in this very machine."""
    robots = json.loads(SHIPPED.read_text(encoding="utf-8"))
    for name, robot in robots.items():
        robot["addresses"] = [receiver.url(f"{name}/")]
    (tmp_path / "robots.json").write_text(json.dumps(robots), encoding="utf-8")
    return tmp_path


@pytest.fixture
def world(serve, city_engine: Engine, own_rules: Path, monkeypatch) -> World:
    register(city_engine)
    client = serve(procedures_dir=own_rules, webhook_key=KEY.hex(), public_url=BASE)
    return World(client, Clock.held(monkeypatch))


class Deliver:
    """Workers that deliver what is due at a moment of the test's own."""

    def __init__(self, url: str, own_rules: Path) -> None:
        self.settings = Settings(webhook_timeout_s=PATIENCE_S, procedures_dir=own_rules)
        self.engine = create_engine(url, role=SERVICE_ROLE)
        ring = KeyRing(own_rules / "keys", "reporter", REPORTER_KEY)
        self.speaking = Speaking(ROBOTS.load(self.settings), KEY, ring, BASE, 72)

    def __call__(self, at: dt.datetime) -> DeliveryCount:
        worker = Worker(
            session_factory(self.engine),
            self.settings,
            KEY,
            clock=lambda: at,
            chance=lambda: 0.5,
            speaking=self.speaking,
        )
        return asyncio.run(worker.run(asyncio.Event(), once=True))


@pytest.fixture
def deliver(city_database: str, own_rules: Path) -> Iterator[Deliver]:
    deliver = Deliver(city_database, own_rules)
    yield deliver
    deliver.engine.dispose()


def group(receiver: Receiver, robot: str = "wecom", key: str = "k1", **more: Any) -> dict[str, Any]:
    signs = {"secret": SECRET} if robot == "dingtalk" else {}
    return {"name": "值班群", "robot": robot, "url": receiver.url(f"{robot}/send?key={key}")} | (
        signs | more
    )


def enter(world: World, receiver: Receiver, body: str = city.LEAD, **more: Any) -> Any:
    return world[body if body in world.people else "supervision"].post(
        f"/v1/bodies/{body}/groups", group(receiver, **more)
    )


def filed(world: World) -> str:
    """A case of the western street, reported with the words of a person."""
    case: str = world["citizen"].report(-300, description=WORDS)["case_id"]
    return case


def texts(receiver: Receiver) -> list[str]:
    return [json.loads(one.body)["text"]["content"] for one in receiver.requests]


def link_in(said: str) -> str:
    found = re.search(rf"{BASE}(/v1/group-links/[\w-]+)", said)
    assert found is not None, said
    return found[1]


@pytest.fixture
def opened(world: World, receiver: Receiver, deliver: Deliver) -> tuple[str, str]:
    """A case that the group of its street was told of, and the path of the link in the message."""
    enter(world, receiver)
    case = filed(world)
    deliver(world.clock.now)
    return case, link_in(texts(receiver)[0])


def form(world: World, path: str, **fields: str) -> Any:
    return world.client.post(path, data=fields)


@pytest.mark.system(32)
def test_a_case_is_said_in_the_group_of_its_body_with_nothing_of_persons(
    world: World, receiver: Receiver, deliver: Deliver
) -> None:
    enter(world, receiver)
    filed(world)
    deliver(world.clock.now)

    (said,) = texts(receiver)
    assert said.startswith("【指令】第1号 · ")
    assert "广安门外街道" in said
    assert "新案卷，请办理。" in said
    assert re.search(r"时限：2026-\d\d-\d\d \d\d:\d\d", said)
    for word in PERSONAL:
        assert word not in receiver.requests[0].body.decode()


@pytest.mark.system(32)
def test_later_words_refer_to_the_first_and_the_same_is_never_said_twice(
    world: World, receiver: Receiver, deliver: Deliver
) -> None:
    enter(world, receiver)
    case = filed(world)
    order = {"body": city.LEAD, "note": "She waits."}
    path = f"/v1/cases/{case}/group-orders"
    world["supervision"].post(path, order)
    problem = world["supervision"].refused(path, order, status=409)
    assert "the very same" in problem["detail"]
    other = filed_elsewhere(world)
    deliver(world.clock.now)

    said = {one.splitlines()[0] for one in texts(receiver)}
    assert len(texts(receiver)) == 3
    number = next(one for one in said if "续" not in one and "第1号" in one)
    assert "第1号" in number
    assert any(one.startswith("【指令】续第1号之2（首发2026-11-23 10:00）") for one in said)
    assert any("第2号" in one for one in said), "another case is another thread"
    assert all("She waits" not in one for one in texts(receiver))
    assert deliver(world.clock.now).delivered == 0
    noted = [one for one in _trace(world, case) if one["action"] == "group_order"]
    assert [one["content"]["note"] for one in noted] == ["She waits."]
    assert other != case


def filed_elsewhere(world: World) -> str:
    """Another case of the same street, too far off to be the same."""
    place = {**city.beside_border(-1_400, -900), "accuracy_m": 10}
    case: str = world["citizen"].report(location=place)["case_id"]
    return case


def _trace(world: World, case: str) -> list[Any]:
    entries: list[Any] = world["supervision"].get(f"/v1/cases/{case}/trace")["entries"]
    return entries


@pytest.mark.system(32)
def test_calls_are_signed_as_the_robot_asks_and_as_ours_are(
    world: World, receiver: Receiver, deliver: Deliver
) -> None:
    known = enter(world, receiver, robot="dingtalk")
    filed(world)
    deliver(world.clock.now)

    (request,) = receiver.requests
    asked = parse_qs(urlsplit(request.path).query)
    timestamp = str(int(world.clock.now.timestamp() * 1_000))
    assert asked["timestamp"] == [timestamp]
    # As the operator's page has it, in its own words.
    mac = hmac.new(SECRET.encode(), f"{timestamp}\n{SECRET}".encode(), digestmod=hashlib.sha256)
    assert asked["sign"] == [base64.b64encode(mac.digest()).decode()]
    assert asked["key"] == ["k1"]
    secret = webhook_secret(KEY, known["id"])
    assert request.headers["Gridsvc-Signature"] == signature(secret, request.body, world.clock.now)


@pytest.mark.system(32)
def test_what_a_robot_does_not_take_is_tried_again_and_keeps_its_place(
    world: World, receiver: Receiver, deliver: Deliver, city_session: Session
) -> None:
    enter(world, receiver)
    case = filed(world)
    world["supervision"].post(f"/v1/cases/{case}/group-orders", {"body": city.LEAD})
    receiver.content = b'{"errcode": 45009, "errmsg": "api freq out of limit"}'
    assert deliver(world.clock.now).failed == 1, "an answer of 200 is not yet an acceptance"
    error = city_session.scalar(text("select last_error from message where tries > 0"))
    assert error == "it answered errcode 45009"
    assert deliver(world.clock.now).failed == 0, "the second waits for the first"

    receiver.content = b'{"errcode": 0}'
    deliver(world.clock.now + dt.timedelta(minutes=2))
    first, again, second = (one.splitlines()[0] for one in texts(receiver))
    assert first == again
    assert "续" not in again
    assert "续" in second


@pytest.mark.system(32)
def test_no_minute_sees_more_than_twenty_messages_whoever_delivers(
    world: World, receiver: Receiver, deliver: Deliver, city_session: Session
) -> None:
    enter(world, receiver)
    filed(world)
    city_session.execute(
        text(
            "insert into message (district_code, id, written_at, group_id, topic, case_id, content,"
            " state, tries, due_at, next_try_at) select district_code, gen_random_uuid(),"
            " written_at, group_id, topic, gen_random_uuid(), content, state, tries, due_at,"
            " next_try_at from message, generate_series(1, 69) where group_id is not null"
        )
    )
    city_session.commit()
    counts = []
    deliver.settings = deliver.settings.model_copy(update={"webhook_timeout_s": 10.0})
    for second in range(0, 600, 10):
        at = world.clock.now + dt.timedelta(seconds=second)
        before = len(receiver.requests)
        workers = [threading.Thread(target=deliver, args=(at,)) for _ in range(2)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        counts += [second] * (len(receiver.requests) - before)
        if len(counts) == 70:
            break
    assert len(counts) == 70
    assert counts.count(0) == 20
    assert counts[-1] == 210, "a call that is claimed may take ten seconds to arrive"
    for begin in counts:
        assert sum(begin <= one < begin + 60 for one in counts) <= 20
    assert len({one.headers["Idempotency-Key"] for one in receiver.requests}) == 70


@pytest.mark.system(32)
def test_a_link_opens_the_page_and_the_answer_is_in_the_trace(
    world: World, opened: tuple[str, str]
) -> None:
    case, path = opened
    page = world.client.get(path)
    assert page.status_code == 200, page.text
    assert "广安门外街道" in page.text
    assert 'value="handle"' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    for word in (*PERSONAL, "116.3", "39.8"):
        assert word not in page.text
    entered = len(_trace(world, case))
    assert world.client.get(path).status_code == 200
    assert len(_trace(world, case)) == entered, "a preview of the link enters nothing"

    answered = form(world, path, note="We are on the way.")
    assert answered.status_code == 200, answered.text
    assert "已记录" in answered.text
    entry = _trace(world, case)[-1]
    assert (entry["action"], entry["actor"]) == ("group_answered", "group:值班群")
    assert entry["body_code"] == city.LEAD
    assert entry["content"]["note"] == "We are on the way."
    told = world["supervision"].get(f"/v1/supervision/{city.WEST}/inbox")["messages"]
    assert "group_answered" in [one["topic"] for one in told]


@pytest.mark.system(32)
def test_by_a_link_the_body_takes_its_step_and_no_other(
    world: World, opened: tuple[str, str]
) -> None:
    case, path = opened
    refused = refusal(form(world, path, step="verify", note="all fine"), 409)
    assert "not open" in refused["detail"]
    assert form(world, path, step="handle", note="Taken down.").status_code == 200
    assert world["supervision"].get(f"/v1/cases/{case}")["step"] == "feed_back"
    entry = next(one for one in _trace(world, case) if one["action"] == "handle")
    assert entry["body_code"] == city.LEAD
    refusal(form(world, path, step="handle", note="Again."), 409)


@pytest.mark.system(32)
def test_a_link_ends_and_nobody_can_write_one(
    world: World, opened: tuple[str, str], receiver: Receiver
) -> None:
    case, path = opened
    sealed = path.rpartition("/")[2]
    forged = [
        sealed[:-1] + ("A" if sealed[-1] != "A" else "B"),
        sealed[1:],
        "x",
        "é",
        write_link(b"another key", read_link(KEY, sealed, now=world.clock.now)),
    ]
    for one in forged:
        refusal(world.client.get(f"/v1/group-links/{one}"), 403)
        refusal(form(world, f"/v1/group-links/{one}", note="x"), 403)
    for note in ("", " ", "x" * 2_001, "a\0b"):
        refusal(form(world, path, note=note), 422)

    groups = world[city.LEAD].get(f"/v1/bodies/{city.LEAD}/groups")["groups"]
    other = enter(world, receiver, city.OTHER, key="k2")
    link = read_link(KEY, sealed, now=world.clock.now)
    stranger = GroupLink(type(link.group_id)(other["id"]), link.case_id, link.expires_at)
    refusal(world.client.get(f"/v1/group-links/{write_link(KEY, stranger)}"), 403)

    world.clock.forward(hours=72)
    assert "expired" in refusal(world.client.get(path), 403)["detail"]
    world.clock.forward(hours=-1)
    assert world.client.get(path).status_code == 200
    world[city.LEAD].post(f"/v1/bodies/{city.LEAD}/groups/{groups[0]['id']}/end")
    refusal(world.client.get(path), 403)
    refusal(form(world, path, note="x"), 403)
    assert world["supervision"].get(f"/v1/cases/{case}")["step"] == "handle"


@pytest.mark.system(32)
def test_answers_by_a_link_have_an_end_and_a_closed_case_takes_none(
    world: World, opened: tuple[str, str], city_session: Session
) -> None:
    case, path = opened
    city_session.execute(text("update group_thread set answers = 50"))
    city_session.commit()
    refusal(form(world, path, note="once more"), 409)
    assert "仅回复" not in world.client.get(path).text
    city_session.execute(text("update group_thread set answers = 0"))
    city_session.execute(
        text("update case_file set state = 'closed', closed_at = now() where id = :id"),
        {"id": case},
    )
    city_session.commit()
    assert "<form" not in world.client.get(path).text
    refusal(form(world, path, note="too late"), 409)


@pytest.mark.system(32)
def test_address_and_secret_are_sealed_and_sealed_anew(
    world: World, receiver: Receiver, deliver: Deliver, city_session: Session
) -> None:
    told = enter(world, receiver, robot="dingtalk", key="the-key-of-the-group")
    assert "key-of" not in json.dumps(told)
    kept = city_session.execute(text("select to_jsonb(chat_group) from chat_group")).scalar_one()
    assert "the-key-of-the-group" not in json.dumps(kept)
    assert SECRET not in json.dumps(kept)
    from gridsvc.registry.groups import service

    before = city_session.scalar(text("select sealed from chat_group"))
    new = bytes(32)
    count, after = service.reseal(city_session, service.FIRST, [new, bytes.fromhex(REPORTER_KEY)])
    city_session.commit()
    assert count == 1
    assert after is not None
    sealed = city_session.scalar(text("select sealed from chat_group"))
    assert sealed != before
    assert service.address_of(bytes(sealed), [new])["secret"] == SECRET
    # The worker that has only the old key says so, and does not lose the message.
    filed(world)
    assert deliver(world.clock.now).failed == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"robot": "smoke"}, "robot"),
        ({"url": "https://qyapi.weixin.qq.com.example.org/x"}, "url"),
        ({"url": "ftp://x/"}, "url"),
        ({"secret": "not asked for"}, "secret"),
        ({"robot": "dingtalk", "secret": None}, "url"),
        ({"kinds": []}, "kinds"),
    ],
)
def test_a_group_that_cannot_be_told_is_refused(
    world: World, receiver: Receiver, change: dict[str, Any], field: str
) -> None:
    path = f"/v1/bodies/{city.LEAD}/groups"
    problem = refusal(world[city.LEAD].send("POST", path, json=group(receiver) | change), 422)
    assert problem["field"] == field


def test_a_robot_that_signs_needs_its_secret(world: World, receiver: Receiver) -> None:
    path = f"/v1/bodies/{city.LEAD}/groups"
    given = group(receiver, "dingtalk") | {"secret": None}
    assert refusal(world[city.LEAD].send("POST", path, json=given), 422)["field"] == "secret"


@pytest.mark.system(32)
def test_groups_are_for_their_body_and_one_address_is_one_group(
    world: World, receiver: Receiver
) -> None:
    path = f"/v1/bodies/{city.LEAD}/groups"
    world[city.OTHER].refused(path, group(receiver), status=403)
    world[CGJ].refused(path, group(receiver), status=403)
    known = enter(world, receiver)
    assert enter(world, receiver, city.WEST, key="k2")["inbox"] == city.WEST
    world[city.LEAD].refused(f"/v1/bodies/{city.WEST}/groups", group(receiver), status=403)
    twice = world[CGJ].refused(f"/v1/bodies/{CGJ}/groups", group(receiver), status=409)
    assert "twice" in twice["detail"]
    world[city.OTHER].refused(f"{path}/{known['id']}/end", status=403)
    world[city.LEAD].post(f"{path}/{known['id']}/end")
    assert world[city.LEAD].get(path)["groups"] == []
    refusal(world[city.LEAD].send("POST", f"{path}/{known['id']}/end"), 404)
    assert world[CGJ].post(f"/v1/bodies/{CGJ}/groups", group(receiver))["inbox"] == CGJ


@pytest.mark.system(32)
def test_orders_go_to_bodies_of_the_case_that_have_a_group(
    world: World, receiver: Receiver
) -> None:
    case = filed(world)
    path = f"/v1/cases/{case}/group-orders"
    none = world["supervision"].refused(path, {"body": city.LEAD}, status=409)
    assert "no group" in none["detail"]
    enter(world, receiver, CGJ, key="k2")
    stranger = world["supervision"].refused(path, {"body": CGJ}, status=409)
    assert "no part" in stranger["detail"]
    enter(world, receiver, kinds=["reminder"])
    world["supervision"].refused(path, {"body": city.LEAD}, status=409)
    far = world.person(Role.STREET, city.OTHER)
    far.refused(path, {"body": city.LEAD}, status=403)
    world[CGJ].refused(path, {"body": city.LEAD}, status=403)


@pytest.mark.system(32)
def test_a_reminder_of_a_limit_is_said_in_the_thread_of_its_case(
    world: World, receiver: Receiver, deliver: Deliver, city_session: Session, own_rules: Path
) -> None:
    from gridsvc.cases.systems.reminders.service import notice_limits
    from tests import cities

    enter(world, receiver, kinds=["reminder"])
    filed(world)
    limit = city_session.scalar(text("select limit_at from case_file"))
    rules = cities.city(procedures_dir=own_rules)
    notice_limits(city_session, rules, now=limit - dt.timedelta(minutes=5))
    notice_limits(city_session, rules, now=limit - dt.timedelta(minutes=4))
    city_session.commit()
    deliver(limit)
    said = texts(receiver)
    assert len(said) == 1, "two rules remind of the same limit in the same words"
    assert said[0].startswith("【提醒】第1号")
    assert "请注意办理时限" in said[0]


@pytest.mark.system(32)
def test_a_hot_spot_is_an_alarm_in_the_groups_that_hear_alarms(
    world: World, receiver: Receiver, deliver: Deliver
) -> None:
    enter(world, receiver, kinds=["alarm"])
    enter(world, receiver, key="k2", kinds=["reminder"])
    filed(world)
    world.open("supervision", "hot_spot", **{"class": city.BUILDING})
    deliver(world.clock.now)
    assert texts(receiver), "the street was told"
    assert all(one.startswith("【告警】") for one in texts(receiver))
    assert "热力告警" in texts(receiver)[0]
    assert {one.path.rpartition("=")[2] for one in receiver.requests} == {"k1"}
