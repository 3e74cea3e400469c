"""Duties and agreements are ended and edited: what took whose place, and why.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_CHANGED = ("duty", "agreement")


def upgrade() -> None:
    for table in _CHANGED:
        op.add_column(table, sa.Column("replaces", sa.Uuid()))
        op.add_column(table, sa.Column("reason", sa.String()))
        op.add_column(table, sa.Column("end_reason", sa.String()))
        op.create_index(
            f"ix_{table}_replaces",
            table,
            ["replaces"],
            postgresql_where=sa.text("replaces is not null"),
        )
    op.create_index("ix_duty_body", "duty", ["body_code"])
    op.execute("grant select on duty, agreement_duty to gridsvc_public")


def downgrade() -> None:
    op.execute("revoke select on duty, agreement_duty from gridsvc_public")
    op.drop_index("ix_duty_body", "duty")
    for table in _CHANGED:
        op.drop_index(f"ix_{table}_replaces", table)
        for column in ("end_reason", "reason", "replaces"):
            op.drop_column(table, column)
