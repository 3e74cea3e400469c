"""Campaigns with targets by street, temporary posts, called cases, and their history.

Revision ID: 0048
Revises: 0047
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.roles import SERVICE_ROLE

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_WHEN = sa.DateTime(timezone=True)


def _of_campaign(table: str, *key: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f(f"fk_{table}_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", *key, name=op.f(f"pk_{table}")),
    ]


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("area_code", sa.String(9), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("classes", sa.ARRAY(sa.String(5)), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("goal", sa.String(9), nullable=False),
        sa.Column("headquarters", sa.String(18), nullable=False),
        sa.Column("made_at", _WHEN, nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_campaign_days_in_order")),
        sa.ForeignKeyConstraint(
            ["headquarters"], ["body.code"], name=op.f("fk_campaign_headquarters_body")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index("ix_campaign_days", "campaign", ["district_code", "last_day"])
    op.create_table(
        "campaign_target",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.String(9), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("sub_headquarters", sa.String(18), nullable=False),
        sa.CheckConstraint("target >= 0", name=op.f("ck_campaign_target_not_negative")),
        sa.ForeignKeyConstraint(
            ["sub_headquarters"],
            ["body.code"],
            name=op.f("fk_campaign_target_sub_headquarters_body"),
        ),
        *_of_campaign("campaign_target", "street_code"),
    )
    op.create_table(
        "campaign_post",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("staff_district", sa.String(6), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.String(9)),
        sa.Column("post", sa.String(100), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_campaign_post_days_in_order")),
        sa.ForeignKeyConstraint(
            ["staff_district", "staff_id"],
            ["staff.district_code", "staff.id"],
            name=op.f("fk_campaign_post_staff_district_staff"),
        ),
        *_of_campaign("campaign_post", "n"),
    )
    op.create_index("ix_campaign_post_staff", "campaign_post", ["staff_district", "staff_id"])
    op.create_table(
        "campaign_case",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("case_district", sa.String(6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("called_at", _WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_district", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name=op.f("fk_campaign_case_case_district_case_file"),
        ),
        *_of_campaign("campaign_case", "case_district", "case_id"),
    )
    op.create_index("ix_campaign_case_case", "campaign_case", ["case_district", "case_id"])
    op.create_table(
        "campaign_change",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(20), nullable=False),
        sa.Column("street_code", sa.String(9)),
        sa.Column("before", postgresql.JSONB(none_as_null=True)),
        sa.Column("after", postgresql.JSONB(none_as_null=True)),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", _WHEN, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        *_of_campaign("campaign_change", "n"),
    )
    op.execute(f"revoke update, delete, truncate on campaign_change from {SERVICE_ROLE}")


def downgrade() -> None:
    for name in ("change", "case", "post", "target"):
        op.drop_table(f"campaign_{name}")
    op.drop_table("campaign")
