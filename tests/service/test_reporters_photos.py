"""Photos that reporters add to their reports: for the staff, and for all once a body shows them."""

from __future__ import annotations

import io
import socket

import pytest
from PIL import Image
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.procedures_world import Clock, World, register
from tests.unit.cases.systems.evidence.photos import photo

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def filed(world):
    return world["citizen"].report(-300)


def _path(filed):
    return f"/v1/reports/{filed['receipt']}/photos"


def _add(client, filed, raw, secret=None):
    headers = JPEG | {"Receipt-Secret": secret or filed["secret"]}
    return client.post(_path(filed), content=raw, headers=headers)


def _of_case(world, case):
    return world["supervision"].get(f"/v1/cases/{case}/evidence")["evidence"]


def _own(client, filed):
    secret = {"Receipt-Secret": filed["secret"]}
    return client.get(f"/v1/reports/{filed['receipt']}", headers=secret).json()["outcome"]["photos"]


def _close(world, case):
    steps = f"/v1/cases/{case}/steps"
    for step in ("handle", "feed_back"):
        world[city.LEAD].post(steps, {"step": step, "note": "done"})
    for step in ("verify", "assess"):
        scored = {"step": step, "note": "seen", "evidence": {"score": 90}}
        world["supervision"].post(steps, scored)


def test_the_staff_see_a_reporters_photo_and_nobody_else_does(world, client, filed):
    added = _add(client, filed, photo())
    assert added.status_code == 201, added.text
    (kept,) = _of_case(world, filed["case_id"])
    assert (kept["id"], kept["report_id"]) == (added.json()["id"], filed["id"])
    assert kept["given_by"].startswith("citizen:")
    assert added.json()["url"] == f"{_path(filed)}/{kept['id']}"
    refusal(client.get(added.json()["url"]), 404)
    assert client.get(f"/v1/reports/{filed['receipt']}").json()["outcome"]["photos"] == []
    assert [one["id"] for one in _own(client, filed)] == [kept["id"]]
    mine = client.get(added.json()["url"], headers={"Receipt-Secret": filed["secret"]})
    assert Image.open(io.BytesIO(mine.content)).getexif() == {}
    assert mine.headers["cache-control"] == "no-store"
    history = client.get(f"/v1/reports/{filed['receipt']}").json()["outcome"]["history"]
    assert history[-1]["said"] == "You added a photo."


def test_everybody_sees_a_reporters_photo_once_a_body_shows_it_in_its_answer(world, client, filed):
    url = _add(client, filed, photo()).json()["url"]
    shown = {"public_answer": "The wall is down.", "before": url.rpartition("/")[2]}
    step = {"step": "handle", "note": "done", "evidence": shown}
    world[city.LEAD].post(f"/v1/cases/{filed['case_id']}/steps", step)
    picture = client.get(url)
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).getexif() == {}


def test_a_photo_is_added_by_whoever_filed_the_report(world, client, filed):
    by_token = world["citizen"].send("POST", _path(filed), content=photo(), headers=JPEG)
    assert by_token.status_code == 201
    refusal(_add(client, filed, photo(), secret="guessed"), 403)
    stranger = world.person(Role.CITIZEN, subject="somebody else")
    refusal(stranger.send("POST", _path(filed), content=photo(), headers=JPEG), 403)
    assert len(_of_case(world, filed["case_id"])) == 1


def test_a_guessed_secret_is_refused_before_the_photo_is_sent(client, filed):
    host, port = client.base_url.host, client.base_url.port
    head = (
        f"POST {_path(filed)} HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n"
        "Receipt-Secret: guessed\r\nContent-Length: 9000000\r\n\r\n"
    )
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


def test_a_telephones_photo_of_some_megabytes_is_taken_by_the_secret_alone(client, filed):
    # Padding behind the end of the picture: as large as photos are, and made in no time.
    large = photo() + bytes(3_000_000)
    assert _add(client, filed, large).status_code == 201
    anonymous = client.post(_path(filed), content=large, headers=JPEG)
    refusal(anonymous, 413)


def test_what_is_not_a_photo_is_refused(client, filed):
    refusal(_add(client, filed, b"no photo"), 422)
    refusal(_add(client, filed, b""), 422)


def test_a_report_has_no_more_photos_than_the_setting_says(serve, city_engine):
    client = serve(max_report_photos=2)
    register(city_engine)
    world = World(client, Clock())
    filed = world["citizen"].report(-300)
    sizes = [(60, 40), (61, 40), (61, 40), (62, 40)]
    answers = [_add(client, filed, photo(size=size)) for size in sizes]
    # The third is the second again, and counts once.
    assert [one.status_code for one in answers] == [201, 201, 201, 409]
    assert "2 photos" in answers[-1].json()["detail"]
    assert len(_of_case(world, filed["case_id"])) == 2


def test_a_closed_case_takes_no_photo(world, client, filed):
    _close(world, filed["case_id"])
    assert "reopened" in refusal(_add(client, filed, photo()), 409)["detail"]


def test_photos_go_with_the_report_into_the_case_that_goes_on(world, client, filed):
    old = _add(client, filed, photo()).json()
    _close(world, filed["case_id"])
    why = {"reason": "it stands again"}
    new = world["citizen"].post(f"/v1/reports/{filed['receipt']}/reopen", why)["case_id"]
    (kept,) = _of_case(world, new)
    assert kept["report_id"] == filed["id"]
    assert kept["id"] != old["id"]
    assert [one["id"] for one in _own(client, filed)] == [kept["id"]]
    assert [one["id"] for one in _of_case(world, filed["case_id"])] == [old["id"]]
    for case in (new, filed["case_id"]):
        assert world["supervision"].get(f"/v1/cases/{case}/trace/verify")["intact"]


def test_the_originals_are_erased_with_the_report_in_all_its_cases(
    world, client, filed, city_session
):
    _add(client, filed, photo())
    _close(world, filed["case_id"])
    why = {"reason": "it stands again"}
    new = world["citizen"].post(f"/v1/reports/{filed['receipt']}/reopen", why)["case_id"]
    _close(world, new)
    erasing = {"secret": filed["secret"], "reason": "I ask for it"}
    answer = client.post(f"/v1/reports/{filed['receipt']}/erase", json=erasing)
    assert answer.status_code == 200, answer.text
    rows = city_session.execute(text("select original_erased_at, point from evidence")).all()
    assert [(one.original_erased_at is None, one.point) for one in rows] == [(False, None)] * 2


@pytest.mark.parametrize("written", ["{0}{1}", "{0} {1}", " {0}-{1}", "{0}－{1}", "low", "wide"])
def test_every_route_knows_a_receipt_however_it_is_written(client, filed, written):
    first, second = filed["receipt"].split("-")
    wide = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})
    said = {
        "low": filed["receipt"].lower(),
        "wide": filed["receipt"].translate(wide),
    }.get(written, written.format(first, second))
    secret = {"secret": filed["secret"]}
    named = [
        client.get(f"/v1/reports/{said}"),
        client.post(f"/v1/reports/{said}/additions", json={"text": "more", **secret}),
        client.post(f"/v1/reports/{said}/own", json=secret),
        client.post(f"/v1/reports/{said}/confirm", json={"street": city.LEAD, **secret}),
        client.post(f"/v1/reports/{said}/verdict", json={"solved": True, **secret}),
    ]
    assert [one.status_code for one in named] == [200, 200, 200, 409, 409], named[3].text
