"""What the procedures of cases keep: clocks of cases, hand-ins, appeals, gaps of duty.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.columns import SERVICE_ROLE, only_add

revision = "0009"
down_revision = "0008"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("grade", sa.String(length=20), nullable=True),
        sa.Column("step_since", _WHEN, nullable=True),
        sa.Column("suspended_until", _WHEN, nullable=True),
        sa.Column("suspensions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("extensions", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("case_file", column)
    op.create_table(
        "hand_in",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("since", _WHEN, nullable=False),
        sa.Column("limit_at", _WHEN, nullable=True),
        sa.Column("handed_in_at", _WHEN, nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.CheckConstraint("score between 0 and 100", name=op.f("ck_hand_in_score_in_percent")),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name="fk_hand_in_district_code_case_file",
        ),
        sa.PrimaryKeyConstraint("district_code", "case_id", "n", name=op.f("pk_hand_in")),
    )
    op.create_index("ix_hand_in_body", "hand_in", ["district_code", "body_code", "handed_in_at"])
    op.create_table(
        "appeal",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("appealed_at", _WHEN, nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("decided_at", _WHEN, nullable=True),
        sa.CheckConstraint(
            "(accepted is null) = (decided_at is null)", name=op.f("ck_appeal_decision_has_date")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name="fk_appeal_district_code_case_file",
        ),
        sa.PrimaryKeyConstraint("district_code", "case_id", "body_code", name=op.f("pk_appeal")),
    )
    op.create_table(
        "duty_gap",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("street_code", sa.String(length=18), nullable=False),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_code", sa.String(length=5), nullable=False),
        sa.Column("first_seen_at", _WHEN, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('part', 'event')", name=op.f("ck_duty_gap_kind_known")),
        sa.PrimaryKeyConstraint(
            "district_code",
            "street_code",
            "standard",
            "kind",
            "class_code",
            name=op.f("pk_duty_gap"),
        ),
    )
    # The raw fact stays: what was handed in can be scored, an appeal decided, nothing else.
    for table, columns in (("hand_in", "score"), ("appeal", "accepted, decided_at")):
        only_add(table)
        op.execute(f"grant update ({columns}) on {table} to {SERVICE_ROLE}")


def downgrade() -> None:
    for table in ("duty_gap", "appeal", "hand_in"):
        op.drop_table(table)
    for column in ("extensions", "suspensions", "suspended_until", "step_since", "grade"):
        op.drop_column("case_file", column)
