"""The demand letter of whistles of every level and of joint ones; and rates per street."""

from __future__ import annotations

import re

import pytest

from tests.service import joint_city as city
from tests.service.joint_case import JointCase
from tests.service.procedures_world import CGJ, GZ, Clock, World
from tests.service.whistles_world import newest, published, register_departments


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register_departments(city_engine)
    return World(client, Clock.held(monkeypatch))


def letter(client, whistle_id: str) -> str:
    answer = client.get(f"/v1/whistles/{whistle_id}/letter")
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def words(page: str) -> str:
    shown = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"<[^>]+>|\s+", " ", shown)


@pytest.mark.system(8)
def test_the_letter_names_bodies_tasks_limits_the_place_and_who_confirmed(client, world):
    demand = {"task": "Come & clear <it>.", "tasks": {GZ: "Measure it."}, "place": "the gate"}
    said = words(letter(client, published(world, demand=demand).id))
    for word in (
        *("需求函", "三级哨", "日常哨", "需多部门联合执法", "the gate", "the main leader"),
        *("西城区城管执法局", "西城区规划分局", "Come &amp; clear &lt;it&gt;.", "Measure it."),
        *("广安门外街道", "02000002", "暴露垃圾", "2026-11-23 10:30", "2026-11-30 10:00"),
        *("110102-CGJ answers for 0601", "named by the caller", "200 m", "116.31"),
    ):
        assert word in said, word


def test_the_letter_of_a_small_whistle_by_telephone_says_so(client, world):
    made = {"made_at": "2026-11-23T00:30:00Z", "demand": "Shut the valve."}
    said = words(letter(client, newest(world.open("worker", "whistle_1", whistle=made)).id))
    for word in ("一级哨", "Shut the valve.", "事后补录", "2026-11-23 08:30", "一社区居委会"):
        assert word in said, word


def test_a_joint_whistle_has_its_letter_with_the_plan_and_the_footprint(client):
    case = JointCase(client).agree()
    said = words(letter(client, case.whistle.rpartition("/")[2]))
    for word in ("跨区吹哨", "Pull it down.", "at the building", "footprint", "太平桥街道办事处"):
        assert word in said, word


def test_a_letter_whose_time_lies_outside_the_calendar_is_shown_without_it(client):
    case = JointCase(client)
    case.lead.post(case.steps, {"step": "receiving_meeting", "evidence": {"minutes": "We."}})
    demand = {"demand": {"task": "Pull it down.", "time": "0001-01-01T00:00:00+23:00"}}
    case.lead.post(case.steps, {"step": "whistle_other_side", "evidence": demand})
    assert "Pull it down." in words(letter(client, case.whistle.rpartition("/")[2]))


def test_the_letter_asks_nothing_of_any_host_and_tells_no_reporters_words(client, world):
    case = world.open(city.LEAD, "whistle_3", description="secret words")
    case.take(city.LEAD, "classify", kind="emergency", ground="emergency")
    case.take(city.LEAD, "publish", demand="Come.", bodies=[CGJ])
    page = letter(client, newest(case).id)
    loads = re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']([^"']*)""", page)
    loads += re.findall(r"""url\(["']?([^"')]*)""", page)
    assert [it for it in loads if not it.startswith(("data:", "#default"))] == []
    assert "secret words" not in page


def test_there_is_no_letter_of_no_whistle(client):
    assert client.get("/v1/whistles/00000000-0000-7000-8000-000000000000/letter").status_code == 404
