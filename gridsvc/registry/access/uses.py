"""When tokens were last used: noted in memory, written every so often, so that no request waits."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

from sqlalchemy.orm import Session, sessionmaker

from gridsvc.callers import Caller
from gridsvc.db.base import transaction
from gridsvc.errors import Unavailable
from gridsvc.registry.access.repository import note_uses

_EVERY_S = 30.0


class Uses:
    """The uses of one process that are not yet written; one that is lost with it is not missed."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._noted: dict[uuid.UUID, tuple[Caller, dt.datetime]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="uses", daemon=True)

    def note(self, caller: Caller, at: dt.datetime) -> None:
        """Remember that a token was used just now."""
        self._noted[caller.token_id] = (caller, at)

    def watch(self) -> None:
        """Write from now on what is noted, in a thread."""
        self._thread.start()

    def write(self) -> None:
        """Write what was noted since the last time; kept for the next when nobody answers."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            with transaction(self._sessions) as session:
                note_uses(session, list(noted.values()))
        except Unavailable:
            self._noted = noted | self._noted

    def close(self) -> None:
        """Write the last of it, and end the thread."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self.write()

    def _keep_writing(self) -> None:
        while not self._over.wait(_EVERY_S):
            self.write()
