"""The process that keeps the private PostGIS server: run by its path, needs only the library.

It starts the server, restarts it when it crashes, and stops it when nobody uses it any more.
A user of the server is a process that holds a shared ``flock`` on ``users``; the kernel lets
go of it however the process ends, so that even ``kill -9`` of the last user stops the server.
The file ``keep`` makes the server stay without users. The guardian itself holds ``guardian``
for as long as it lives, and the server dies with it where ``setpriv`` exists.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_TICK_S = 0.2
_ORPHAN_S = 300.0
_RESTARTS = 20
_STEADY_S = 60.0


def main(home: Path, command: list[str]) -> int:
    """Keep ``command`` running for the users of ``home``; returns the server's exit status."""
    # Closed in this order from the right: who gets `users` finds no guardian any more.
    with (home / "users").open("r+") as users, (home / "guardian").open("r+") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        if os.fork():
            os._exit(0)  # whoever started this goes on; the lock lives in the child
        mine.write(f"{os.getpid()}\n")
        mine.flush()
        told_to_stop: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: told_to_stop.append(received))

        restarts = 0
        end_orphan(home / "data")
        server, begun = subprocess.Popen(command), time.monotonic()
        while True:
            time.sleep(_TICK_S)
            if told_to_stop or _abandoned(home, users.fileno()):
                server.send_signal(signal.SIGINT)  # a fast shutdown: clients are disconnected
                return server.wait()
            status = server.poll()
            if status is None:
                continue
            # Without a port it never was ready: the reason is not a crash.
            if not (home / "port").exists() or restarts == _RESTARTS:
                return status
            restarts = 1 if time.monotonic() - begun > _STEADY_S else restarts + 1
            time.sleep(min(0.1 * 2**restarts, 3.0))  # longer where it ends again and again
            end_orphan(home / "data")
            server, begun = subprocess.Popen(command), time.monotonic()


def _abandoned(home: Path, users: int) -> bool:
    """Whether nobody uses the server and nobody asked to keep it, or its folder is gone."""
    try:
        if (home / "users").stat().st_ino != os.fstat(users).st_ino:
            return True
    except OSError:
        return True
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if (home / "keep").exists():
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    return True  # the lock stays: whoever comes now waits until the server has stopped


def end_orphan(data: Path) -> None:
    """Stop a server that outlived its guardian; make the lock file of a dead one harmless.

    Its backends are ended too: they hold the memory that the next server needs.
    PostgreSQL takes the number in ``postmaster.pid`` for a live server when any process of
    the same user bears it, be it a zombie or, as is common in containers, quite another one.
    The command line tells better.
    """
    pid_file = data / "postmaster.pid"
    try:
        number, rest = pid_file.read_text().split("\n", 1)
        pid = int(number)
    except (OSError, ValueError):
        return
    if not Path("/proc/self/cmdline").exists():
        return  # nothing to tell by: PostgreSQL's own check must do
    until = time.monotonic() + _ORPHAN_S
    if str(data) in _command_line(pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        while time.monotonic() < until and str(data) in _command_line(pid):
            time.sleep(0.05)
    elif pid_file.exists():
        # It does not mind the number of its parent; the rest of the file, by which it finds
        # backends that are still alive, must stay.
        new = pid_file.with_suffix(".new")
        new.write_text(f"{os.getpid()}\n{rest}")
        new.chmod(0o600)
        owner = data.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
        new.replace(pid_file)
    while time.monotonic() < until and (backends := _processes_in(data)):
        for backend in backends:
            with suppress(ProcessLookupError):
                os.kill(backend, signal.SIGTERM)
        time.sleep(0.05)


def _processes_in(data: Path) -> list[int]:
    """The processes of PostgreSQL that work in the data folder, as all of a server do."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == data:
                found.append(int(process.name))
    return [pid for pid in found if "postgres" in _command_line(pid).split("\0")[0]]


def _command_line(pid: int) -> str:
    """The command line of a process, empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
