"""What leaders write on cases, and find on visits.

Revision ID: 0051
Revises: 0050
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leader_note",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("leader", sa.String(length=100), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("metres_off", sa.Float(), nullable=True),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limit_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=100), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=True),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unanswered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('note', 'visit')", name=op.f("ck_leader_note_kind_known")),
        sa.CheckConstraint(
            "state in ('written', 'answered', 'done', 'ended', 'withdrawn')",
            name=op.f("ck_leader_note_state_known"),
        ),
        sa.CheckConstraint(
            "(state in ('done', 'ended')) <= (done_at is not null)",
            name=op.f("ck_leader_note_done_has_date"),
        ),
        sa.CheckConstraint(
            "(kind = 'visit') = (metres_off is not null)",
            name=op.f("ck_leader_note_visit_has_place"),
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name=op.f("fk_leader_note_district_code_case_file"),
        ),
        sa.PrimaryKeyConstraint("district_code", "case_id", "n", name=op.f("pk_leader_note")),
    )
    op.create_index("ix_leader_note_written", "leader_note", ["district_code", "written_at"])
    op.create_index("ix_leader_note_staff", "leader_note", ["district_code", "staff_code"])
    for name, columns, where in (
        ("open", ["district_code", "limit_at"], "state in ('written', 'answered', 'done')"),
        ("unsaid", ["limit_at"], "state in ('written', 'answered') and passed_at is null"),
        ("unanswered", ["written_at"], "state = 'written' and unanswered_at is null"),
    ):
        op.create_index(
            f"ix_leader_note_{name}", "leader_note", columns, postgresql_where=sa.text(where)
        )


def downgrade() -> None:
    op.drop_table("leader_note")
