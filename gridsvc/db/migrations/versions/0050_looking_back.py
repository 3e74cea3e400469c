"""Lists of recurring places, and each time that they are looked at again.

Revision ID: 0050
Revises: 0049
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_CASE = "ck_task_case_unless_patrol"


def upgrade() -> None:
    op.create_table(
        "recurring_list",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("groups", JSONB(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("kept_by", sa.String(length=100), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(ended_at is null) = (end_reason is null)",
            name=op.f("ck_recurring_list_ended_has_reason"),
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_recurring_list")),
    )
    op.create_index("ix_recurring_list_id", "recurring_list", ["id"])
    op.create_index(
        "ix_recurring_list_kept",
        "recurring_list",
        ["district_code", "id"],
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "recurring_place",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("unsolved", sa.Integer(), nullable=False),
        sa.Column("case_district", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_code", "list_id"],
            ["recurring_list.district_code", "recurring_list.id"],
            name=op.f("fk_recurring_place_district_code_recurring_list"),
        ),
        sa.PrimaryKeyConstraint("district_code", "list_id", "n", name=op.f("pk_recurring_place")),
    )
    op.create_table(
        "look_back",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("area_district", sa.String(length=6), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=True),
        sa.Column("community_code", sa.String(length=12), nullable=True),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("outcome", sa.String(length=6), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome in ('lasted', 'again')", name=op.f("ck_look_back_outcome_known")
        ),
        sa.CheckConstraint(
            "coalesce(outcome = 'again', false) = (case_id is not null)",
            name=op.f("ck_look_back_again_has_case"),
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "list_id", "n"],
            ["recurring_place.district_code", "recurring_place.list_id", "recurring_place.n"],
            name=op.f("fk_look_back_district_code_recurring_place"),
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "list_id", "n", "before", name=op.f("pk_look_back")
        ),
    )
    op.create_index(
        "ix_look_back_task",
        "look_back",
        ["task_id"],
        postgresql_where=sa.text("task_id is not null"),
    )
    op.drop_constraint(op.f(_CASE), "task")
    op.create_check_constraint(
        op.f(_CASE),
        "task",
        "case when kind = 'patrol' then case_id is null"
        " else kind = 'revisit' or case_id is not null end",
    )


def downgrade() -> None:
    op.drop_table("look_back")
    op.drop_table("recurring_place")
    op.drop_table("recurring_list")
    op.execute("delete from task where kind = 'revisit' and case_id is null")
    op.drop_constraint(op.f(_CASE), "task")
    op.create_check_constraint(op.f(_CASE), "task", "(kind = 'patrol') = (case_id is null)")
