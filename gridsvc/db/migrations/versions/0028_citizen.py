"""Offices have a telephone, which citizens are told.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("body", sa.Column("telephone", sa.String(40)))


def downgrade() -> None:
    op.drop_column("body", "telephone")
