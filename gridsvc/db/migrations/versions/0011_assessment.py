"""What assessment counts: deadlines, places and inspectors of cases; callbacks.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from gridsvc.db.columns import only_add
from gridsvc.db.migrate import unguarded

revision = "0011"
down_revision = "0010"

_WHEN = sa.DateTime(timezone=True)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "due_at": _WHEN,
    "street_code": sa.String(length=9),
    "community_code": sa.String(length=12),
    "inspector": sa.String(length=100),
}


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("case_file", sa.Column(name, kind, nullable=True))
    op.create_table(
        "callback",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("case_district", sa.String(length=6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.String(length=9), nullable=True),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("given_by", sa.String(length=100), nullable=False),
        sa.Column("at", _WHEN, nullable=False),
        sa.Column("written_at", _WHEN, nullable=False),
        sa.CheckConstraint(
            "satisfied in ('satisfied', 'fairly', 'not')",
            name=op.f("ck_callback_satisfied_known"),
        ),
        sa.CheckConstraint(
            "contacted = (solved is not null) and contacted = (satisfied is not null)",
            name=op.f("ck_callback_reached_has_verdict"),
        ),
        sa.CheckConstraint(
            "valid or reason is not null", name=op.f("ck_callback_invalid_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["district_code", "report_id"],
            ["report.district_code", "report.id"],
            name="fk_callback_district_code_report",
        ),
        sa.PrimaryKeyConstraint("district_code", "report_id", "n", name=op.f("pk_callback")),
    )
    op.create_index("ix_callback_case", "callback", ["case_district", "case_id"])
    only_add("callback")
    with unguarded("cases that are there already get their place and their deadline"):
        _fill()
        op.create_index("ix_case_file_due", "case_file", ["district_code", "due_at"])


def _fill() -> None:
    """The place of the report that opened a case; the first limit that passed, else the last."""
    op.execute(
        "update case_file c set street_code = p.placement->'street'->>'code',"
        " community_code = p.placement->'community'->>'code'"
        " from report r join report_placement p"
        " on p.district_code = r.district_code and p.report_id = r.id and p.n = 1"
        " where r.case_district = c.district_code and r.case_id = c.id and not r.joined"
    )
    op.execute(
        "update case_file c set due_at = coalesce("
        " (select min(limit_at) from hand_in h where h.district_code = c.district_code"
        " and h.case_id = c.id and h.overdue), c.limit_at,"
        " (select max(limit_at) from hand_in h where h.district_code = c.district_code"
        " and h.case_id = c.id))"
    )


def downgrade() -> None:
    op.drop_index("ix_case_file_due", "case_file")
    op.drop_table("callback")
    for name in reversed(_COLUMNS):
        op.drop_column("case_file", name)
