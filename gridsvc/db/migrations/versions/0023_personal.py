"""What is personal can be erased, and who read it is kept in a chain.

The words of a trace lie beside its content, which holds their hashes; those of a report have a
salted hash in its trace. The service may erase words and change nothing else of a trace.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from gridsvc.db.columns import SERVICE_ROLE, only_add

revision = "0023"
down_revision = "0022"

#: What may be erased in tables to which the service may else only add.
_ERASABLE = (("trace", "words"), ("callback", "reason"))
_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("trace", sa.Column("words", JSONB()))
    for table, column in _ERASABLE:
        op.execute(f"grant update ({column}) on {table} to {SERVICE_ROLE}")
    op.add_column("report", sa.Column("words_salt", sa.String(32)))
    op.add_column("report", sa.Column("erased_at", _WHEN))
    op.add_column("evidence", sa.Column("original_erased_at", _WHEN))
    op.create_table(
        "audit_entry",
        sa.Column("n", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", _WHEN, nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit_entry")),
    )
    only_add("audit_entry")


def downgrade() -> None:
    op.drop_table("audit_entry")
    op.drop_column("evidence", "original_erased_at")
    op.drop_column("report", "erased_at")
    op.drop_column("report", "words_salt")
    for table, column in _ERASABLE:
        op.execute(f"revoke update ({column}) on {table} from {SERVICE_ROLE}")
    op.drop_column("trace", "words")
