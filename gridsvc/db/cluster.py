"""The private PostGIS server: made, started, shared by several commands, stopped, removed.

Every command that needs the server *joins* it and *leaves* it; the first starts it, the last
stops it, and a guardian process (``guardian.py``) stops it when the last one was killed.
``start`` keeps it running without users until ``stop``. All that belongs to it lies in one
folder, its *home*, ``var/pg``:

=========== ====================================================================================
data        the data folder, owned by the user that PostgreSQL runs as
password    of the role ``gridsvc``, the owner, readable by the folder's owner alone
*.password  those of the service's logins (``roles.py``), the same
port        on 127.0.0.1; written when the server has answered, and tried first the next time
lock        held while somebody starts or stops the server
users       a shared lock for each process that uses it
guardian    locked by the guardian; holds its process number
keep        exists while the server is to run without users
log         of the server and its guardian
=========== ====================================================================================

Where PostgreSQL must run as another user and cannot reach ``var/pg`` (a clone below ``/root``),
``var/pg`` is a link to a folder in ``/var/lib``. There is no Unix socket: nothing of it can be
too long, stale or left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg2

from gridsvc.db.binaries import as_user, find_binaries, server_user
from gridsvc.db.home import ROLE, initialise, last_line, make_home, write_private
from gridsvc.db.roles import make_private_logins, private_password
from gridsvc.errors import Conflict, Unavailable

_GUARDIAN = Path(__file__).with_name("guardian.py")
_READY_S = 900.0  # replaying 2 GB of log after a crash takes minutes on a busy machine
_STOPPED_S = 900.0  # writing 2 GB of buffers too
_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What the private server is doing; ``port`` is None while it does not run."""

    running: bool
    kept: bool
    port: int | None
    home: Path


class PrivateCluster:
    """A PostGIS server of our own below ``var_dir``; a context manager that joins and leaves.

    ``options`` are further settings of PostgreSQL (``{"fsync": "off"}`` for a throw-away one);
    they hold for the command that starts the server. ``database`` is made when missing.
    """

    def __init__(
        self,
        var_dir: Path,
        *,
        database: str = "gridsvc",
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._place = var_dir.resolve() / "pg"
        self._database = database
        self._options = dict(options or {})
        self._using: IO[str] | None = None

    def __enter__(self) -> Self:
        self.join()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def join(self) -> None:
        """Use the server from now on, starting it if it does not run. Joining twice is once.

        Raises ``MissingPrerequisite`` without PostGIS, ``Unavailable`` if it does not start.
        """
        if self._using is not None:
            return
        home = make_home(self._place)
        with _locked(home):
            # Waits while a guardian is stopping the server, then keeps the next from doing so.
            using = (home / "users").open("r+")
            try:
                fcntl.flock(using, fcntl.LOCK_SH)
                if not (_is_guarded(home) and self._answers(home)):
                    self._start(home)
            except BaseException:
                using.close()
                raise
        self._using = using

    def leave(self) -> None:
        """Use the server no longer; the last one to leave stops it, unless it is kept."""
        if self._using is None:
            return
        home = self._place.resolve()
        with _locked(home):
            # Closed, not unlocked: a forked child may still use the server by the same lock.
            self._using.close()
            self._using = None
            _stop_if_unused(home)

    def start(self) -> None:
        """Start the server if needed and keep it running without users until ``stop``."""
        self.join()
        (self._place / "keep").touch()
        self.leave()

    def stop(self) -> None:
        """Keep the server no longer and stop it.

        Raises ``Conflict`` while other commands use it; it then stops with the last of them.
        """
        if not (self._place / "lock").exists():
            return
        home = self._place.resolve()
        with _locked(home):
            (home / "keep").unlink(missing_ok=True)
            if not _stop_if_unused(home):
                raise Conflict(
                    "The private cluster is in use by another gridsvc command; end that command"
                    " and the cluster stops with it."
                )

    def remove(self) -> None:
        """Stop the server and delete it with all its data. Raises ``Conflict`` while in use."""
        self.stop()
        home = self._place.resolve()
        if self._place.is_symlink():
            self._place.unlink()
        shutil.rmtree(home, ignore_errors=True)

    def status(self) -> ClusterStatus:
        """Whether the server runs, is kept, and where; changes nothing."""
        home = self._place.resolve()
        running = (home / "guardian").exists() and _is_guarded(home)
        port = _read_port(home) if running else None
        return ClusterStatus(port is not None, (home / "keep").exists(), port, home)

    def url(self, database: str | None = None, *, login: str = ROLE) -> str:
        """The SQLAlchemy URL of a database of the server for a login, with its password.

        Raises ``Unavailable`` if the server does not run.
        """
        home = self._place.resolve()
        port = self.status().port
        if port is None:
            raise Unavailable(
                f"The private cluster in {self._place} is not running; 'gridsvc db start' starts"
                " it."
            )
        kept = home / "password" if login == ROLE else private_password(home, login)
        name = database or self._database
        return f"postgresql+psycopg2://{login}:{kept.read_text().strip()}@127.0.0.1:{port}/{name}"

    # --- starting ----------------------------------------------------------------------------

    def _start(self, home: Path) -> None:
        initialise(home)
        before = _read_port(home)
        until = time.monotonic() + _READY_S
        while True:
            (home / "port").unlink(missing_ok=True)
            port = before or _free_port()
            said = self._launch(home, port)
            if self._answers(home, port):
                return
            complaint = _tail(home / "log", said)
            if time.monotonic() < until and "could not bind" in complaint:
                before = None  # somebody else took the port in between
            elif time.monotonic() < until and "pre-existing shared memory" in complaint:
                time.sleep(0.5)  # backends of a killed server that the guardian could not see
            else:
                raise Unavailable(
                    f"The private cluster does not start ({last_line(complaint)}); see"
                    f" {home / 'log'}."
                )

    def _launch(self, home: Path, port: int) -> int:
        """Start a guardian with its server; gives the place in the log where it begins."""
        data = home / "data"
        version = int((data / "PG_VERSION").read_text())
        settings = _settings(port) | _log_kept(home) | self._options
        command = [*as_user(server_user(data)), str(find_binaries(version).folder / "postgres")]
        command += ["-D", str(data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        log = home / "log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(home / "log.1")
        log.touch(mode=0o600)
        # Until the guardian has written its own number, there must not be an older one.
        (home / "guardian").write_text("")
        with log.open("a") as out:
            # A session of its own: Ctrl-C in the terminal is for us, not for the server.
            subprocess.run(
                [sys.executable, "-I", str(_GUARDIAN), str(home), json.dumps(command)],
                cwd="/",
                env=os.environ | {"LC_ALL": "C"},  # its complaints are read
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                check=True,
            )
            return out.seek(0, os.SEEK_END)

    def _answers(self, home: Path, port: int | None = None) -> bool:
        """Wait until the server answers and has the database; False if its guardian is gone.

        The port of a server that somebody else started is read from its home.
        """
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            known = port or _read_port(home)
            if known is not None and self._has_database(home, known):
                write_private(home / "port", str(known))
                return True
            if not _is_guarded(home):
                return False
            if known is None:  # its starter was killed before it was ready
                _end_guardian(home)
                return False
            time.sleep(0.02)
        raise Unavailable(f"The private cluster does not answer; see {home / 'log'}.")

    def _has_database(self, home: Path, port: int) -> bool:
        """Whether the server answers; the database and the logins are made on the way."""
        try:
            connection = psycopg2.connect(
                host="127.0.0.1",
                port=port,
                user=ROLE,
                password=(home / "password").read_text().strip(),
                dbname="postgres",
                connect_timeout=5,
            )
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._database])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {_quoted(self._database)}")
                make_private_logins(home, cursor)
        finally:
            connection.close()
        return True


def _settings(port: int) -> dict[str, str]:
    """The settings of PostgreSQL: durable, and sized for one city on one machine."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        # Of ten million reports' indexes what is written to fits: a tenth less work a report.
        "shared_buffers": f"{max(min(2048, memory_mb // 8), 32)}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 64)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "256MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",  # solid-state storage
        "jit": "off",  # costs 100 ms and more on the first run of each PostGIS query
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements, and details of faults, quote what reporters wrote.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_min_duration_statement": "-1",
        "log_error_verbosity": "terse",
        "fsync": "on",
        "synchronous_commit": "on",
    }


def _log_kept(home: Path) -> dict[str, str]:
    """Leave what PostgreSQL writes ahead in ``wal``, once a backup has made that folder."""
    kept = f'"{home / "wal"}/%f'
    steps = f'cp "%p" {kept}.new" && sync {kept}.new" && mv {kept}.new" {kept}"'
    return {
        "archive_mode": "on",
        "archive_command": f'test ! -d "{home / "wal"}" || ({steps})',
        "archive_timeout": "60",
        "wal_keep_size": "512MB",
    }


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_guarded(home: Path) -> bool:
    """Whether a guardian lives."""
    with (home / "guardian").open("r+") as file:
        return not _try_lock(file, fcntl.LOCK_SH)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop_if_unused(home: Path) -> bool:
    """Stop the server unless it is used or kept; whether it is stopped now.

    The caller holds ``lock`` and does not use the server itself.
    """
    until = time.monotonic() + _STOPPED_S
    with (home / "users").open("r+") as users:
        while _is_guarded(home) and time.monotonic() < until:
            if _try_lock(users, fcntl.LOCK_EX):
                if (home / "keep").exists():
                    return False
                _end_guardian(home)
                break
            if _try_lock(users, fcntl.LOCK_SH):
                return False  # others use it
            time.sleep(0.02)  # the guardian has the lock: it is stopping the server
    return True


def _end_guardian(home: Path) -> None:
    """Make the guardian stop its server, and wait for both."""
    until = time.monotonic() + _STOPPED_S
    while _is_guarded(home):
        with suppress(ProcessLookupError, ValueError):  # it has ended, or not written its number
            os.kill(int((home / "guardian").read_text()), signal.SIGTERM)
        if time.monotonic() > until:
            raise Unavailable(f"The private cluster does not stop; see {home / 'log'}.")
        time.sleep(0.02)


def _read_port(home: Path) -> int | None:
    try:
        return int((home / "port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path, start: int) -> str:
    with log.open(errors="replace") as file:
        file.seek(start)
        return file.read()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
