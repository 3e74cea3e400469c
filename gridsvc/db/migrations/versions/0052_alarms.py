"""Alarms of hot places, and the daily scans that raised them.

Revision ID: 0052
Revises: 0051
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("watch", sa.String(length=40), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("cells", sa.String(length=9), nullable=False),
        sa.Column("places", JSONB(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("statistic", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("alpha", sa.Float(), nullable=False),
        sa.Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column(
            "geometry", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False
        ),
        sa.Column("street_code", sa.String(length=9), nullable=True),
        sa.Column("community_code", sa.String(length=12), nullable=True),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_code", sa.String(length=5), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("again_of", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_alarm_days_in_order")),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_alarm")),
    )
    op.create_index("ix_alarm_id", "alarm", ["id"])
    op.create_index("ix_alarm_geometry", "alarm", ["geometry"], postgresql_using="gist")
    op.create_index("ix_alarm_watch", "alarm", ["district_code", "watch", "last_day"])
    op.create_table(
        "alarm_scan",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("watch", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cells", sa.String(length=9), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("alpha", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("calibrated_on", sa.Date(), nullable=True),
        sa.Column("raised", sa.Integer(), nullable=False),
        sa.Column("chronic", JSONB(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "watch", "day", name=op.f("pk_alarm_scan")),
    )
    # What is hot where is a layer that everybody may see.
    op.execute("grant select on alarm to gridsvc_public")


def downgrade() -> None:
    op.drop_table("alarm_scan")
    op.drop_table("alarm")
