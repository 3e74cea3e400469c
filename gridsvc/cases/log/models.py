"""The log: its leaves, the nodes of its tree that are kept, its signed checkpoints."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class LogLeaf(Base):
    """Some entries of one chain that follow each other, with the head as the last of them.

    ``n`` counts from 0 without a gap. ``entry_hashes`` are 32 bytes for each entry from
    ``first_entry`` on; ``hash`` is that of the leaf. Never updated or deleted.
    """

    __tablename__ = "log_leaf"
    __table_args__ = (
        CheckConstraint(
            "octet_length(entry_hashes) = 32 * (last_entry - first_entry + 1)", "a_hash_an_entry"
        ),
        Index("ix_log_leaf_chain", "chain", "last_entry"),
    )

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chain: Mapped[str] = mapped_column(String(60))
    first_entry: Mapped[int]
    last_entry: Mapped[int]
    entry_hashes: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogNode(Base):
    """A whole subtree of the log, of a level that is kept (``merkle.py``)."""

    __tablename__ = "log_node"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A signed checkpoint; ``note`` is the whole of it."""

    __tablename__ = "log_checkpoint"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    covers_until: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    note: Mapped[str]
