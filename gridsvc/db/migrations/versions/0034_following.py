"""Reporters add photos; reports are followed by webhooks, whose messages lie with those to bodies.

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evidence", sa.Column("report_id", sa.Uuid()))
    op.create_index(
        "ix_evidence_report",
        "evidence",
        ["report_id"],
        postgresql_where=sa.text("report_id is not null"),
    )
    op.create_table(
        "follow",
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("follower", sa.String(100), nullable=False),
        sa.Column("url", sa.String(2_000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_follow")),
        sa.ForeignKeyConstraint(
            ["district_code", "report_id"],
            ["report.district_code", "report.id"],
            name=op.f("fk_follow_district_code_report"),
        ),
    )
    columns = ["district_code", "report_id", "follower", "url"]
    op.create_index("ix_follow_report", "follow", columns, unique=True)
    op.add_column(
        "case_file",
        sa.Column("followed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_case_file_street", "case_file", ["district_code", "street_code", "id"])
    op.alter_column("message", "body_code", nullable=True)
    op.add_column("message", sa.Column("follow_id", sa.Uuid()))
    op.add_column("message", sa.Column("webhook_url", sa.String()))
    op.create_check_constraint(
        op.f("ck_message_one_receiver"), "message", "num_nonnulls(body_code, follow_id) = 1"
    )
    op.create_check_constraint(
        op.f("ck_message_follower_is_called"),
        "message",
        "(follow_id is null) = (webhook_url is null)",
    )
    op.create_index(
        "ix_message_follow",
        "message",
        ["follow_id"],
        postgresql_where=sa.text("follow_id is not null"),
    )


def downgrade() -> None:
    op.execute("delete from message where follow_id is not null")
    op.drop_index("ix_message_follow", "message")
    op.drop_constraint(op.f("ck_message_follower_is_called"), "message")
    op.drop_constraint(op.f("ck_message_one_receiver"), "message")
    op.drop_column("message", "webhook_url")
    op.drop_column("message", "follow_id")
    op.alter_column("message", "body_code", nullable=False)
    op.drop_index("ix_case_file_street", "case_file")
    op.drop_column("case_file", "followed")
    op.drop_table("follow")
    op.drop_index("ix_evidence_report", "evidence")
    op.drop_column("evidence", "report_id")
