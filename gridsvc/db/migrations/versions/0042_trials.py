"""Trials of a service: batches, households, rounds with their sealed ballot boxes, slips.

Revision ID: 0042
Revises: 0041
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trial",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("share", sa.String(length=20), nullable=False),
        sa.Column("whole", sa.String(length=10), nullable=False),
        sa.Column("quorum", sa.String(length=20), nullable=False),
        sa.Column("wait_days", sa.Integer(), nullable=False),
        sa.Column("consulted_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint("whole in ('households', 'votes')", name=op.f("ck_trial_whole_known")),
        sa.CheckConstraint(
            "state in ('running', 'adopted', 'ended')", name=op.f("ck_trial_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'ended') = (end_reason is not null)", name=op.f("ck_trial_ended_has_reason")
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_trial")),
    )
    op.create_index("ix_trial_id", "trial", ["id"])
    op.create_table(
        "trial_batch",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_code", "trial_id"],
            ["trial.district_code", "trial.id"],
            name=op.f("fk_trial_batch_district_code_trial"),
        ),
        sa.PrimaryKeyConstraint("district_code", "trial_id", "batch", name=op.f("pk_trial_batch")),
    )
    of_batch = ["district_code", "trial_id", "batch"]
    op.create_table(
        "trial_household",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("household", sa.String(length=80), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            of_batch,
            [f"trial_batch.{name}" for name in of_batch],
            name=op.f("fk_trial_household_district_code_trial_batch"),
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "trial_id", "area_code", "household", name=op.f("pk_trial_household")
        ),
    )
    op.create_index("ix_trial_household_batch", "trial_household", [*of_batch, "household"])
    op.create_table(
        "trial_round",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("change", sa.String(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.Column("counts", JSONB(), nullable=True),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "state in ('trying', 'voting', 'passed', 'failed')",
            name=op.f("ck_trial_round_state_known"),
        ),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_trial_round_ends_after_it_starts")),
        sa.CheckConstraint(
            "(state = 'voting') = (box is not null)", name=op.f("ck_trial_round_box_while_voting")
        ),
        sa.CheckConstraint(
            "(state in ('passed', 'failed')) = (counts is not null)",
            name=op.f("ck_trial_round_counted_has_counts"),
        ),
        sa.ForeignKeyConstraint(
            of_batch,
            [f"trial_batch.{name}" for name in of_batch],
            name=op.f("fk_trial_round_district_code_trial_batch"),
        ),
        sa.PrimaryKeyConstraint(*of_batch, "round", name=op.f("pk_trial_round")),
    )
    op.create_index(
        "ix_trial_round_box",
        "trial_round",
        ["district_code", "trial_id"],
        postgresql_where=sa.text("box is not null"),
    )
    op.create_table(
        "trial_slip",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(length=12), nullable=False),
        sa.Column("household", sa.String(length=80), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("voted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            [*of_batch, "round"],
            [f"trial_round.{name}" for name in (*of_batch, "round")],
            name=op.f("fk_trial_slip_district_code_trial_round"),
        ),
        sa.PrimaryKeyConstraint(
            *of_batch, "round", "area_code", "household", name=op.f("pk_trial_slip")
        ),
    )
    op.create_index("uq_trial_slip_code_hash", "trial_slip", ["code_hash"], unique=True)


def downgrade() -> None:
    for table in ("trial_slip", "trial_round", "trial_household", "trial_batch", "trial"):
        op.drop_table(table)
