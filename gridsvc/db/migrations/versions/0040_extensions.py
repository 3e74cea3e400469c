"""Bodies ask for extensions, which command grants or refuses.

Revision ID: 0040
Revises: 0039
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "extension_asked",
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("body_code", sa.String(18), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_at", _WHEN, nullable=False),
        sa.Column("limit_at", _WHEN, nullable=False),
        sa.Column("granted", sa.Boolean()),
        sa.Column("decided_at", _WHEN),
        sa.CheckConstraint(
            "(granted is null) = (decided_at is null)",
            name=op.f("ck_extension_asked_decision_has_date"),
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name="fk_extension_asked_district_code_case_file",
        ),
        sa.PrimaryKeyConstraint("district_code", "case_id", "n", name=op.f("pk_extension_asked")),
    )
    op.create_index(
        "ix_extension_asked_undecided",
        "extension_asked",
        ["district_code", "limit_at"],
        postgresql_where=sa.text("granted is null"),
    )


def downgrade() -> None:
    op.drop_table("extension_asked")
