"""Checkpoints: what the log was at a moment, signed, as others read and keep them.

A checkpoint is a signed note (C2SP signed-note and tlog-checkpoint): the log's name, its number of
leaves, its root, and two lines of ours, when it was made and until when everything that was written
is in it; then an Ed25519 signature. A key is written ``name+hash+key`` as such notes have it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gridsvc.errors import BadFile

_ED25519 = b"\x01"
_NOTE = re.compile(r"(?P<text>(?:[^\n]+\n){3,})\n(?P<signatures>(?:— [^\n]+\n?)+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at a moment: ``size`` leaves under ``root``.

    Every entry that was written until ``covers_until`` is in one of them.
    """

    origin: str
    size: int
    root: bytes
    made_at: dt.datetime
    covers_until: dt.datetime

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return (
            f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
            f"made {self.made_at.isoformat()}\ncovers {self.covers_until.isoformat()}\n"
        )


def sign(checkpoint: Checkpoint, key: bytes) -> str:
    """The note of a checkpoint, signed with a key of 32 bytes."""
    signer = Ed25519PrivateKey.from_private_bytes(key)
    signature = signer.sign(checkpoint.text.encode())
    name = checkpoint.origin
    given = base64.b64encode(_key_hash(name, _public(signer)) + signature).decode()
    return f"{checkpoint.text}\n— {name} {given}\n"


def public_key(origin: str, key: bytes) -> str:
    """The public half of a log's key, as whoever checks its notes needs it."""
    public = _public(Ed25519PrivateKey.from_private_bytes(key))
    coded = base64.b64encode(_ED25519 + public).decode()
    return f"{origin}+{_key_hash(origin, public).hex()}+{coded}"


def read_notes(text: str, verifier: str) -> Iterator[Checkpoint]:
    """The checkpoints in a text that has one or several notes.

    ``verifier`` is the public key that must have signed each of them. Raises BadFile for a text
    without a note, and for a note that is not signed so.
    """
    found = list(_NOTE.finditer(text))
    if not found:
        raise BadFile("This has no checkpoint; give one as /v1/log/checkpoint answers it.")
    for note in found:
        checkpoint = _read(note["text"])
        if not _signed(note["text"], note["signatures"], verifier):
            raise BadFile(
                f"The checkpoint of {checkpoint.size} leaves is not signed by {verifier}; it was"
                " altered, or belongs to another log."
            )
        yield checkpoint


def _read(text: str) -> Checkpoint:
    try:
        origin, size, coded, *more = text.splitlines()
        told = dict(line.split(" ", 1) for line in more)
        return Checkpoint(
            origin,
            int(size),
            base64.b64decode(coded, validate=True),
            dt.datetime.fromisoformat(told["made"]),
            dt.datetime.fromisoformat(told["covers"]),
        )
    except (ValueError, KeyError):
        raise BadFile(
            "This is not a checkpoint of a gridsvc log; give one as /v1/log/checkpoint answers it."
        ) from None


def _signed(text: str, signatures: str, verifier: str) -> bool:
    try:
        name, key_hash, coded = verifier.split("+", 2)
        public = base64.b64decode(coded, validate=True)[1:]
        key = Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise BadFile(f"'{verifier}' is not a public key; write it as /v1/log gives it.") from None
    for line in signatures.splitlines():
        _, signer, given = line.split(" ", 2)
        signature = base64.b64decode(given)
        if signer != name or signature[:4].hex() != key_hash:
            continue
        try:
            key.verify(signature[4:], text.encode())
        except InvalidSignature:
            return False
        return True
    return False


def _public(signer: Ed25519PrivateKey) -> bytes:
    return signer.public_key().public_bytes_raw()


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
