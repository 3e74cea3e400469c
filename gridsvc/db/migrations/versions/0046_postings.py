"""Postings of staff to streets, proposals and replacements, monthly judgements.

Revision ID: 0046
Revises: 0045
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from gridsvc.db.columns import only_add

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def _station() -> sa.Column[object]:
    return sa.Column("station", Geometry("POINT", srid=4326, spatial_index=False), nullable=True)


def _fk(table: str, columns: list[str], other: str, named: list[str]) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{columns[0]}_{other}")
    return sa.ForeignKeyConstraint(columns, [f"{other}.{one}" for one in named], name=name)


def upgrade() -> None:
    op.create_table(
        "posting",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        _station(),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind in ('posted', 'on_call', 'liaison')", name=op.f("ck_posting_kind_known")
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_posting_ends_after_it_begins")),
        sa.CheckConstraint(
            "kind = 'liaison' or station is not null",
            name=op.f("ck_posting_starts_from_somewhere"),
        ),
        ExcludeConstraint(
            ("district_code", "="),
            ("staff_code", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_posting_one_street_on_a_day",
            where=sa.text("kind = 'posted'"),
        ),
        _fk("posting", ["body_code"], "body", ["code"]),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_id", "posting", ["id"])
    op.create_index("ix_posting_street", "posting", ["district_code", "street_code"])
    op.create_index("ix_posting_staff", "posting", ["district_code", "staff_code"])
    op.create_table(
        "posting_proposal",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("posting_kind", sa.String(length=7), nullable=True),
        _station(),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("proposed_by", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("opinion", sa.String(), nullable=True),
        sa.Column("opinion_by", sa.String(length=100), nullable=True),
        sa.Column("opinion_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind in ('posting', 'transfer', 'reward')",
            name=op.f("ck_posting_proposal_kind_known"),
        ),
        sa.CheckConstraint(
            "state in ('asked', 'objected', 'in_effect', 'rejected', 'withdrawn')",
            name=op.f("ck_posting_proposal_state_known"),
        ),
        sa.CheckConstraint(
            "state not in ('objected', 'in_effect', 'rejected')"
            " or (agrees is not null and opinion_by is not null and opinion_at is not null)",
            name=op.f("ck_posting_proposal_opinion_on_record"),
        ),
        sa.CheckConstraint(
            "(state = 'in_effect') = (effective_on is not null)",
            name=op.f("ck_posting_proposal_effective_on"),
        ),
        sa.CheckConstraint(
            "(kind = 'posting') = (posting_kind is not null)"
            " and (kind = 'posting' or posting_id is not null)",
            name=op.f("ck_posting_proposal_about_a_posting"),
        ),
        _fk("posting_proposal", ["body_code"], "body", ["code"]),
        _fk(
            "posting_proposal",
            ["district_code", "posting_id"],
            "posting",
            ["district_code", "id"],
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_posting_proposal")),
    )
    op.create_index("ix_posting_proposal_id", "posting_proposal", ["id"])
    op.create_index(
        "ix_posting_proposal_street", "posting_proposal", ["district_code", "street_code", "id"]
    )
    op.create_index(
        "uq_posting_proposal_transfer",
        "posting_proposal",
        ["district_code", "posting_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'transfer' and state in ('asked', 'objected')"),
    )
    op.create_table(
        "posting_replacement",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(length=100), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state in ('asked', 'named', 'refused')",
            name=op.f("ck_posting_replacement_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'named') = (proposal_id is not null)",
            name=op.f("ck_posting_replacement_named_by_a_proposal"),
        ),
        _fk("posting_replacement", ["body_code"], "body", ["code"]),
        _fk(
            "posting_replacement",
            ["district_code", "posting_id"],
            "posting",
            ["district_code", "id"],
        ),
        _fk(
            "posting_replacement",
            ["district_code", "proposal_id"],
            "posting_proposal",
            ["district_code", "id"],
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_posting_replacement")),
    )
    op.create_index("ix_posting_replacement_id", "posting_replacement", ["id"])
    op.create_index(
        "uq_posting_replacement_asked",
        "posting_replacement",
        ["district_code", "posting_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "posting_judgement",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("street_code", sa.String(length=9), nullable=False),
        sa.Column("body_code", sa.String(length=18), nullable=False),
        sa.Column("staff_code", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("judged_by", sa.String(length=100), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "score between 0 and 100", name=op.f("ck_posting_judgement_score_of_hundred")
        ),
        sa.CheckConstraint(
            "extract(day from month) = 1", name=op.f("ck_posting_judgement_first_of_month")
        ),
        _fk(
            "posting_judgement",
            ["district_code", "posting_id"],
            "posting",
            ["district_code", "id"],
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "posting_id", "month", name=op.f("pk_posting_judgement")
        ),
    )
    op.create_index(
        "ix_posting_judgement_month",
        "posting_judgement",
        ["district_code", "month", "street_code"],
    )
    only_add("posting_judgement")


def downgrade() -> None:
    for name in ("posting_judgement", "posting_replacement", "posting_proposal", "posting"):
        op.drop_table(name)
