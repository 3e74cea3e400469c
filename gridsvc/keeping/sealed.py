"""Files that only a passphrase opens: compressed, then encrypted in chunks (AES-256-GCM).

A file begins with eight letters, the salt of the passphrase (scrypt) and a salt of its own (HKDF).
Each chunk is its length and its ciphertext; the nonce counts the chunks and says which is the last,
so that a file that was cut, or whose chunks were swapped, is found.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gridsvc.errors import BadFile
from gridsvc.whole import written_whole

_MAGIC = b"gridsvc1"
_SALT_BYTES = 16
_CHUNK_BYTES = 2**20
_LENGTH = struct.Struct(">I")
_NONCE = struct.Struct(">3xQB")


class Seal:
    """A passphrase, and the keys that come of it; each salt costs half a second once."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase.encode()
        self._roots: dict[bytes, bytes] = {}
        self._salt: bytes | None = None

    @contextmanager
    def writing(self, path: Path) -> Iterator[IO[bytes]]:
        """A stream into a sealed file, which is there whole at the end or not at all."""
        if self._salt is None:
            self._salt = secrets.token_bytes(_SALT_BYTES)
        own = secrets.token_bytes(_SALT_BYTES)
        with written_whole(path) as raw:
            raw.write(_MAGIC + self._salt + own)
            chunks = _Sealing(raw, self._cipher(self._salt, own))
            with pa.CompressedOutputStream(pa.PythonFile(chunks, mode="w"), "zstd") as packed:
                yield packed
            chunks.finish()

    @contextmanager
    def reading(self, path: Path) -> Iterator[IO[bytes]]:
        """A stream out of a sealed file. Raises BadFile for another passphrase, or a change."""
        with path.open("rb") as raw:
            head = raw.read(len(_MAGIC) + 2 * _SALT_BYTES)
            if len(head) < len(_MAGIC) + 2 * _SALT_BYTES or not head.startswith(_MAGIC):
                raise BadFile(f"{path} is not a sealed file of gridsvc.")
            salt, own = head[len(_MAGIC) : -_SALT_BYTES], head[-_SALT_BYTES:]
            opened = _Opening(raw, self._cipher(salt, own), path)
            with pa.CompressedInputStream(pa.PythonFile(opened, mode="r"), "zstd") as unpacked:
                yield io.BufferedReader(_Readable(unpacked), _CHUNK_BYTES)

    def _cipher(self, salt: bytes, own: bytes) -> AESGCM:
        if salt not in self._roots:
            kdf = Scrypt(salt=salt, length=32, n=2**16, r=8, p=1)
            self._roots[salt] = kdf.derive(self._passphrase)
        info = b"gridsvc backup"
        return AESGCM(HKDF(SHA256(), 32, salt=own, info=info).derive(self._roots[salt]))


class _Sealing(io.RawIOBase):
    """Encrypts what is written to it, in chunks of one size but for the last."""

    def __init__(self, raw: IO[bytes], cipher: AESGCM) -> None:
        self._raw, self._cipher = raw, cipher
        self._held, self._n = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        self._held += content
        while len(self._held) > _CHUNK_BYTES:
            self._put(self._held[:_CHUNK_BYTES], last=False)
            del self._held[:_CHUNK_BYTES]
        return len(content)

    def finish(self) -> None:
        """Encrypt the rest."""
        self._put(self._held, last=True)

    def _put(self, chunk: bytearray, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_NONCE.pack(self._n, last), bytes(chunk), None)
        self._raw.write(_LENGTH.pack(len(sealed)) + sealed)
        self._n += 1


class _Opening(io.RawIOBase):
    """Decrypts a file chunk by chunk."""

    def __init__(self, raw: IO[bytes], cipher: AESGCM, path: Path) -> None:
        self._raw, self._cipher, self._path = raw, cipher, path
        self._held, self._n, self._ended = b"", 0, False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        parts = []
        wanted = size if size >= 0 else 2**63
        while wanted and (self._held or not self._ended):
            if not self._held:
                self._held = self._next()
            part, self._held = self._held[:wanted], self._held[wanted:]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def _next(self) -> bytes:
        head = self._raw.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        sealed = self._raw.read(length) if length <= _CHUNK_BYTES + 16 else b""
        following = self._raw.peek(1) if isinstance(self._raw, io.BufferedReader) else b""
        self._ended = not following
        try:
            nonce = _NONCE.pack(self._n, self._ended)
            self._n += 1
            return self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag:
            raise BadFile(
                f"{self._path} cannot be opened: the passphrase is another one, or the file was cut"
                " or changed."
            ) from None


class _Readable(io.RawIOBase):
    """A stream of pyarrow as those of Python are."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
