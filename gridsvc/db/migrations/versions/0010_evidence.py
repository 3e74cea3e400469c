"""Evidence files of cases; inboxes in the order in which messages fall due.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.columns import geometry

revision = "0010"
down_revision = "0009"

_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("published_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_type", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", _WHEN, nullable=True),
        geometry("point", "POINT", nullable=True),
        sa.Column("metres_off", sa.Float(), nullable=True),
        sa.Column("given_by", sa.String(length=100), nullable=False),
        sa.Column("given_at", _WHEN, nullable=False),
        sa.CheckConstraint(
            "(point is null) = (metres_off is null)", name=op.f("ck_evidence_metres_need_point")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name="fk_evidence_district_code_case_file",
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_case", "evidence", ["district_code", "case_id"])
    op.drop_index("ix_message_inbox", "message")
    op.create_index("ix_message_inbox", "message", ["body_code", "due_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_message_inbox", "message")
    op.create_index("ix_message_inbox", "message", ["body_code", "id"])
    op.drop_table("evidence")
