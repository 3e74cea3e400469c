"""Chat groups hear what inboxes are told; what is said of a case in one is a thread.

Revision ID: 0045
Revises: 0044
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_WHEN = sa.DateTime(timezone=True)
_ONE = "ck_message_one_receiver"


def upgrade() -> None:
    op.create_table(
        "chat_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("inbox", sa.String(18), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("robot", sa.String(40), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("kinds", sa.ARRAY(sa.String(10)), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("ended_at", _WHEN),
        sa.Column("sent_at", sa.ARRAY(_WHEN), nullable=False),
        sa.CheckConstraint("cardinality(kinds) > 0", name=op.f("ck_chat_group_hears_something")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_group")),
    )
    goes_on = sa.text("ended_at is null")
    op.create_index("ix_chat_group_inbox", "chat_group", ["inbox"], postgresql_where=goes_on)
    op.create_index(
        "uq_chat_group_address",
        "chat_group",
        ["address_hash"],
        unique=True,
        postgresql_where=goes_on,
    )
    op.create_table(
        "group_thread",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("first_at", _WHEN, nullable=False),
        sa.Column("said", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_code", "case_id"],
            ["case_file.district_code", "case_file.id"],
            name=op.f("fk_group_thread_district_code_case_file"),
        ),
        sa.PrimaryKeyConstraint("group_id", "district_code", "case_id", name="pk_group_thread"),
    )
    op.create_index("uq_group_thread_number", "group_thread", ["number"], unique=True)
    op.create_index("ix_group_thread_case", "group_thread", ["district_code", "case_id"])
    op.add_column("message", sa.Column("group_id", sa.Uuid()))
    op.drop_constraint(op.f(_ONE), "message")
    op.create_check_constraint(
        op.f(_ONE), "message", "num_nonnulls(body_code, follow_id, group_id) = 1"
    )
    op.create_index(
        "ix_message_group",
        "message",
        ["group_id", "case_id"],
        postgresql_where=sa.text("group_id is not null and state = 'waiting'"),
    )


def downgrade() -> None:
    op.execute("delete from message where group_id is not null")
    op.drop_index("ix_message_group", "message")
    op.drop_constraint(op.f(_ONE), "message")
    op.create_check_constraint(op.f(_ONE), "message", "num_nonnulls(body_code, follow_id) = 1")
    op.drop_column("message", "group_id")
    op.drop_table("group_thread")
    op.drop_table("chat_group")
