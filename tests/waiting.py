"""Waiting in tests: for the thing itself, as long as a very busy machine may need for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, text

__all__ = ["GRIDSVC", "PATIENCE_S", "Command", "slowness", "wait_until", "wait_until_blocked"]

#: Only what never happens takes so long.
PATIENCE_S = 600.0
#: The words that run ``gridsvc`` as a user does.
GRIDSVC = (sys.executable, "-c", "from gridsvc.cli import main; main()")


def wait_until(holds: Callable[[], object], *, tick_s: float = 0.02) -> None:
    """Wait until it holds; asked again and again, so it should cost little."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(tick_s)


def wait_until_blocked(engine: Engine, thread: threading.Thread) -> None:
    """Wait until the thread's transaction in this database waits for a lock of another one."""
    blocked = text(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and cardinality(pg_blocking_pids(pid)) > 0"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_until(lambda: connection.scalar(blocked) or not thread.is_alive())


def _foreign() -> dict[str, str]:
    """The environment without what the service reads."""
    ours = ("GRIDSVC_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def slowness() -> float:
    """How many times as long as alone on this machine a piece of work takes now, 1 or more.

    Figures of a quiet machine are multiplied by it where the machine may be busy with others.
    """
    spin_s = 0.2
    began, end = time.monotonic(), time.thread_time() + spin_s
    while time.thread_time() < end:
        pass
    return max(1.0, (time.monotonic() - began) / spin_s)


class Command:
    """A process; what it says is kept, and waited for line by line.

    Its settings are those of ``environment``: a user's own database is never touched.
    """

    def __init__(
        self,
        words: Sequence[object],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        own_session: bool = False,
    ) -> None:
        self.process = subprocess.Popen(
            [str(word) for word in words],
            env={**_foreign(), **(environment or {})},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=own_session,
        )
        #: What it has said until now, on both outputs, and on standard output alone.
        self.said, self.answer = "", ""
        self._more = threading.Condition()
        self._listeners = [
            threading.Thread(target=self._listen, args=(output,), daemon=True)
            for output in (self.process.stdout, self.process.stderr)
        ]
        self._listening = len(self._listeners)
        for listener in self._listeners:
            listener.start()

    def says(self, pattern: str) -> re.Match[str]:
        """Wait until it has said this; fails with its words as soon as it has ended without."""
        with self._more:
            self._more.wait_for(
                lambda: not self._listening or re.search(pattern, self.said), timeout=PATIENCE_S
            )
            found = re.search(pattern, self.said)
            assert found, f"it did not say {pattern!r}, but:\n{self.said}"
            return found

    def hear(self, line: str) -> None:
        """Let it read a line, the last one."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.close()

    def wait(self) -> int:
        """Wait for its end; gives the exit status."""
        status = self.process.wait(PATIENCE_S)
        for listener in self._listeners:
            listener.join(PATIENCE_S)
        return status

    def kill(self) -> None:
        """End it at once, if it has not ended, and close what it was spoken to by."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _listen(self, output: IO[str]) -> None:
        with output as lines:
            for line in lines:
                with self._more:
                    self.said += line
                    if output is self.process.stdout:
                        self.answer += line
                    self._more.notify_all()
        with self._more:
            self._listening -= 1
            self._more.notify_all()
