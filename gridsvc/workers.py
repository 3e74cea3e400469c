"""Dear work in processes of its own: it ends with its time, its memory, or its client.

GEOS cannot be stopped from outside, and a thread that runs it cannot be ended. So what strangers
send, where it is not small, is worked on by a process that may be killed; see
:mod:`gridsvc.worker_process`. Processes are started when they are needed, kept while there is work,
and leave by themselves.
"""

from __future__ import annotations

import atexit
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from select import POLLIN, poll
from typing import Any

from gridsvc.errors import QueryTooBroad, Unavailable

#: Seconds of a core, and bytes beyond its own, that one piece of work may take.
CPU_S, MEMORY_BYTES = 2.0, 200_000_000
_AT_ONCE = 2
_LONGEST_WAIT_S = 5.0
#: A core that others use as well gives less; then, too, the work ends.
_LONGEST_S = 15.0
_STARTING_S = 30.0
_LOOK_EVERY_MS = 50


class ClientGone(Exception):
    """Whoever asked has left; nobody reads an answer."""


class Workers:
    """A few processes, each with one piece of work at a time."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def run(
        self, work: Callable[..., Any], *given: Any, gone: threading.Event | None = None
    ) -> Any:
        """What ``work`` (a function of a module) gives for what can be pickled, or raises.

        Raises QueryTooBroad when it takes too much, ClientGone when ``gone`` is set, Unavailable
        when all processes stay busy.
        """
        if not self._places.acquire(timeout=_LONGEST_WAIT_S):
            raise Unavailable("The service is busy with other geometry; send this again shortly.")
        try:
            with self._lock:
                alive = [one for one in self._idle if one.is_alive]
                worker = alive.pop() if alive else _Worker()
                self._idle = alive
            try:
                found = worker.answer(work, given, gone)
            except BaseException:
                worker.end()
                raise
            with self._lock:
                self._idle.append(worker)
        finally:
            self._places.release()
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """End the processes that wait for work."""
        with self._lock:
            for worker in self._idle:
                worker.end()
            self._idle = []


class _Worker:
    """One process: it reads pickled work and writes pickled answers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gridsvc.worker_process", str(CPU_S), str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._is_ready = False

    @property
    def is_alive(self) -> bool:
        """Whether it still waits for work."""
        return self._process.poll() is None

    def answer(
        self, work: Callable[..., Any], given: tuple[Any, ...], gone: threading.Event | None
    ) -> Any:
        """What the work gave, or the exception that it raised."""
        if not self._is_ready:
            self._wait(_STARTING_S, gone)
            pickle.load(self._stdout)
            self._is_ready = True
        try:
            pickle.dump((work, given), self._stdin)
            self._stdin.flush()
            self._wait(_LONGEST_S, gone)
            return pickle.load(self._stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            raise _too_dear() from None

    def _wait(self, seconds: float, gone: threading.Event | None) -> None:
        until = time.monotonic() + seconds
        answers = poll()  # select() takes no file of a number above 1,023
        answers.register(self._stdout, POLLIN)
        while not answers.poll(_LOOK_EVERY_MS):
            if gone is not None and gone.is_set():
                raise ClientGone
            if time.monotonic() > until:
                raise _too_dear()

    def end(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    @property
    def _stdout(self) -> Any:
        return self._process.stdout


def _too_dear() -> QueryTooBroad:
    return QueryTooBroad(
        f"This geometry takes more than {CPU_S:g} seconds or {MEMORY_BYTES // 1_000_000} MB to work"
        " on; send fewer vertices, a smaller outline, or ask for a higher level.",
        field="geometry",
    )


#: Those of this process; none runs until it is needed.
workers = Workers()
atexit.register(workers.close)
