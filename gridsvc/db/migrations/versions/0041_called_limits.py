"""What was said of the limits that called bodies have of their own is kept by body.

Revision ID: 0041
Revises: 0040
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_KEY = "pk_limit_notice"
_INDEXES = {
    "report_in_by": "reported_in_at is null and exit is null",
    "done_by": "done_at is null and exit is null",
}


def upgrade() -> None:
    op.alter_column("limit_notice", "which", type_=sa.String(9))
    op.add_column(
        "limit_notice",
        sa.Column("body_code", sa.String(18), nullable=False, server_default=""),
    )
    op.alter_column("limit_notice", "body_code", server_default=None)
    with unguarded("a city has many whistles, and many limits"):
        op.drop_constraint(op.f(_KEY), "limit_notice")
        key = ["district_code", "case_id", "which", "body_code", "limit_at", "notice"]
        op.create_primary_key(op.f(_KEY), "limit_notice", key)
        for name, waits in _INDEXES.items():
            op.create_index(
                f"ix_called_body_{name}", "called_body", [name], postgresql_where=sa.text(waits)
            )


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(f"ix_called_body_{name}", "called_body")
    op.execute("delete from limit_notice where body_code <> ''")
    op.drop_constraint(op.f(_KEY), "limit_notice")
    key = ["district_code", "case_id", "which", "limit_at", "notice"]
    op.create_primary_key(op.f(_KEY), "limit_notice", key)
    op.drop_column("limit_notice", "body_code")
    op.alter_column("limit_notice", "which", type_=sa.String(7))
