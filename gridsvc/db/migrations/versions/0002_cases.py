"""The cases: files, reports, whistles, trace, messages.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.columns import geometry

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("procedure", sa.String(length=40), nullable=False),
        sa.Column("procedure_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_code", sa.String(length=5), nullable=False),
        sa.Column("lead_body", sa.String(length=18), nullable=False),
        sa.Column("participant_district", sa.String(length=6), nullable=True),
        sa.Column("part_code", sa.String(length=8), nullable=True),
        geometry("point", "POINT"),
        sa.Column("trace_entries", sa.Integer(), nullable=False),
        sa.Column("trace_head", sa.String(length=64), nullable=False),
        sa.Column("limit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at is not null)",
            name=op.f("ck_case_file_closed_has_date"),
        ),
        sa.CheckConstraint("state in ('open', 'closed')", name=op.f("ck_case_file_state_known")),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_case_file")),
    )
    op.create_index("ix_case_file_class", "case_file", ["district_code", "class_code", "state"])
    op.create_index("ix_case_file_id", "case_file", ["id"])
    op.create_index("ix_case_file_lead", "case_file", ["district_code", "lead_body", "state"])
    op.create_index("ix_case_file_point", "case_file", ["point"], postgresql_using="gist")
    op.create_table(
        "report",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("standard", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("class_code", sa.String(length=5), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("given_x", sa.Double(), nullable=True),
        sa.Column("given_y", sa.Double(), nullable=True),
        sa.Column("given_crs", sa.String(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=False),
        geometry("point", "POINT"),
        geometry("footprint", "MULTIPOLYGON", nullable=True),
        sa.Column("part_code", sa.String(length=8), nullable=True),
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False),
        sa.Column("case_district", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("accuracy_m >= 0", name=op.f("ck_report_accuracy_not_negative")),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_report")),
    )
    op.create_index("ix_report_case", "report", ["case_district", "case_id"])
    op.create_index("ix_report_class", "report", ["district_code", "class_code", "created_at"])
    op.create_index("ix_report_created", "report", ["district_code", "created_at"])
    op.create_index("ix_report_id", "report", ["id"])
    op.create_index("ix_report_point", "report", ["point"], postgresql_using="gist")
    op.create_table(
        "report_placement",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("placement", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("responsibility", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "district_code", "report_id", "n", name=op.f("pk_report_placement")
        ),
    )
    op.create_table(
        "reporter",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "report_id", name=op.f("pk_reporter")),
    )
    op.create_table(
        "receipt",
        sa.Column("value", sa.String(length=16), nullable=False),
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_receipt")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "whistle",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("joint", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("demand", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("caller_body", sa.String(length=18), nullable=False),
        sa.Column("participant_district", sa.String(length=6), nullable=True),
        geometry("point", "POINT"),
        geometry("footprint", "MULTIPOLYGON", nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("blown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('everyday', 'tough', 'emergency')", name=op.f("ck_whistle_kind_known")
        ),
        sa.CheckConstraint(
            "state in ('proposed', 'open', 'closed')", name=op.f("ck_whistle_state_known")
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_whistle")),
    )
    op.create_index("ix_whistle_case", "whistle", ["district_code", "case_id"])
    op.create_index("ix_whistle_id", "whistle", ["id"])
    op.create_index("ix_whistle_participant", "whistle", ["participant_district"])
    op.create_table(
        "called_body",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("whistle_id", sa.Uuid(), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("called_from", sa.String(length=18), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_in_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_in_at", sa.DateTime(timezone=True), nullable=True),
        geometry("reported_in_point", "POINT", nullable=True),
        sa.Column("metres_off", sa.Double(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=True),
        sa.Column("far", sa.Boolean(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("scored_by", sa.String(length=18), nullable=True),
        sa.CheckConstraint(
            "role in ('side', 'department')", name=op.f("ck_called_body_role_known")
        ),
        sa.CheckConstraint("score between 0 and 100", name=op.f("ck_called_body_score_in_percent")),
        sa.PrimaryKeyConstraint(
            "district_code", "whistle_id", "body_code", name=op.f("pk_called_body")
        ),
    )
    op.create_index("ix_called_body_body", "called_body", ["body_code", "district_code"])
    op.create_table(
        "trace",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint(
            "district_code", "case_id", "n", "written_at", name=op.f("pk_trace")
        ),
        postgresql_partition_by="RANGE (written_at)",
    )
    op.create_table(
        "message",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'delivered', 'given_up', 'withdrawn')",
            name=op.f("ck_message_state_known"),
        ),
        sa.PrimaryKeyConstraint("district_code", "id", "written_at", name=op.f("pk_message")),
        postgresql_partition_by="RANGE (written_at)",
    )
    op.create_index("ix_message_inbox", "message", ["body_code", "id"])
    op.create_index(
        "ix_message_waiting",
        "message",
        ["district_code", "next_try_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    for table in (
        "message",
        "trace",
        "called_body",
        "whistle",
        "idempotency_key",
        "receipt",
        "reporter",
        "report_placement",
        "report",
        "case_file",
    ):
        op.drop_table(table)
