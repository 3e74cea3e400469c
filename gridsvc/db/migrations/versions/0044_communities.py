"""Members and their services, funds and spendings, banned demands and those that were sent.

Revision ID: 0044
Revises: 0043
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_member")),
    )
    op.create_index("uq_member_code", "member", ["code"], unique=True)
    op.create_index("ix_member_community", "member", ["district_code", "community_code", "code"])
    op.create_table(
        "member_service",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_code", sa.String(length=20), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "minutes > 0 and minutes <= 1440", name=op.f("ck_member_service_minutes_of_a_day")
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_member_service")),
    )
    op.create_index(
        "uq_member_service",
        "member_service",
        ["district_code", "member_code", "on_day", "what"],
        unique=True,
    )
    op.create_index(
        "ix_member_service_community",
        "member_service",
        ["district_code", "community_code", "on_day"],
    )
    op.create_table(
        "fund",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=False),
        sa.Column("spent_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "spent_fen between 0 and budget_fen", name=op.f("ck_fund_never_overdrawn")
        ),
        sa.CheckConstraint(
            "kind <> 'emergency' or community_code is not null",
            name=op.f("ck_fund_emergency_placed"),
        ),
        sa.PrimaryKeyConstraint("district_code", "code", name=op.f("pk_fund")),
    )
    op.create_index("ix_fund_street", "fund", ["district_code", "year", "street_code"])
    op.create_index(
        "uq_fund_emergency",
        "fund",
        ["district_code", "year", "community_code"],
        unique=True,
        postgresql_where=sa.text("kind = 'emergency'"),
    )
    op.create_table(
        "spending",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_code", sa.String(length=20), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=500), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_spending_of_something")),
        sa.ForeignKeyConstraint(
            ["district_code", "fund_code"],
            ["fund.district_code", "fund.code"],
            name=op.f("fk_spending_district_code_fund"),
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_spending")),
    )
    op.create_index("ix_spending_fund", "spending", ["district_code", "fund_code", "id"])
    op.create_table(
        "banned_demand",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.String(length=500), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "number", name=op.f("pk_banned_demand")),
    )
    op.create_table(
        "demand",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint(
            "kind in ('demand', 'form', 'survey')", name=op.f("ck_demand_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["body_code"], ["body.code"], name=op.f("fk_demand_body_code_body")
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_demand")),
    )
    op.create_index("ix_demand_community", "demand", ["district_code", "community_code", "id"])


def downgrade() -> None:
    for name in ("demand", "banned_demand", "spending", "fund", "member_service", "member"):
        op.drop_table(name)
