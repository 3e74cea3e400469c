"""How the log and its proofs look outside the service."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from pydantic import Field

from gridsvc.answers import Answer

_HASHES = "SHA-256 hashes, hexadecimal, in the order of RFC 9162."


class CheckpointAnswer(Answer):
    """The log at a moment."""

    size: int = Field(description="Leaves of the log.")
    made_at: dt.datetime
    covers_until: dt.datetime = Field(description="What was written until then is in the log.")
    note: str = Field(description="The signed checkpoint: keep it, and hold the log to it later.")


class LogAnswer(Answer):
    """The log of all traces."""

    origin: str
    public_key: str = Field(description="Signs every checkpoint: name+hash+key.")
    every_s: float = Field(description="What is written is logged after so long.")
    checkpoint: CheckpointAnswer | None


class CheckpointPage(Answer):
    """Checkpoints, the smallest first."""

    checkpoints: list[CheckpointAnswer]
    next: int | None = Field(description="The 'after' of the next page.")


class ConsistencyAnswer(Answer):
    """The proof that the log only grew."""

    first: int
    second: int
    path: list[str] = Field(description=_HASHES)


class InclusionAnswer(Answer):
    """The proof that a leaf is in the log."""

    leaf_index: int
    leaf_hash: str
    size: int
    path: list[str] = Field(description=_HASHES)


class EntryProved(Answer):
    """An entry of a trace."""

    case_id: uuid.UUID
    n: int
    hash: str
    columns: dict[str, Any] | None = Field(
        description="What the hash is of; for callers who may read the case."
    )


class LeafProved(Answer):
    """Where the entry is in the log."""

    index: int
    text: str = Field(description="What the leaf is the hash of; it has the entry's hash.")
    path: list[str] = Field(description=_HASHES)
    size: int
    checkpoint: str = Field(description="The signed checkpoint of that many leaves.")
    public_key: str


class ReceiptProof(Answer):
    """The proof that a report was recorded, or when there will be one."""

    receipt: str
    entry: EntryProved
    logged: bool
    due_at: dt.datetime | None = Field(description="When it will be logged, if it is not yet.")
    proof: LeafProved | None
