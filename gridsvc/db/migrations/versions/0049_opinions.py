"""What streets say of the year of the bodies that they called.

Revision ID: 0049
Revises: 0048
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.roles import SERVICE_ROLE

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "yearly_opinion",
        sa.Column("street_code", sa.String(9), nullable=False),
        sa.Column("body_code", sa.String(18), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("given_by", sa.String(100), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "score between 0 and 100", name=op.f("ck_yearly_opinion_score_of_hundred")
        ),
        sa.ForeignKeyConstraint(
            ["body_code"], ["body.code"], name=op.f("fk_yearly_opinion_body_code_body")
        ),
        sa.PrimaryKeyConstraint("street_code", "body_code", "year", name=op.f("pk_yearly_opinion")),
    )
    op.create_index("ix_yearly_opinion_body", "yearly_opinion", ["body_code", "year"])
    op.execute(f"revoke update, delete, truncate on yearly_opinion from {SERVICE_ROLE}")


def downgrade() -> None:
    op.drop_table("yearly_opinion")
