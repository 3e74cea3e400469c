"""``Idempotency-Key``: a repeated write gets its first answer, and nothing happens twice."""

from __future__ import annotations

import threading

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal, report


def send(person, body, key):
    return person.send("POST", "/v1/reports", json=body, headers={"Idempotency-Key": key})


def test_a_repeated_report_gets_the_same_answer_and_is_filed_once(citizen, city_session):
    first = send(citizen, report(-300), "phone-7")
    kept = city.counts(city_session)
    second = send(citizen, report(-300), "phone-7")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert city.counts(city_session) == kept
    assert kept["report"] == 1


def test_another_report_under_the_same_key_is_refused(citizen, city_session):
    send(citizen, report(-300), "phone-7")
    kept = city.counts(city_session)
    problem = refusal(send(citizen, report(-301), "phone-7"), 409)
    assert problem["type"] == "urn:gridsvc:problem:idempotency-mismatch"
    assert problem["field"] == "Idempotency-Key"
    assert city.counts(city_session) == kept


def test_the_same_report_written_in_another_order_is_the_same_request(citizen, city_session):
    body = report(-300)
    first = send(citizen, body, "k")
    again = send(citizen, dict(reversed(list(body.items()))), "k")
    assert again.json() == first.json()


def test_a_key_used_for_another_route_is_refused(citizen):
    filed = send(citizen, report(-8), "k").json()
    answer = citizen.send(
        "POST",
        f"/v1/reports/{filed['id']}/confirm",
        json={"street": city.LEAD},
        headers={"Idempotency-Key": "k"},
    )
    refusal(answer, 409)


def test_a_refused_request_does_not_use_its_key_up(citizen, city_session):
    refusal(send(citizen, report(-300, **{"class": "99999"}), "k"), 422)
    assert not any(city.counts(city_session).values())
    assert send(citizen, report(-300), "k").status_code == 201


def test_two_holders_of_a_key_do_not_meet(as_, city_session):
    # Citizens' tokens are of one make; a phone's own numbers are no secret.
    first, second = as_(Role.CITIZEN), as_(Role.CITIZEN)
    mine = send(first, report(-300), "1").json()
    yours = send(second, report(-900), "1")
    assert yours.status_code == 201
    assert yours.json()["receipt"] != mine["receipt"]


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_of_no_or_too_many_characters_is_refused(citizen, key):
    problem = refusal(send(citizen, report(-300), key), 422)
    assert problem["field"] == "Idempotency-Key"


def test_of_requests_under_one_key_at_the_same_moment_one_writes(citizen, city_session):
    answers = []
    start = threading.Barrier(5)

    def file() -> None:
        start.wait()
        answers.append(send(citizen, report(-300), "k"))

    threads = [threading.Thread(target=file) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    kept = city.counts(city_session)
    assert (kept["report"], kept["case_file"], kept["idempotency_key"]) == (1, 1, 1)


def test_reports_at_the_same_moment_at_one_place_open_one_case(citizen, city_session):
    start = threading.Barrier(5)
    answers = []

    def file(n: int) -> None:
        start.wait()
        answers.append(citizen.send("POST", "/v1/reports", json=report(-300 - n)))

    threads = [threading.Thread(target=file, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 5
    assert city.counts(city_session)["case_file"] == 1
