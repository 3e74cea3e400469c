"""Residents by age and unit grid, births, moves, and places that care for children.

Revision ID: 0054
Revises: 0053
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resident_count",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("grid_code", sa.String(length=8), nullable=False),
        sa.Column("age", sa.Integer(), nullable=False),
        sa.Column("residents", sa.Integer(), nullable=False),
        sa.CheckConstraint("age between 0 and 120", name=op.f("ck_resident_count_age_of_people")),
        sa.CheckConstraint("residents >= 0", name=op.f("ck_resident_count_residents_not_negative")),
        sa.PrimaryKeyConstraint(
            "district_code", "year", "grid_code", "age", name=op.f("pk_resident_count")
        ),
    )
    op.create_table(
        "resident_move",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("age", sa.Integer(), nullable=False),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("went", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "came >= 0 and went >= 0", name=op.f("ck_resident_move_moves_not_negative")
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "year", "street_code", "age", name=op.f("pk_resident_move")
        ),
    )
    op.create_table(
        "birth_count",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("births", sa.Integer(), nullable=False),
        sa.CheckConstraint("births >= 0", name=op.f("ck_birth_count_births_not_negative")),
        sa.PrimaryKeyConstraint(
            "district_code", "year", "street_code", name=op.f("pk_birth_count")
        ),
    )
    op.create_table(
        "care_place",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("reach_m", sa.Float(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("seats >= 0", name=op.f("ck_care_place_seats_not_negative")),
        sa.CheckConstraint("reach_m > 0", name=op.f("ck_care_place_reach_positive")),
        sa.CheckConstraint(
            "valid_to is null or valid_to > valid_from",
            name=op.f("ck_care_place_ends_after_it_begins"),
        ),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_care_place")),
    )


def downgrade() -> None:
    for table in ("care_place", "birth_count", "resident_move", "resident_count"):
        op.drop_table(table)
