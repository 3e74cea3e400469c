"""Disputes between areas, their evidence and their history, to which the service only adds.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.db.columns import SERVICE_ROLE, geometry, only_add

revision = "0007"
down_revision = "0006"

_STATES = "('open', 'under_negotiation', 'agreed', 'settled')"
_KEYS = (
    ("fk_dispute_agreement_id_agreement", "dispute", "agreement", ["agreement_id"], ["id"]),
    (
        "fk_dispute_entry_district_code_dispute",
        "dispute_entry",
        "dispute",
        ["district_code", "dispute_id"],
        ["district_code", "id"],
    ),
    (
        "fk_dispute_evidence_district_code_dispute",
        "dispute_evidence",
        "dispute",
        ["district_code", "dispute_id"],
        ["district_code", "id"],
    ),
)


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("participant_district", sa.String(length=6), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("side_codes", postgresql.ARRAY(sa.String(length=12)), nullable=False),
        sa.Column("state", sa.String(length=17), nullable=False),
        geometry("geometry", "MULTIPOLYGON"),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column("width_m", sa.Float(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=False),
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        sa.Column("parent_edition_id", sa.String(length=80), nullable=True),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("agreement_id", sa.Uuid(), nullable=True),
        sa.Column("settled_by_edition", sa.String(length=80), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('gap', 'overlap', 'conflict')", name=op.f("ck_dispute_kind_known")
        ),
        sa.CheckConstraint(
            "level in ('district', 'street', 'community')", name=op.f("ck_dispute_level_known")
        ),
        sa.CheckConstraint(f"state in {_STATES}", name=op.f("ck_dispute_state_known")),
        sa.CheckConstraint("cardinality(side_codes) > 0", name=op.f("ck_dispute_has_a_side")),
        sa.CheckConstraint(
            "(state = 'settled') = (agreement_id is not null or settled_by_edition is not null)",
            name=op.f("ck_dispute_settled_by_something"),
        ),
        sa.PrimaryKeyConstraint("district_code", "id", name=op.f("pk_dispute")),
    )
    op.create_index("ix_dispute_id", "dispute", ["id"])
    op.create_index("ix_dispute_state", "dispute", ["state", "id"])
    op.create_index("ix_dispute_geometry", "dispute", ["geometry"], postgresql_using="gist")
    op.create_table(
        "dispute_entry",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("area", sa.String(length=12), nullable=False),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=17), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("district_code", "dispute_id", "n", name=op.f("pk_dispute_entry")),
    )
    op.create_table(
        "dispute_evidence",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("area", sa.String(length=12), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('file', 'note')", name=op.f("ck_dispute_evidence_kind_known")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_dispute_evidence_not_empty")),
        sa.PrimaryKeyConstraint(
            "district_code", "dispute_id", "id", name=op.f("pk_dispute_evidence")
        ),
        sa.UniqueConstraint(
            "district_code",
            "dispute_id",
            "sha256",
            name=op.f("uq_dispute_evidence_district_code"),
        ),
    )
    for name, table, referred, columns, referred_columns in _KEYS:
        op.create_foreign_key(name, table, referred, columns, referred_columns)
    only_add("dispute_entry", "dispute_evidence")
    op.execute(f"revoke delete, truncate on dispute from {SERVICE_ROLE}")


def downgrade() -> None:
    for name, table, _, _, _ in reversed(_KEYS):
        op.drop_constraint(name, table, type_="foreignkey")
    for table in ("dispute_evidence", "dispute_entry", "dispute"):
        op.drop_table(table)
