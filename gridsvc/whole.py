"""Files and folders that are there whole or not at all, whatever ends the machine."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gridsvc.errors import StorageFull

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is written and safe on the disk.

    Raises StorageFull, and nothing is left.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with draft.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        if is_full(error):
            raise full() from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    force(path.parent)


def force(folder: Path) -> None:
    """Make the names in a folder safe on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def is_full(error: BaseException) -> bool:
    """Whether this says that there is no room on a disk."""
    return isinstance(error, OSError) and error.errno in _FULL


def full() -> StorageFull:
    """What is then told."""
    return StorageFull(
        "There is no room left on a disk of the service; nothing was changed. Make room, then try"
        " again."
    )
