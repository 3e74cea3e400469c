"""The registry: editions, areas, unit grids, parts, classes, bodies, duties, agreements.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.columns import geometry

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "edition",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=False),
        sa.Column("approximate", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audit", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "level in ('district', 'street', 'community', 'unit_grid')",
            name=op.f("ck_edition_level_known"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'active', 'retired')", name=op.f("ck_edition_state_known")
        ),
        sa.CheckConstraint("accuracy_m >= 0", name=op.f("ck_edition_accuracy_not_negative")),
        sa.CheckConstraint(
            "effective_to is null or effective_to > effective_from",
            name=op.f("ck_edition_dates_in_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
    )
    op.create_table(
        "area",
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(length=9), nullable=True),
        geometry("geometry", "MULTIPOLYGON"),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("edition_id", "code", name=op.f("pk_area")),
    )
    op.create_index("ix_area_geometry", "area", ["geometry"], postgresql_using="gist")
    op.create_index("ix_area_parent", "area", ["edition_id", "parent_code"])
    op.create_table(
        "unit_grid",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("national_id", sa.String(length=15), nullable=False),
        sa.Column("national_id_2013", sa.String(length=14), nullable=True),
        geometry("geometry", "POLYGON"),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("nominal_m2", sa.Double(), nullable=False),
        sa.Column("compactness", sa.Double(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.Column("void_reason", sa.String(), nullable=True),
        sa.Column("successor_code", sa.String(length=8), nullable=True),
        sa.CheckConstraint(
            "(state = 'void') = (void_reason is not null and end_date is not null)",
            name=op.f("ck_unit_grid_void_has_reason_and_date"),
        ),
        sa.CheckConstraint("state in ('valid', 'void')", name=op.f("ck_unit_grid_state_known")),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_unit_grid")),
    )
    op.create_index("ix_unit_grid_community", "unit_grid", ["district_code", "community_code"])
    op.create_index("ix_unit_grid_edition", "unit_grid", ["edition_id"])
    op.create_index("ix_unit_grid_geometry", "unit_grid", ["geometry"], postgresql_using="gist")
    op.create_table(
        "national_id",
        sa.Column("id", sa.String(length=17), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.CheckConstraint("kind in ('unit_grid', 'part')", name=op.f("ck_national_id_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_id")),
    )
    op.create_table(
        "class",
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("major", sa.String(), nullable=False),
        sa.CheckConstraint("kind in ('part', 'event')", name=op.f("ck_class_kind_known")),
        sa.PrimaryKeyConstraint("standard", "kind", "code", name=op.f("pk_class")),
    )
    op.create_table(
        "part",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("national_id", sa.String(length=17), nullable=False),
        sa.Column("national_id_2013", sa.String(length=16), nullable=True),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_code", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        geometry("geometry"),
        sa.Column("street_code", sa.String(length=9), nullable=True),
        sa.Column("community_code", sa.String(length=12), nullable=True),
        sa.Column("grid_code", sa.String(length=8), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("competent_body", sa.String(length=18), nullable=False),
        sa.Column("owner_body", sa.String(length=18), nullable=True),
        sa.Column("maintainer_body", sa.String(length=18), nullable=True),
        sa.Column("position_class", sa.String(length=1), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("change_date", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint("kind = 'part'", name=op.f("ck_part_kind_is_part")),
        sa.CheckConstraint(
            "position_class in ('A', 'B', 'C')", name=op.f("ck_part_position_class_known")
        ),
        sa.CheckConstraint(
            "state in ('intact', 'damaged', 'missing', 'abandoned', 'removed')",
            name=op.f("ck_part_state_known"),
        ),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_part")),
    )
    op.create_index("ix_part_class", "part", ["district_code", "class_code"])
    op.create_index("ix_part_geometry", "part", ["geometry"], postgresql_using="gist")
    op.create_index("ix_part_unit_grid", "part", ["district_code", "grid_code"])
    op.create_table(
        "body",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("webhook_url", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind in ('street', 'department', 'company', 'city_unit', 'community')",
            name=op.f("ck_body_kind_known"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_body")),
    )
    op.create_index("ix_body_area", "body", ["area_code"])
    op.create_table(
        "duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_prefix", sa.String(length=5), nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.Column("clause", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("kind in ('part', 'event')", name=op.f("ck_duty_kind_known")),
        sa.CheckConstraint("role in ('lead', 'assist')", name=op.f("ck_duty_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
    )
    op.create_index("ix_duty_area", "duty", ["area_code", "kind", "class_prefix"])
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        geometry("zone", "MULTIPOLYGON"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_index("ix_agreement_zone", "agreement", ["zone"], postgresql_using="gist")
    op.create_table(
        "agreement_duty",
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_prefix", sa.String(length=5), nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.CheckConstraint("kind in ('part', 'event')", name=op.f("ck_agreement_duty_kind_known")),
        sa.CheckConstraint("role in ('lead', 'assist')", name=op.f("ck_agreement_duty_role_known")),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "body_code",
            "standard",
            "kind",
            "class_prefix",
            name=op.f("pk_agreement_duty"),
        ),
    )
    op.create_table(
        "revoked_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revoked_token")),
    )


def downgrade() -> None:
    for table in (
        "revoked_token",
        "agreement_duty",
        "agreement",
        "duty",
        "body",
        "part",
        "class",
        "national_id",
        "unit_grid",
        "area",
        "edition",
    ):
        op.drop_table(table)
