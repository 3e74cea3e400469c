"""Tasks: sent to who is on duty, taken by one, done.

Revision ID: 0036
Revises: 0035
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("unit_grid", sa.String(length=8), nullable=True),
        sa.Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("offered", JSONB(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limit_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_by", sa.String(length=100), nullable=True),
        sa.Column("staff_code", sa.String(length=20), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", sa.String(length=30), nullable=True),
        sa.Column("report", sa.String(), nullable=True),
        sa.Column("metres_off", sa.Float(), nullable=True),
        sa.Column("far", sa.Boolean(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('check_on_the_spot', 'patrol', 'revisit')", name=op.f("ck_task_kind_known")
        ),
        sa.CheckConstraint(
            "state in ('open', 'taken', 'done', 'withdrawn')", name=op.f("ck_task_state_known")
        ),
        sa.CheckConstraint(
            "(kind = 'patrol') = (case_id is null)", name=op.f("ck_task_case_unless_patrol")
        ),
        sa.CheckConstraint(
            "state <> 'taken' or taken_by is not null", name=op.f("ck_task_taken_by_somebody")
        ),
        sa.CheckConstraint(
            "(state = 'done') = (done_at is not null)", name=op.f("ck_task_done_has_date")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name=op.f("fk_task_district_code_case_file"),
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_id", "task", ["id"])
    op.create_index("ix_task_case", "task", ["district_code", "case_id"])
    op.create_index("ix_task_taken", "task", ["taken_by", "id"])
    op.create_index(
        "ix_task_waiting",
        "task",
        ["district_code", "area_code", "id"],
        postgresql_where=sa.text("state in ('open', 'taken')"),
    )
    op.create_index(
        "ix_task_limit",
        "task",
        ["limit_at"],
        postgresql_where=sa.text("state in ('open', 'taken') and passed_at is null"),
    )


def downgrade() -> None:
    op.drop_table("task")
