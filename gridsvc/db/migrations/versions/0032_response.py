"""Callbacks say whether the responsible unit contacted the citizen.

What was asked before stays as it is, and is read as it was.

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "callback", sa.Column("reading", sa.String(7), nullable=False, server_default="hotline")
    )
    op.alter_column("callback", "reading", server_default=None)
    op.add_column("callback", sa.Column("unit_contacted", sa.Boolean()))
    op.create_check_constraint(
        op.f("ck_callback_unit_contacted_when_asked"),
        "callback",
        "(reading = 'unit' and contacted) = (unit_contacted is not null)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_callback_unit_contacted_when_asked"), "callback")
    op.drop_column("callback", "unit_contacted")
    op.drop_column("callback", "reading")
