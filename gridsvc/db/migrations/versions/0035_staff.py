"""The register of staff, and where they serve.

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("shifts", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.String(length=100), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "role in ('inspector', 'grid_worker', 'posted_officer', 'chief', 'contact_point')",
            name=op.f("ck_staff_role_known"),
        ),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_staff_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["body_code"], ["body.code"], name=op.f("fk_staff_body_code_body")),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_staff")),
    )
    op.create_index("ix_staff_id", "staff", ["id"])
    op.create_index(
        "uq_staff_period", "staff", ["district_code", "code", "valid_from"], unique=True
    )
    op.create_index("ix_staff_subject", "staff", ["subject"])
    op.create_index("ix_staff_body", "staff", ["body_code"])
    op.create_table(
        "staff_place",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=11), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.CheckConstraint(
            "kind in ('area', 'unit_grid', 'social_grid')", name=op.f("ck_staff_place_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "staff_id"],
            ["staff.district_code", "staff.id"],
            name=op.f("fk_staff_place_district_code_staff"),
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "staff_id", "kind", "code", name=op.f("pk_staff_place")
        ),
    )
    op.create_index("ix_staff_place_area", "staff_place", ["district_code", "area_code"])


def downgrade() -> None:
    op.drop_table("staff_place")
    op.drop_table("staff")
