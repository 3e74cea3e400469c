"""How an edition came into force, and that no two of one level are in force at once.

Unit grids stand apart: an edition of them is one build of some districts, and builds stand beside
each other. That no two valid cells share ground is kept where they are built.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.columns import only_add

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # PostgreSQL's own, and trusted: the owner of the database may create it.
    op.execute("create extension if not exists btree_gist")
    op.drop_constraint(op.f("ck_edition_state_known"), "edition")
    op.create_check_constraint(
        op.f("ck_edition_state_known"),
        "edition",
        "state in ('draft', 'audited', 'active', 'retired')",
    )
    op.add_column("edition", sa.Column("reason", sa.String(), nullable=True))
    op.add_column("edition", sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "alter table edition add constraint ex_edition_one_in_force exclude using gist"
        " (level with =, tstzrange(effective_from, effective_to) with &&)"
        " where (state in ('active', 'retired') and level <> 'unit_grid')"
    )
    op.add_column("area", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("area", sa.Column("reason", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_area_version_positive"), "area", "version > 0")
    op.create_table(
        "edition_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "action in ('loaded', 'audited', 'activated', 'retired', 'reverted', 'restored',"
            " 'discarded')",
            name=op.f("ck_edition_event_action_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_event")),
    )
    op.create_index("ix_edition_event_edition", "edition_event", ["edition_id", "id"])
    only_add("edition_event")


def downgrade() -> None:
    op.drop_table("edition_event")
    op.drop_constraint(op.f("ck_area_version_positive"), "area")
    op.drop_column("area", "reason")
    op.drop_column("area", "version")
    op.drop_constraint("ex_edition_one_in_force", "edition")
    op.drop_column("edition", "audited_at")
    op.drop_column("edition", "reason")
    op.execute("update edition set state = 'draft' where state = 'audited'")
    op.drop_constraint(op.f("ck_edition_state_known"), "edition")
    op.create_check_constraint(
        op.f("ck_edition_state_known"), "edition", "state in ('draft', 'active', 'retired')"
    )
    # btree_gist stays, as PostGIS does: others may use it.
