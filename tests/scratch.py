"""Where servers of tests keep their data: in memory where there is plenty, else on the disk."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

__all__ = ["server_folder"]

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


def _memory_is_roomy() -> bool:
    try:
        room = shutil.disk_usage(_MEMORY).free
        available = re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())
    except OSError:  # another system than Linux
        return False
    free = int(available[1]) * 1024 if available else 0
    return os.access(_MEMORY, os.W_OK) and min(room, free) >= _ROOM_BYTES
