"""Segments of lanes, their chiefs and wardens, patrols, and the reports that went to them.

Revision ID: 0053
Revises: 0052
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_SEGMENT = ["lane_segment.district_code", "lane_segment.code"]


def _of_segment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["district_code", "segment_code"],
        _SEGMENT,
        name=op.f(f"fk_{table}_district_code_lane_segment"),
    )


def upgrade() -> None:
    op.create_table(
        "lane_segment",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("beside", ARRAY(sa.String(length=9)), nullable=False),
        sa.Column("length_m", sa.Float(), nullable=False),
        sa.Column(
            "geometry", Geometry("LINESTRING", srid=4326, spatial_index=False), nullable=False
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "valid_to > valid_from", name=op.f("ck_lane_segment_ends_after_it_begins")
        ),
        sa.CheckConstraint("length_m > 0", name=op.f("ck_lane_segment_has_length")),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_lane_segment")),
    )
    op.create_index(
        "ix_lane_segment_street", "lane_segment", ["district_code", "street_code", "code"]
    )
    op.create_index(
        "ix_lane_segment_geometry", "lane_segment", ["geometry"], postgresql_using="gist"
    )
    op.create_table(
        "lane_keeper",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("segment_code", sa.String(length=30), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("role in ('chief', 'warden')", name=op.f("ck_lane_keeper_role_known")),
        sa.CheckConstraint(
            "valid_to >= valid_from", name=op.f("ck_lane_keeper_ends_after_it_begins")
        ),
        ExcludeConstraint(
            ("district_code", "="),
            ("segment_code", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_lane_keeper_one_chief_on_a_day",
            where=sa.text("role = 'chief'"),
        ),
        _of_segment("lane_keeper"),
        sa.PrimaryKeyConstraint(
            "district_code",
            "segment_code",
            "staff_code",
            "valid_from",
            name=op.f("pk_lane_keeper"),
        ),
    )
    op.create_index("ix_lane_keeper_staff", "lane_keeper", ["district_code", "staff_code"])
    op.create_table(
        "lane_patrol",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("walked_m", sa.Float(), nullable=False),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint(
            "ended_at > started_at", name=op.f("ck_lane_patrol_ends_after_it_begins")
        ),
        ExcludeConstraint(
            ("district_code", "="),
            ("staff_code", "="),
            (sa.text("tstzrange(started_at, ended_at, '[]')"), "&&"),
            name="ex_lane_patrol_one_at_a_time",
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_lane_patrol")),
    )
    op.create_table(
        "lane_stretch",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("segment_code", sa.String(length=30), nullable=False),
        sa.Column("patrol_id", sa.Uuid(), nullable=False),
        sa.Column("from_m", sa.Float(), nullable=False),
        sa.Column("to_m", sa.Float(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "to_m > from_m and from_m >= 0", name=op.f("ck_lane_stretch_has_length")
        ),
        _of_segment("lane_stretch"),
        sa.PrimaryKeyConstraint(
            "district_code",
            "segment_code",
            "patrol_id",
            "from_m",
            name=op.f("pk_lane_stretch"),
        ),
    )
    op.create_index("ix_lane_stretch_day", "lane_stretch", ["district_code", "segment_code", "day"])
    op.create_table(
        "lane_report",
        sa.Column("lane_district", sa.String(length=6), nullable=False),
        sa.Column("segment_code", sa.String(length=30), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("case_district", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=True),
        sa.Column("metres", sa.Float(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "lane_district", "segment_code", "report_id", name=op.f("pk_lane_report")
        ),
    )
    op.create_index(
        "ix_lane_report_chief", "lane_report", ["lane_district", "staff_code", "told_at"]
    )
    op.create_index("ix_lane_report_report", "lane_report", ["report_id"])
    # Everybody sees the layer: whether a lane has a chief, not who that is.
    op.execute("grant select on lane_segment, lane_keeper, lane_stretch to gridsvc_public")
    op.execute(
        "grant select (district_code, code, valid_from, valid_to) on staff to gridsvc_public"
    )


def downgrade() -> None:
    op.execute(
        "revoke select (district_code, code, valid_from, valid_to) on staff from gridsvc_public"
    )
    for name in ("lane_report", "lane_stretch", "lane_patrol", "lane_keeper", "lane_segment"):
        op.drop_table(name)
