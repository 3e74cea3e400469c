"""The log of all traces: leaves, nodes of its tree, signed checkpoints; none is ever changed.

The entries of the last moments are found by the smallest of indexes, since they are written in the
order of their time.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_ROLE = "gridsvc_service"
_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "log_leaf",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(length=60), nullable=False),
        sa.Column("first_entry", sa.Integer(), nullable=False),
        sa.Column("last_entry", sa.Integer(), nullable=False),
        sa.Column("entry_hashes", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "octet_length(entry_hashes) = 32 * (last_entry - first_entry + 1)",
            name=op.f("ck_log_leaf_a_hash_an_entry"),
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_log_leaf")),
    )
    op.create_index("ix_log_leaf_chain", "log_leaf", ["chain", "last_entry"])
    op.create_table(
        "log_node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name=op.f("pk_log_node")),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_at", _WHEN, nullable=False),
        sa.Column("covers_until", _WHEN, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )
    for table in ("log_leaf", "log_node", "log_checkpoint"):
        op.execute(f"revoke update, delete, truncate on {table} from {_ROLE}")
    with unguarded("a city may have written ten million entries"):
        op.create_index(
            "ix_trace_written_at",
            "trace",
            ["written_at"],
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        )


def downgrade() -> None:
    op.drop_index("ix_trace_written_at", "trace")
    for table in ("log_checkpoint", "log_node", "log_leaf"):
        op.drop_table(table)
