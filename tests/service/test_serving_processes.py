"""``gridsvc serve --workers``: the processes that answer end with the one that started them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _free(port: int) -> bool:
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            again.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _within(seconds: float, comes: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not (came := comes()) and time.monotonic() < until:
        time.sleep(0.1)
    return came


def test_after_a_kill_nobody_answers_on_and_the_port_is_free(
    city_database: str, tmp_path: Path
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIDSVC_")}
    environment = {**kept, "DATABASE_URL": city_database, "GRIDSVC_VAR_DIR": str(tmp_path)}
    command = "from gridsvc.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "serve", "--port", "0", "--workers", "2"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            assert server.stderr is not None
            named = next(m for line in server.stderr if (m := re.search(r":(\d+)/map", line)))
            port = int(named[1])
            assert _within(60, lambda: _answers(port)), "the server did not become ready"
            server.kill()
            assert _within(20, lambda: _free(port)), "somebody answers on"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
