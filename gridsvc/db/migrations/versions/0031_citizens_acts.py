"""Reports are withdrawn and reopened by whoever filed them.

Revision ID: 0031
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report", sa.Column("withdrawn_at", sa.DateTime(timezone=True)))
    none = sa.text("'[]'")
    op.add_column(
        "report", sa.Column("earlier_cases", JSONB(), nullable=False, server_default=none)
    )
    op.add_column("case_file", sa.Column("reopened_from", sa.Uuid()))
    op.create_index(
        "ix_case_file_reopened_from",
        "case_file",
        ["reopened_from"],
        postgresql_where=sa.text("reopened_from is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_case_file_reopened_from", "case_file")
    op.drop_column("case_file", "reopened_from")
    op.drop_column("report", "earlier_cases")
    op.drop_column("report", "withdrawn_at")
