"""What keepers see of the service: request ids, figures for Prometheus, logs for machines."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import text

from gridsvc.callers import Role
from gridsvc.cases.core.messages.worker import Worker
from gridsvc.db import session_factory
from gridsvc.registry.bodies.service import set_webhook
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service import messages_world
from tests.service.conftest import TOKEN_KEY, refusal, report, token_of
from tests.service.joint_case import JointCase
from tests.waiting import GRIDSVC, PATIENCE_S, Command

ADMIN = {"Authorization": f"Bearer {token_of(Role.ADMIN)}"}


def figures(client: httpx.Client) -> dict[str, float]:
    """Every figure by its name with its labels, as Prometheus reads it."""
    answer = client.get("/metrics", headers=ADMIN)
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def risen(client: httpx.Client, before: dict[str, float]) -> dict[str, float]:
    """By how much each figure has risen since."""
    return {
        name: value - before.get(name, 0.0)
        for name, value in figures(client).items()
        if value != before.get(name, 0.0)
    }


def test_each_answer_has_the_id_of_its_request(client):
    assert (
        client.get("/healthz", headers={"X-Request-ID": "desk-7.a"}).headers["X-Request-ID"]
        == "desk-7.a"
    )
    ours = [client.get(path).headers["X-Request-ID"] for path in ("/healthz", "/nothing")]
    assert len(set(ours)) == 2
    for forged in ("a" * 65, "two words", "a;b", ""):
        given = client.get("/healthz", headers={"X-Request-ID": forged}).headers["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", given)


def test_the_id_of_a_report_goes_with_its_messages_to_the_webhooks_of_its_bodies(
    citizen, city_session, city_engine
):
    with messages_world.Receiver() as receiver:
        set_webhook(city_session, city.LEAD, receiver.url("hear"))
        city_session.commit()
        citizen.send("POST", "/v1/reports", json=report(-300), headers={"X-Request-ID": "phone-1"})
        worker = Worker(
            session_factory(city_engine),
            Settings(webhook_timeout_s=PATIENCE_S),
            messages_world.KEY,
            clock=lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
        )
        asyncio.run(worker.run(asyncio.Event(), once=True))
        assert {request.headers["X-Request-ID"] for request in receiver.requests} == {"phone-1"}


def test_figures_are_for_the_keepers_alone(client):
    refusal(client.get("/metrics"), 401)
    for role in (Role.CITIZEN, Role.ANALYST):
        token = {"Authorization": f"Bearer {token_of(role)}"}
        refusal(client.get("/metrics", headers=token), 403)


def test_requests_are_counted_by_their_route_and_how_they_ended(client):
    before = figures(client)
    for lon in (116.30, 116.31, 116.32):
        assert client.get("/v1/locate", params={"lon": lon, "lat": 39.8}).status_code == 200
    client.get("/v1/locate", params={"lon": "east", "lat": 39.8})
    client.get("/no/such/address")
    now = risen(client, before)
    count = 'gridsvc_request_seconds_count{{method="GET",route="{}",status="{}"}}'.format
    assert now[count("/v1/locate", 200)] == 3
    assert now[count("/v1/locate", 422)] == 1
    assert now[count("none", 404)] == 1
    assert (
        now[
            'gridsvc_request_seconds_bucket{le="+Inf",method="GET",route="/v1/locate",status="200"}'
        ]
        == 3
    )
    assert figures(client)["gridsvc_requests_in_flight"] == 1  # the question itself


def test_reports_near_a_border_and_late_arrivals_are_counted(client, citizen, city_session):
    before = figures(client)
    citizen.report(-300)
    joint = JointCase(client).agree()
    city_session.execute(
        text("update called_body set report_in_by = :past where body_code = :code"),
        {"past": joint.time - dt.timedelta(days=1), "code": city.LEAD},
    )
    city_session.commit()
    for code, who in joint.everybody().items():
        who.post(joint.body(code, "accept"))
        who.post(joint.body(code, "report-in"), city.beside_border(0))
    now = risen(client, before)
    reports = 'gridsvc_reports_total{{joined="false",near_border="{}"}}'.format
    assert (now[reports("false")], now[reports("true")]) == (1, 1)
    assert now["gridsvc_joint_whistles_total"] == 1
    arrived = 'gridsvc_report_ins_total{{late="{}"}}'.format
    assert (now[arrived("true")], now[arrived("false")]) == (1, len(joint.everybody()) - 1)
    assert now["gridsvc_messages_due"] > 0


@contextmanager
def running(database: str, folder: Path, *words: object) -> Iterator[tuple[Command, httpx.Client]]:
    server = Command(
        [*GRIDSVC, "serve", "--port", "0", *words],
        environment={
            "DATABASE_URL": database,
            "GRIDSVC_VAR_DIR": str(folder),
            "GRIDSVC_TOKEN_KEY": TOKEN_KEY,
        },
    )
    try:
        port = int(server.says(r"serves http://127\.0\.0\.1:(\d+)/map")[1])
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            yield server, client
    finally:
        server.kill()


def test_processes_that_share_a_port_add_their_figures_up(city_database, tmp_path):
    with running(city_database, tmp_path, "--workers", 2) as (_, client):
        for _ in range(8):  # each on a connection of its own, so of any process
            httpx.get(f"{client.base_url}/healthz", timeout=PATIENCE_S)
        name = 'gridsvc_request_seconds_count{method="GET",route="/healthz",status="200"}'
        assert figures(client)[name] == 8


def test_a_log_that_is_no_terminal_has_one_json_object_a_line_and_no_colours(
    city_database, tmp_path
):
    with running(city_database, tmp_path) as (server, _):
        entry = json.loads(server.says(r'(\{.*"event": "atlas ready".*\})')[1])
        assert entry["level"] == "info"
        assert dt.datetime.fromisoformat(entry["timestamp"]).utcoffset() == dt.timedelta()
    assert "\x1b" not in server.said


def test_a_keys_answer_is_forgotten_after_its_days_but_not_an_imported_reference(
    citizen, city_session, city_database, tmp_path
):
    citizen.post("/v1/reports", report(-300), key="old")
    citizen.post("/v1/reports", report(-301), key="new")
    city_session.execute(
        text(
            "update idempotency_key set created_at = created_at - interval '8 days'"
            " where key = 'old'"
        )
    )
    city_session.execute(
        text(
            "insert into idempotency_key (subject, key, request_hash, status, answer, created_at)"
            " values ('import reports', '12345-1', '', 201, '{}', now() - interval '2 years')"
        )
    )
    city_session.commit()
    worker = Command(
        [*GRIDSVC, "worker"],
        environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(tmp_path)},
    )
    try:
        worker.says("idempotency keys were forgotten")
    finally:
        worker.kill()
    kept = city_session.scalars(text("select key from idempotency_key order by key")).all()
    assert kept == ["12345-1", "new"]
