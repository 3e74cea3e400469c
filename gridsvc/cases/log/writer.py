"""Keeps the log written while a process serves, and its checkpoints known outside."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.cases.log.service import LogKey, write_log
from gridsvc.errors import Unavailable

_log = structlog.get_logger(__name__)

_LATECOMERS_EVERY_S = 3600.0
_PUBLISHED_WITHIN_S = 10.0


class LogWriter:
    """Writes the log every ``every_s`` seconds, in a thread of its own, until it is closed.

    Any number may run: whoever comes first writes for all. A checkpoint that could not be
    published is tried again, or the next in its place.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        key: LogKey,
        clock: Callable[[], dt.datetime],
        *,
        every_s: float,
        publish_to: str | None,
    ) -> None:
        self._sessions, self._key, self._clock = sessions, key, clock
        self._every_s, self._publish_to = every_s, publish_to
        self._unpublished: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write no more; what waits is logged by whoever starts next."""
        self._ended.set()
        self._thread.join()

    def _keep_writing(self) -> None:
        looked_back = float("-inf")
        while not self._ended.wait(self._every_s):
            latecomers = time.monotonic() - looked_back >= _LATECOMERS_EVERY_S
            try:
                note = write_log(
                    self._sessions,
                    self._key,
                    self._clock,
                    latecomers=latecomers,
                    pause=dt.timedelta(seconds=self._every_s / 2),
                )
            except (SQLAlchemyError, Unavailable) as error:
                _log.warning("the log could not be written", reason=str(error))
                continue
            if latecomers:
                looked_back = time.monotonic()
            self._unpublished = note or self._unpublished
            self._publish()

    def _publish(self) -> None:
        if self._unpublished is None or self._publish_to is None:
            return
        import httpx  # rare

        try:
            publish(self._unpublished, self._publish_to)
        except (OSError, httpx.HTTPError) as error:
            _log.warning("a checkpoint could not be published", reason=str(error))
        else:
            self._unpublished = None


def publish(note: str, where: str) -> None:
    """Append a checkpoint to a file, or send it by POST to an address.

    Raises OSError, httpx.HTTPError.
    """
    if where.startswith(("http://", "https://")):
        import httpx  # rare

        headers = {"Content-Type": "text/plain; charset=utf-8"}
        sent = httpx.post(
            where, content=note.encode(), headers=headers, timeout=_PUBLISHED_WITHIN_S
        )
        sent.raise_for_status()
        return
    with Path(where).open("a", encoding="utf-8") as file:
        file.write(f"{note}\n")
        file.flush()
        os.fsync(file.fileno())
