"""Repairs of an edition's faults, proposed and applied.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.columns import geometry, only_add

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "repair",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base_edition_id", sa.String(length=80), nullable=False),
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("action", sa.String(length=7), nullable=False),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.Column("method", sa.String(length=7), nullable=False),
        sa.Column("chosen_code", sa.String(length=12), nullable=True),
        sa.Column("fault_id", sa.String(length=12), nullable=False),
        sa.Column("fault", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        geometry("geometry", "POLYGON"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("action in ('applied', 'undone')", name=op.f("ck_repair_action_known")),
        sa.CheckConstraint(
            "method in ('give', 'midline', 'snap')", name=op.f("ck_repair_method_known")
        ),
        sa.CheckConstraint(
            "(action = 'undone') = (undoes is not null)", name=op.f("ck_repair_undone_names_one")
        ),
        sa.CheckConstraint("actor <> '' and reason <> ''", name=op.f("ck_repair_who_and_why")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair")),
    )
    op.create_index("ix_repair_edition", "repair", ["edition_id", "id"])
    op.create_table(
        "repair_area",
        sa.Column("repair_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        geometry("before", "MULTIPOLYGON"),
        geometry("after", "MULTIPOLYGON"),
        sa.Column("gained_m2", sa.Float(), nullable=False),
        sa.Column("lost_m2", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("repair_id", "code", name=op.f("pk_repair_area")),
    )
    op.create_foreign_key(op.f("fk_repair_undoes_repair"), "repair", "repair", ["undoes"], ["id"])
    op.create_foreign_key(
        op.f("fk_repair_area_repair_id_repair"), "repair_area", "repair", ["repair_id"], ["id"]
    )
    only_add("repair", "repair_area")


def downgrade() -> None:
    op.drop_table("repair_area")
    op.drop_table("repair")
