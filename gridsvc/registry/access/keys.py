"""The service's secret keys, from a setting or kept in ``var/keys``, and what is sealed with them.

A setting or a file may hold several keys: the first is the one in use, the others are older ones,
which are still read by until what they sealed is sealed anew.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gridsvc.errors import Conflict, Unavailable
from gridsvc.whole import force, written_whole

_BYTES = 32


class KeyRing:
    """The keys of one name, the one in use first; those of a file are read again when it changes.

    ``given`` (64 hexadecimal digits, older keys after a comma) wins; otherwise the keys stand in
    ``folder/name.key``, one a line, which is made on first use and readable by its owner alone.
    """

    def __init__(self, folder: Path, name: str, given: str | None) -> None:
        self._path = folder / f"{name}.key"
        self._name = f"GRIDSVC_{name.upper()}_KEY"
        self._given = None if given is None else _from_hex(given.split(","), self._name)
        self._read: _Read | None = None

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every key of 32 bytes, the one in use first. Raises Unavailable."""
        if self._given is not None:
            return self._given
        read = self._read
        try:
            stamp = _stamp(self._path)
        except FileNotFoundError:
            if read is not None:
                # What another key sealed from now on would look like what this one did.
                raise Unavailable(f"{self._path} is gone; restore it from a backup.") from None
            _make(self._path)
            stamp = _stamp(self._path)
        except OSError as error:
            raise _unreadable(self._path, error) from None
        if read is None or read.stamp != stamp:
            try:
                lines = self._path.read_text().split()
            except OSError as error:
                raise _unreadable(self._path, error) from None
            read = self._read = _Read(stamp, _from_hex(lines, str(self._path)))
        return read.keys

    @property
    def current(self) -> bytes:
        """The key in use."""
        return self.keys[0]

    def begin_rotation(self) -> None:
        """Put a new key first, unless one is being taken into use already.

        Raises Conflict for a setting, which whoever set it must change.
        """
        if self._given is not None:
            if len(self._given) > 1:
                return
            raise Conflict(
                f"The key comes from {self._name}; put a new one before it, with a comma between,"
                " restart every process, and try again."
            )
        if len(self.keys) == 1:
            self._write((secrets.token_bytes(_BYTES), *self.keys))

    def end_rotation(self) -> None:
        """Forget the older keys of a file; those of a setting are for whoever set it."""
        if self._given is None:
            self._write(self.keys[:1])

    def _write(self, keys: tuple[bytes, ...]) -> None:
        with written_whole(self._path) as out:
            out.write("".join(f"{key.hex()}\n" for key in keys).encode())


class _Read(NamedTuple):
    stamp: tuple[int, int, int]
    keys: tuple[bytes, ...]


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def secret_key(folder: Path, name: str, given: str | None) -> bytes:
    """A key of 32 bytes.

    ``given`` (64 hexadecimal digits) wins; otherwise the key is read from ``folder/name.key``,
    which is made on first use and readable by its owner alone. Raises Unavailable.
    """
    return KeyRing(folder, name, given).current


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}")
    with written_whole(draft) as out:
        out.write(secrets.token_hex(_BYTES).encode())
    try:
        os.link(draft, path)  # fails when another process was first; then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    force(path.parent)


def _unreadable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{path} cannot be read ({error.strerror}); run as the user that owns it.")


def _from_hex(values: list[str], where: str) -> tuple[bytes, ...]:
    try:
        keys = tuple(bytes.fromhex(value) for value in values)
    except ValueError:
        keys = ()
    if not keys or any(len(key) != _BYTES for key in keys):
        raise Unavailable(f"{where} must hold {2 * _BYTES} hexadecimal digits.")
    return keys


def seal(key: bytes, contact: Mapping[str, Any]) -> bytes:
    """The contact, encrypted (Fernet) with a key of 32 bytes."""
    return _fernet(key).encrypt(json.dumps(dict(contact), ensure_ascii=False).encode())


def unseal(key: bytes, sealed: bytes, *older: bytes) -> dict[str, Any]:
    """The contact that :func:`seal` encrypted with one of the keys. Raises Unavailable."""
    try:
        ring = MultiFernet([_fernet(one) for one in (key, *older)])
        contact: dict[str, Any] = json.loads(ring.decrypt(sealed))
    except InvalidToken:
        raise Unavailable("The contact was sealed with another key; restore var/keys.") from None
    return contact


def _fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))
