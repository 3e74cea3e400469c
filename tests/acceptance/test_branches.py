"""The branches of a case, each played to its end over HTTP, as whoever reported it sees them.

What a receipt shows is read at every stage, in English and in Chinese.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from gridsvc.api.app import create_app
from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.settings import Settings
from tests.scratch import copy_of
from tests.service import joint_city as city
from tests.service.conftest import EVERYBODY, REPORTER_KEY, TOKEN_KEY, served
from tests.service.procedures_world import CGJ, Case, Clock, World, register
from tests.service.whistles_world import HERE, newest
from tests.unit.cases.systems.evidence.photos import photo

STREET, BUREAU, TELEPHONE = "广安门外街道办事处", "西城区城管执法局", "010-63261234"
_HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def made_up(
    cluster: PrivateCluster, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The service of the made-up city; its stories lie apart, so that no report joins another."""
    with copy_of(cluster, template_database) as url:
        engine = create_engine(url)
        with session_factory(engine).begin() as session:
            city.make_city(session)
            telephone = text("update body set telephone = :number where code = :code")
            session.execute(telephone, {"number": TELEPHONE, "code": city.LEAD})
        register(engine)
        engine.dispose()
        settings = Settings(
            DATABASE_URL=url,
            var_dir=tmp_path_factory.mktemp("made-up"),
            token_key=TOKEN_KEY,
            reporter_key=REPORTER_KEY,
            joint_whistle_roles=EVERYBODY,
        )
        with served(create_app(settings)) as client:
            yield client


@pytest.fixture
def world(made_up: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(made_up, Clock.held(monkeypatch))


class Receipt:
    """What a receipt shows, read in both languages, which must tell the same."""

    def __init__(self, world: World, filed: Any) -> None:
        self.world, self.receipt = world, filed["receipt"]
        self.path = f"/v1/reports/{self.receipt}"

    def read(self, language: str) -> Any:
        headers = {"Accept-Language": language}
        answer = self.world.client.get(self.path, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-language"] == language
        return answer.json()["outcome"]

    def shows(self, stage: str, stage_zh: str, said: str, said_zh: str) -> Any:
        """Check stage and newest line of the history; gives the outcome in English."""
        english, chinese = self.read("en"), self.read("zh")
        assert (english["stage"], chinese["stage"]) == (stage, stage_zh)
        told, told_zh = (
            [one["said"] for one in outcome["history"]] for outcome in (english, chinese)
        )
        assert (told[-1], told_zh[-1]) == (said, said_zh)
        assert len(told) == len(told_zh)
        assert all(_HAN.search(line) for line in told_zh)
        for name in ("offices", "deadline", "answers"):
            assert english[name] == chinese[name]
        for outcome in (english, chinese):
            assert self.receipt in outcome["appeal"]["how"]
            assert outcome["appeal"]["telephone"] == "12345"
        return english


def moment(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


def picture(world: World, case: Case, raw: bytes) -> str:
    sent = world[city.LEAD].send(
        "POST",
        f"/v1/cases/{case.id}/evidence",
        content=raw,
        headers={"Content-Type": "image/jpeg"},
    )
    assert sent.is_success, sent.text
    return str(sent.json()["id"])


def close(case: Case) -> None:
    """Supervision checks it and closes; the case then keeps a whole trace."""
    case.take("supervision", "verify", note="Seen.", closing_check="agrees")
    assert case.take("supervision", "assess", score=90)["state"] == "closed"
    assert case.intact()


def test_a_citizen_follows_a_report_from_its_check_to_the_reopened_case(world: World) -> None:
    filed = world["citizen"].report(-300, **{"class": city.NOISE})
    case, receipt = Case(world, filed["case_id"]), Receipt(world, filed)
    received = ("Your report was received.", "已收到您的反映。")
    office = receipt.shows("File", "案件建立", *received)["offices"][0]
    assert (office["name"], office["telephone"]) == (STREET, TELEPHONE)
    assert (moment(office["since"]), office["deadline"]) == (world.clock.now, None)
    case.take("supervision", "file", pre_filing_check="属实")
    receipt.shows("Dispatch", "任务派遣", "The case was filed.", "已立案。")
    case.take("command", "dispatch")
    given = (f"{STREET} was given the case.", f"已派给{STREET}办理。")
    outcome = receipt.shows("Handle", "任务处理", *given)
    assert outcome["deadline"] == outcome["offices"][0]["deadline"]
    assert moment(outcome["deadline"]) > world.clock.now

    world.clock.forward(days=1)
    before, after = (
        picture(world, case, photo(taken=taken)) for taken in (None, "2026:11:23 08:30:00")
    )
    shown = {"public_answer": "The pump is quiet.", "before": before, "after": [after]}
    case.take(city.LEAD, "handle", note="our own note", **shown)
    handled = (f"{STREET} has handled it.", f"{STREET}已处理。")
    (answer,) = receipt.shows("Feed back", "处理反馈", *handled)["answers"]
    assert (answer["office"], answer["text"]) == (STREET, "The pump is quiet.")
    assert moment(answer["at"]) == world.clock.now
    for one in (*answer["before"], *answer["after"]):
        raw = world.client.get(one["url"]).content
        assert Image.open(io.BytesIO(raw)).getexif() == {}
    case.take(city.LEAD, "feed_back", note="our own note")
    fed_back = (f"{STREET} reported what was done.", f"{STREET}已反馈处理结果。")
    receipt.shows("Verify and close", "核查结案", *fed_back)
    close(case)
    closed = receipt.shows("Closed", "已结案", "The case was closed.", "已结案。")
    assert (closed["deadline"], len(closed["answers"])) == (None, 1)
    assert closed["appeal"]["how"].startswith("If it is not done, reopen it until ")

    world.clock.forward(days=3)
    reopened = world["citizen"].post(f"{receipt.path}/reopen", {"reason": "It hums again."})
    again = Case(world, reopened["case_id"])
    assert (again.seen()["reopened_from"], case.seen()["state"]) == (case.id, "closed")
    goes_on = (
        "You said that it is not done; the case goes on with a new limit.",
        "您表示问题未办结，已重新办理并重新计时。",
    )
    new = receipt.shows("Handle", "任务处理", *goes_on)
    assert moment(new["deadline"]) > world.clock.now
    for step in ("handle", "feed_back"):
        again.take(city.LEAD, step, note="A new pump.")
    close(again)
    receipt.shows("Closed", "已结案", "The case was closed.", "已结案。")


def test_a_case_goes_on_without_the_body_that_never_comes(world: World) -> None:
    filed = world["citizen"].report(-500, **{"class": city.BUILDING})
    case, receipt = Case(world, filed["case_id"]), Receipt(world, filed)
    letter = {"demand": "Come and measure it.", "bodies": [CGJ]}
    case.approve(*letter.values())
    further = {**letter, "ground": "enforcement"}
    world[city.LEAD].post(f"/v1/cases/{case.id}/whistles", further)
    whistle = newest(case)
    called = ("Other offices were called to come.", "已召集相关单位到场。")
    receipt.shows("Handle", "任务处理", *called)
    case.take(city.LEAD, "handle", note="Measured alone.", public_answer="It was measured.")
    case.take(city.LEAD, "feed_back", note="It stands too high.")
    case.take("supervision", "verify", note="Seen.")
    waits = case.refused("supervision", "assess", score=90)
    assert waits["requirement"] == "all_reported_in"
    whistle.refused(CGJ, "score", by=city.LEAD, score=0)
    world.clock.forward(minutes=31)
    whistle.refused(CGJ, "score", by=city.LEAD, status=422, score=60)
    absent = whistle.act(CGJ, "score", by=city.LEAD, score=0)
    assert (absent["exit"], absent["score"]) == ("absent", 0)
    whistle.refused(CGJ, "accept")
    topics = [m["topic"] for m in world[CGJ].get(f"/v1/bodies/{CGJ}/inbox")["messages"]]
    assert topics[-1] == "absent"
    outcome = receipt.shows("Assess", "综合评价", "The result was checked.", "处理结果已核查。")
    assert outcome["answers"][0]["text"] == "It was measured."
    assert case.take("supervision", "assess", score=90)["state"] == "closed"
    receipt.shows("Closed", "已结案", "The case was closed.", "已结案。")
    assert (whistle.seen()["state"], case.intact()) == ("closed", True)


def test_command_rules_once_on_a_refused_refusal_and_its_ruling_stands(world: World) -> None:
    filed = world["citizen"].report(-700, **{"class": city.BUILDING})
    case, receipt = Case(world, filed["case_id"]), Receipt(world, filed)
    world.clock.forward(hours=3)
    named = {"responsible_now": CGJ, "clause": "not_listed", "note": "Not ours."}
    assert case.take(city.LEAD, "refuse", **named)["step"] == "rule"
    refused = (f"{STREET} said that it is not responsible.", f"{STREET}认为不属于本单位职责。")
    receipt.shows("Command decides who answers", "指挥中心裁定", *refused)
    case.refused(city.LEAD, "rule", 403, to=CGJ, note="Theirs.")
    case.take(
        "command", "rule", to=CGJ, note="The bureau measures first.", reason="It has the plans."
    )
    sent = (f"{BUREAU} has the case from now on.", f"已转由{BUREAU}办理。")
    office = receipt.shows("Handle", "任务处理", *sent)["offices"][0]
    assert (office["name"], moment(office["since"])) == (BUREAU, world.clock.now)
    back = {"responsible_now": city.LEAD, "clause": "not_listed", "note": "Nor ours."}
    assert "that ruling stands" in case.refused(CGJ, "refuse", **back)["detail"]
    for step in ("handle", "feed_back"):
        case.take(CGJ, step, note="Pulled down.")
    close(case)
    receipt.shows("Closed", "已结案", "The case was closed.", "已结案。")


@pytest.mark.system(7)
def test_a_whistle_by_telephone_is_written_down_later_and_costs_nobody_anything(
    world: World,
) -> None:
    def ago(hours: float) -> str:
        return (world.clock.now - dt.timedelta(hours=hours)).isoformat()

    place = {**HERE, "accuracy_m": 5}
    opened = world["worker"].post(
        "/v1/cases",
        {
            "procedure": "whistle_2",
            "class": city.RUBBISH,
            "location": place,
            "whistle": {"made_at": ago(50), "demand": "Shut the valve."},
        },
    )
    case, receipt = Case(world, opened["case"]["id"]), Receipt(world, opened["report"])
    title = "It goes on file at the street's grid centre"
    received = ("Your report was received.", "已收到您的反映。")
    outcome = receipt.shows(title, "街道网格中心登记", *received)
    office = outcome["offices"][0]
    assert (office["name"], moment(office["since"])) == (STREET, moment(ago(50)))
    assert moment(outcome["deadline"]) > world.clock.now
    case.take(city.LEAD, "register", file_number="7", at=ago(49.5))
    case.take(city.LEAD, "send", person="a person", at=ago(49.2))
    whistle, body = newest(case), city.LEAD
    whistle.act(body, "accept", at=ago(49.9))
    whistle.act(body, "report-in", at=ago(49), **HERE)
    done = whistle.act(body, "done", note="Shut.", at=ago(48))
    assert (done["late"], done["overdue"]) == (False, False)
    assert not any(one["overdue"] for one in case.seen()["hand_ins"])
    community = f"{city.LEAD}001"
    whistle.act(body, "score", by=community, score=95)
    ended = case.take(community, "close")
    assert (ended["state"], ended["overall_overdue"]) == ("closed", False)
    receipt.shows("Closed", "已结案", "The case was closed.", "已结案。")
    assert case.intact()
