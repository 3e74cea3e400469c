"""A called body that came too far off has arrived, and reports in once it is signed in.

Revision ID: 0038
Revises: 0037
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("called_body", sa.Column("arrived_at", sa.DateTime(timezone=True)))
    op.execute("update called_body set arrived_at = reported_in_at")


def downgrade() -> None:
    op.drop_column("called_body", "arrived_at")
