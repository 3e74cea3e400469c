"""Social grids: another layer beside the unit grids.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "social_grid",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("parent_code", sa.String(length=20), nullable=True),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("level in (1, 2)", name=op.f("ck_social_grid_level_known")),
        sa.CheckConstraint(
            "(level = 2) = (parent_code is not null)",
            name=op.f("ck_social_grid_level_2_has_parent"),
        ),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_social_grid")),
    )
    op.create_index("ix_social_grid_area", "social_grid", ["area_code"])


def downgrade() -> None:
    op.drop_table("social_grid")
