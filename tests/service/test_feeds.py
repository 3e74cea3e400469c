"""Atom feeds of reports and areas: what is new, cheaply asked for, and nothing of persons."""

from __future__ import annotations

import re
import uuid
from xml.etree import ElementTree

import pytest

from gridsvc.cases.systems.following.feed import Feed
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.procedures_world import MONDAY, Clock, World, register

ATOM = "{http://www.w3.org/2005/Atom}"
SECRETS = ("Mrs Li", "葡萄园小区4号楼402", "王小明", "5550199", "our own note")


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def filed(world):
    return world["citizen"].report(
        -300,
        description="Mrs Li of flat 402 shouts at night",
        place_text="葡萄园小区4号楼402",
        reporter={"name": "王小明", "phone": "010-5550199"},
    )


def _read(client, path, **headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    for secret in SECRETS:
        assert secret not in answer.text
    assert answer.headers["content-type"].startswith("application/atom+xml")
    return answer, ElementTree.fromstring(answer.content)


def _entries(feed, name):
    return [one.findtext(ATOM + name) for one in feed.findall(f"{ATOM}entry")]


def _handle(world, filed):
    world.clock.forward(hours=1)
    step = {"step": "handle", "note": "our own note"}
    world[city.LEAD].post(f"/v1/cases/{filed['case_id']}/steps", step)


def test_a_reports_feed_is_its_history_the_newest_first(world, client, filed):
    _handle(world, filed)
    answer, feed = _read(client, f"/v1/reports/{filed['receipt'].lower()}/feed.atom")
    history = client.get(f"/v1/reports/{filed['receipt']}").json()["outcome"]["history"]
    assert _entries(feed, "title") == [one["said"] for one in reversed(history)]
    assert feed.findtext(f"{ATOM}updated") == "2026-11-23T03:00:00Z"
    assert answer.headers["last-modified"] == "Mon, 23 Nov 2026 03:00:00 GMT"
    ids = _entries(feed, "id")
    assert len(set(ids)) == len(history)
    _handle_again, later = _read(client, f"/v1/reports/{filed['receipt']}/feed.atom")
    assert _entries(later, "id") == ids
    chinese = {"Accept-Language": "zh"}
    _, feed = _read(client, f"/v1/reports/{filed['receipt']}/feed.atom", **chinese)
    assert _entries(feed, "title")[-1] in ("已收到您的反映。", "已派给广安门外街道办事处办理。")
    refusal(client.get("/v1/reports/0000-0000/feed.atom"), 404)


def test_a_reader_who_has_the_feed_is_sent_none_until_something_is_new(world, client, filed):
    path = f"/v1/reports/{filed['receipt']}/feed.atom"
    answer, _ = _read(client, path)
    tag, day = answer.headers["etag"], answer.headers["last-modified"]
    for known in ({"If-None-Match": f"W/{tag}"}, {"If-Modified-Since": day}):
        again = client.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    # A tag that is not the feed's counts more than the date.
    both = {"If-None-Match": '"another"', "If-Modified-Since": day}
    assert client.get(path, headers=both).status_code == 200
    assert client.get(path, headers={"If-Modified-Since": "yesterday"}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    _handle(world, filed)
    for known in ({"If-None-Match": tag}, {"If-Modified-Since": day}):
        assert client.get(path, headers=known).status_code == 200


@pytest.mark.parametrize("code", [city.WEST, city.LEAD, f"{city.LEAD}001"])
def test_an_areas_feed_tells_class_area_and_stage_of_its_cases(world, client, filed, code):
    world.clock.forward(hours=1)
    second = world["citizen"].report(-320, **{"class": city.RUBBISH})
    _, feed = _read(client, f"/v1/areas/{code}/feed.atom")
    assert _entries(feed, "id") == [f"urn:uuid:{one['case_id']}" for one in (second, filed)]
    assert _entries(feed, "content")[1] == "Handle"
    for title in _entries(feed, "title"):
        assert re.fullmatch(r".+ · .+", title)
    assert filed["receipt"] not in ElementTree.tostring(feed, encoding="unicode")


def test_an_areas_feed_has_nothing_of_the_others(client, filed):
    for code in (city.EAST, city.LEAD_NORTH):
        _, feed = _read(client, f"/v1/areas/{code}/feed.atom")
        assert _entries(feed, "id") == []
    refusal(client.get("/v1/areas/999999/feed.atom"), 404)
    refusal(client.get("/v1/areas/12/feed.atom"), 422)


def test_a_name_that_xml_cannot_hold_spoils_no_feed():
    feed = Feed(
        id=uuid.UUID(int=1).urn,
        title="the street\x00 of <A> & B\x1b",
        language="en",
        path="/here",
        alternate="/there",
        began=MONDAY,
        entries=[],
    )
    read = ElementTree.fromstring(feed.to_xml())
    assert read.findtext(f"{ATOM}title") == "the street\ufffd of <A> & B\ufffd"
