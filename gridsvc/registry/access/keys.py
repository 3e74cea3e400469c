"""The service's secret keys: from a setting, else made once and kept in ``var/keys``."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gridsvc.errors import Unavailable

_BYTES = 32


def secret_key(folder: Path, name: str, given: str | None) -> bytes:
    """A key of 32 bytes.

    ``given`` (64 hexadecimal digits) wins; otherwise the key is read from ``folder/name.key``,
    which is made on first use and readable by its owner alone. Raises Unavailable.
    """
    if given is not None:
        return _from_hex(given, f"GRIDSVC_{name.upper()}_KEY")
    path = folder / f"{name}.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_hex(_BYTES))
        try:
            os.link(draft, path)  # fails when another process was first; then its key counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return _from_hex(path.read_text().strip(), str(path))


def _from_hex(value: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(value)
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise Unavailable(f"{where} must hold {2 * _BYTES} hexadecimal digits.")
    return key
