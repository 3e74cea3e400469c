"""Judges' contact points: one for a village or community on a day.

Revision ID: 0039
Revises: 0038
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ExcludeConstraint

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_point",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("judge_code", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "valid_to > valid_from", name=op.f("ck_contact_point_ends_after_it_begins")
        ),
        ExcludeConstraint(
            ("district_code", "="),
            ("area_code", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_contact_point_one_on_a_day",
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "area_code", "valid_from", name=op.f("pk_contact_point")
        ),
    )


def downgrade() -> None:
    op.drop_table("contact_point")
