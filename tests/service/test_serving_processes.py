"""``gridsvc serve``: it answers when it says so; its processes end with the one that began them."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from gridsvc.callers import Role
from tests.service.conftest import TOKEN_KEY, report, token_of
from tests.waiting import GRIDSVC, PATIENCE_S, Command, wait_until


def _is_free(port: int) -> bool:
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            again.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("workers", [1, 2])
def test_it_says_where_it_serves_once_it_answers_and_after_a_kill_nobody_answers_on(
    workers: int, city_database: str, tmp_path: Path
) -> None:
    server = Command(
        [*GRIDSVC, "serve", "--port", "0", "--workers", workers],
        environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(tmp_path)},
        own_session=True,
    )
    try:
        port = int(server.says(r"serves http://127\.0\.0\.1:(\d+)/map")[1])
        for _ in range(4 * workers):  # each on a connection of its own, so of any process
            answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_S)
            assert answer.status_code == 200
        server.process.kill()
        wait_until(lambda: _is_free(port))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_is_told(workers: int, city_database: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Command(
            [*GRIDSVC, "serve", "--port", taken.getsockname()[1], "--workers", workers],
            environment={"DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(tmp_path)},
        )
        try:
            server.says(r"(?i)address already in use")
            assert server.wait() != 0
            assert "serves http" not in server.said
        finally:
            server.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_is_logged_without_what_people_sent(
    workers: int, city_database: str, city_engine: Engine, tmp_path: Path
) -> None:
    server = Command(
        [*GRIDSVC, "serve", "--port", "0", "--workers", workers],
        environment={
            "DATABASE_URL": city_database,
            "GRIDSVC_VAR_DIR": str(tmp_path),
            "GRIDSVC_TOKEN_KEY": TOKEN_KEY,
        },
    )
    try:
        port = int(server.says(r"serves http://127\.0\.0\.1:(\d+)/map")[1])
        with city_engine.begin() as connection:
            connection.execute(text("alter table message rename to message_away"))
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/reports",
            json=report(-300, reporter={"name": "Li", "phone": "13800001111"}),
            headers={"Authorization": f"Bearer {token_of(Role.CITIZEN)}"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 500
        server.says(r"request failed.*(?s:.*)UndefinedTable")
    finally:
        server.kill()
    for private in ("13800001111", TOKEN_KEY, answer.request.headers["Authorization"]):
        assert private not in server.said
