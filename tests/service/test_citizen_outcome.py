"""What a citizen learns of a report: who has it, until when, what was done, in plain words."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.procedures_world import (
    COMMUNITY,
    Clock,
    World,
    register,
)
from tests.unit.cases.systems.evidence.photos import photo

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
NAME = "广安门外街道办事处"
SECRETS = ("Mrs Li of flat 402", "葡萄园小区4号楼402", "王小明", "5550199", "our own note")


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    with city_engine.begin() as connection:
        connection.execute(
            text("update body set telephone = '010-63261234' where code = :c"), {"c": city.LEAD}
        )
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def filed(world):
    return world["citizen"].report(
        -300,
        description="Mrs Li of flat 402 shouts at night",
        place_text="葡萄园小区4号楼402",
        reporter={"name": "王小明", "phone": "010-5550199"},
    )


def _shown(client, filed, **headers):
    answer = client.get(f"/v1/reports/{filed['receipt']}", headers=headers)
    assert answer.status_code == 200, answer.text
    for secret in SECRETS:
        assert secret not in answer.text
    return answer


def _outcome(client, filed, **headers):
    return _shown(client, filed, **headers).json()["outcome"]


def _said(outcome):
    return [one["said"] for one in outcome["history"]]


def _steps(filed):
    return f"/v1/cases/{filed['case_id']}/steps"


def test_who_has_it_since_when_until_when_and_under_which_telephone(world, client, filed):
    outcome = _outcome(client, filed)
    assert outcome["stage"] == "Handle"
    assert outcome["offices"] == [
        {
            "code": city.LEAD,
            "name": NAME,
            "telephone": "010-63261234",
            "role": "lead",
            "since": "2026-11-23T02:00:00Z",
            "deadline": "2026-12-08T02:00:00Z",
        }
    ]
    assert outcome["deadline"] == "2026-12-08T02:00:00Z"
    # A general case has 15 days for all of its steps together, whoever it is sent on to.
    assert outcome["overall_deadline"] == "2026-12-08T02:00:00Z"
    assert outcome["answers"] == []
    assert outcome["appeal"] == {
        "how": f"If it takes too long, call 12345 and name the receipt {filed['receipt']}.",
        "telephone": "12345",
    }


def test_a_case_that_is_sent_on_says_who_has_it_now_and_since_when(world, client, filed):
    world.clock.forward(hours=5)
    named = {"responsible_now": f"{city.WEST}-CGJ", "clause": "not_listed"}
    refused = {"step": "refuse", "note": "our own note", "evidence": named}
    world[city.LEAD].post(_steps(filed), refused)
    ruled = {
        "step": "rule",
        "note": "our own too",
        "evidence": {"to": f"{city.WEST}-CGJ", "reason": "so"},
    }
    world["command"].post(_steps(filed), ruled)
    outcome = _outcome(client, filed)
    office = outcome["offices"][0]
    assert (office["code"], office["since"]) == (f"{city.WEST}-CGJ", "2026-11-23T07:00:00Z")
    assert office["telephone"] is None
    assert _said(outcome)[-2:] == [
        f"{NAME} said that it is not responsible.",
        f"{office['name']} has the case from now on.",
    ]


def test_what_was_done_is_told_with_photos_without_their_metadata(world, client, filed):
    lead, raw = world[city.LEAD], photo()
    kept = [
        lead.send(
            "POST",
            f"/v1/cases/{filed['case_id']}/evidence",
            content=given,
            headers={"Content-Type": "image/jpeg"},
        ).json()["id"]
        for given in (raw, _plain(), _plain("blue"))
    ]
    world.clock.forward(days=1)
    answer = {"public_answer": "The wall is down.", "before": kept[0], "after": [kept[1]]}
    lead.post(_steps(filed), {"step": "handle", "note": "our own note", "evidence": answer})
    (told,) = _outcome(client, filed)["answers"]
    path = f"/v1/reports/{filed['receipt']}/photos/"
    assert (told["at"], told["office"]) == ("2026-11-24T02:00:00Z", NAME)
    assert (told["text"], told["result"]) == ("The wall is down.", None)
    assert [one["url"] for one in told["before"]] == [path + kept[0]]
    assert [one["url"] for one in told["after"]] == [path + kept[1]]
    picture = client.get(path + kept[0])
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).getexif() == {}
    assert Image.open(io.BytesIO(raw)).getexif() != {}
    # The third was given in the case, and published by nobody.
    refusal(client.get(path + kept[2]), 404)


def test_a_public_answer_names_nobodys_numbers(world, filed):
    for words in ("call 138 0013 8000", "110102199003074518 is the owner", ["a list"], " "):
        step = {"step": "handle", "note": "done", "evidence": {"public_answer": words}}
        problem = world[city.LEAD].refused(_steps(filed), step, status=422)
        assert problem["field"] == "evidence.public_answer"


def test_a_photo_that_is_published_is_one_of_the_case(world, filed):
    step = {"step": "handle", "note": "done", "evidence": {"after": [filed["case_id"]]}}
    problem = world[city.LEAD].refused(_steps(filed), step, status=422)
    assert problem["field"] == "evidence.after"


def test_the_history_is_told_in_the_language_that_is_asked_for(world, client, filed):
    name = NAME
    world.clock.forward(days=1)
    world["command"].post(
        _steps(filed),
        {"step": "suspend", "note": "our own note", "evidence": {"until": "2027-03-01"}},
    )
    for step in ("handle", "feed_back"):
        world[city.LEAD].post(_steps(filed), {"step": step, "note": "our own note"})
    for step in ("verify", "assess"):
        scored = {"step": step, "note": "our own note", "evidence": {"score": 90}}
        world["supervision"].post(_steps(filed), scored)
    english, chinese = _shown(client, filed), _shown(client, filed, **CHINESE)
    assert english.headers["content-language"] == "en"
    assert chinese.headers["content-language"] == "zh"
    assert "Accept-Language" in english.headers["vary"]
    assert _said(english.json()["outcome"]) == [
        f"{name} was given the case.",
        "Your report was received.",
        "It cannot be done now; work goes on on 2027-03-01.",
        "Work goes on.",
        f"{name} has handled it.",
        f"{name} reported what was done.",
        "The result was checked.",
        "The case was closed.",
    ]
    outcome = chinese.json()["outcome"]
    assert _said(outcome) == [
        f"已派给{name}办理。",
        "已收到您的反映。",
        "暂时无法办理，将于2027-03-01恢复办理。",
        "已恢复办理。",
        f"{name}已处理。",
        f"{name}已反馈处理结果。",
        "处理结果已核查。",
        "已结案。",
    ]
    assert outcome["stage"] == "已结案"
    receipt = filed["receipt"]
    assert outcome["appeal"]["how"] == (
        f"如未办结，可在2026-12-09前申请重新办理，或拨打12345，并提供回执号{receipt}。"
    )
    assert (outcome["deadline"], outcome["offices"][0]["deadline"]) == (None, None)


def test_reports_of_others_in_the_case_are_not_told(world, client, filed):
    second = world.person(Role.CITIZEN, subject="a neighbour").report(-305)
    assert second["case_id"] == filed["case_id"]
    joined = "Your report was received and joined to a case about the same thing."
    assert joined not in _said(_outcome(client, filed))
    assert _said(_outcome(client, second))[-1] == joined


def test_the_post_is_answered_to_whoever_posted_and_to_nobody_else(world, client):
    posted = world["citizen"].post(
        "/v1/cases",
        {
            "procedure": "post_48h",
            "class": city.RUBBISH,
            "location": {**city.beside_border(-300), "accuracy_m": 5},
        },
    )["report"]
    words = {"step": "answer", "note": "The tree is sick.", "evidence": {"answer": "planned"}}
    world[COMMUNITY].post(_steps(posted), words)
    path = f"/v1/reports/{posted['receipt']}"
    everybody = _outcome(client, posted)
    assert [(one["result"], one["text"]) for one in everybody["answers"]] == [("planned", None)]
    assert _said(everybody)[-2:] == [
        "一社区居委会 answered: it is planned.",
        "The case was closed.",
    ]
    by_token = world["citizen"].get(path)["outcome"]["answers"]
    by_secret = client.get(path, headers={"Receipt-Secret": posted["secret"]})
    assert by_token[0]["text"] == "The tree is sick."
    assert by_secret.json()["outcome"]["answers"] == by_token
    assert by_secret.headers["cache-control"] == "no-store"
    assert "point" in by_secret.json()["placement"]
    another = world.person(Role.CITIZEN, subject="somebody else").get(path)
    assert another["outcome"]["answers"][0]["text"] is None
    wrong = client.get(path, headers={"Receipt-Secret": "guessed"}).json()
    assert wrong["outcome"]["answers"][0]["text"] is None
    assert "point" not in wrong["placement"]


@pytest.mark.parametrize(
    "written",
    [
        lambda receipt: receipt.replace("-", ""),
        lambda receipt: receipt.lower(),
        lambda receipt: f" {receipt[:2]} {receipt[2:4]} - {receipt[5:].lower()} ",
        lambda receipt: receipt.replace("-", "\uff0d").replace("0", "O").replace("1", "l"),
    ],
)
def test_a_receipt_is_known_however_it_is_written(client, filed, written):
    found = client.get(f"/v1/reports/{written(filed['receipt'])}")
    assert found.status_code == 200, found.text
    assert found.json()["receipt"] == filed["receipt"]


def test_a_receipt_of_another_is_not_found(client, filed):
    refusal(client.get("/v1/reports/ZZZZ-ZZZZ"), 404)


def _plain(colour="green"):
    raw = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(raw, "PNG")
    return raw.getvalue()
