"""Powers of bodies, and what of them is delegated to streets and towns.

Revision ID: 0043
Revises: 0042
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "power",
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("classes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind in ('penalty', 'approval', 'service')", name=op.f("ck_power_kind_known")
        ),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_power_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["body_code"], ["body.code"], name=op.f("fk_power_body_code_body")),
        sa.PrimaryKeyConstraint("area_code", "code", name=op.f("pk_power")),
    )
    op.create_index("ix_power_body", "power", ["body_code"])
    op.create_table(
        "delegation",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("power_code", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("conditions", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "valid_to > valid_from", name=op.f("ck_delegation_ends_after_it_begins")
        ),
        sa.ForeignKeyConstraint(
            ["area_code", "power_code"],
            ["power.area_code", "power.code"],
            name=op.f("fk_delegation_area_code_power"),
        ),
        sa.PrimaryKeyConstraint(
            "district_code",
            "street_code",
            "area_code",
            "power_code",
            "valid_from",
            name=op.f("pk_delegation"),
        ),
    )
    op.create_index("ix_delegation_power", "delegation", ["area_code", "power_code"])
    op.execute("grant select on power, delegation to gridsvc_public")


def downgrade() -> None:
    op.drop_table("delegation")
    op.drop_table("power")
