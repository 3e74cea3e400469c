"""Messages name the request that wrote them; what is given up or kept under a key is found.

Revision ID: 0025
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("request_id", sa.String(64)))
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
    op.create_index(
        "ix_message_given_up", "message", ["id"], postgresql_where=sa.text("state = 'given_up'")
    )


def downgrade() -> None:
    op.drop_index("ix_message_given_up", "message")
    op.drop_index("ix_idempotency_key_created_at", "idempotency_key")
    op.drop_column("message", "request_id")
