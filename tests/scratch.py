"""What tests throw away: folders of servers, in memory where there is plenty, and databases."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from gridsvc.db import PrivateCluster
from tests.waiting import wait_until

__all__ = ["copy_of", "server_folder"]

_MEMORY = Path("/dev/shm")
#: Twice what the servers of a whole run have been seen to take.
_ROOM_BYTES = 8 * 2**30


def server_folder(prefix: str) -> Path:
    """A new folder that PostgreSQL's user can reach; pytest's own folders are closed to it.

    A test's copy of a database takes a third of the time in memory.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if _memory_is_roomy() else None))
    folder.chmod(0o755)
    return folder


@contextmanager
def copy_of(cluster: PrivateCluster, template: str) -> Iterator[str]:
    """The URL of a copy of a database that nobody is connected to; dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    url = make_url(cluster.url("postgres"))
    connection = psycopg2.connect(url.set(drivername="postgresql").render_as_string(False))
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        yield cluster.url(name)
        _wait_until_left(cursor, name)
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        connection.close()


def _wait_until_left(cursor: Any, name: str) -> None:
    """End what is still connected. PostgreSQL would look again after 100 ms, this after two."""

    def is_left() -> bool:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        return bool(cursor.rowcount == 0)

    wait_until(is_left, tick_s=0.002)


def _memory_is_roomy() -> bool:
    try:
        room = shutil.disk_usage(_MEMORY).free
        available = re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())
    except OSError:  # another system than Linux
        return False
    free = int(available[1]) * 1024 if available else 0
    return os.access(_MEMORY, os.W_OK) and min(room, free) >= _ROOM_BYTES
