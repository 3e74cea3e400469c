"""What is personal can be erased.

The words of a trace lie beside its content, which holds their hashes; those of a report have a
salted hash in its trace. The service may erase words and change nothing else of a trace.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from gridsvc.db.columns import SERVICE_ROLE

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


def downgrade() -> None:
    op.drop_column("evidence", "original_erased_at")
    op.drop_column("report", "erased_at")
    op.drop_column("report", "words_salt")
    for table, column in _ERASABLE:
        op.execute(f"revoke update ({column}) on {table} from {SERVICE_ROLE}")
    op.drop_column("trace", "words")
