"""A case has an overall limit, limits keep how they run, and stated times wait for a decision.

Cases that are open have no course yet: their limits stay as they were set.

Revision ID: 0030
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from gridsvc.db.columns import SERVICE_ROLE, only_add
from gridsvc.db.migrate import unguarded

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

_WHEN = sa.DateTime(timezone=True)
_CASE = (
    ("limit_course", JSONB()),
    ("overall_at", _WHEN),
    ("overall_course", JSONB()),
    ("answered_at", _WHEN),
    ("overall_overdue", sa.Boolean()),
)
_RUNNING = ("limit_at", "overall_at")
_CALLED = ("accepted_stated_at", "reported_in_stated_at", "done_stated_at")


def upgrade() -> None:
    for name, kind in _CASE:
        op.add_column("case_file", sa.Column(name, kind))
    op.add_column("case_file", sa.Column("outcome", sa.String(9)))
    op.add_column("case_file", _flag("limits_provisional"))
    with unguarded("a city has many cases"):
        op.create_check_constraint(
            op.f("ck_case_file_outcome_known"),
            "case_file",
            "outcome is null or (outcome in ('not_filed', 'void') and state = 'closed')",
        )
        op.create_index(
            "ix_case_file_provisional",
            "case_file",
            ["district_code", "id"],
            postgresql_where=sa.text("limits_provisional"),
        )
    op.add_column("hand_in", sa.Column("excused", sa.String(11)))
    op.add_column("hand_in", sa.Column("course", JSONB()))
    op.create_check_constraint(
        op.f("ck_hand_in_excuse_known"), "hand_in", "excused in ('stated_time', 'calendar')"
    )
    op.execute(f"grant update (excused) on hand_in to {SERVICE_ROLE}")
    op.add_column("whistle", sa.Column("limit_courses", JSONB()))
    for name in _CALLED:
        op.add_column("called_body", sa.Column(name, _WHEN))
    op.add_column("called_body", _flag("provisional"))
    with unguarded("a city has many whistles"):
        op.create_index(
            "ix_called_body_provisional",
            "called_body",
            ["district_code", "whistle_id"],
            postgresql_where=sa.text("provisional"),
        )
    op.create_table(
        "stated_time",
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("body_code", sa.String(18), nullable=False),
        sa.Column("whistle_id", sa.Uuid()),
        sa.Column("stated_at", _WHEN, nullable=False),
        sa.Column("received_at", _WHEN, nullable=False),
        sa.Column("accepted", sa.Boolean()),
        sa.Column("decided_at", _WHEN),
        sa.CheckConstraint(
            "(accepted is null) = (decided_at is null)",
            name=op.f("ck_stated_time_decision_has_date"),
        ),
        sa.PrimaryKeyConstraint("district_code", "case_id", "n", name=op.f("pk_stated_time")),
    )
    op.create_foreign_key(
        "fk_stated_time_district_code_case_file",
        "stated_time",
        "case_file",
        ["district_code", "case_id"],
        ["district_code", "id"],
    )
    op.create_index(
        "ix_stated_time_undecided",
        "stated_time",
        ["district_code", "received_at"],
        postgresql_where=sa.text("accepted is null"),
    )
    only_add("stated_time")
    op.execute(f"grant update (accepted, decided_at) on stated_time to {SERVICE_ROLE}")
    op.create_table(
        "limit_notice",
        sa.Column("district_code", sa.String(6), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("which", sa.String(7), nullable=False),
        sa.Column("limit_at", _WHEN, nullable=False),
        sa.Column("notice", sa.String(30), nullable=False),
        sa.Column("noticed_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint(
            *("district_code", "case_id", "which", "limit_at", "notice"),
            name=op.f("pk_limit_notice"),
        ),
    )
    op.create_foreign_key(
        "fk_limit_notice_district_code_case_file",
        "limit_notice",
        "case_file",
        ["district_code", "case_id"],
        ["district_code", "id"],
    )
    only_add("limit_notice")
    with unguarded("a city has many cases"):
        for column in _RUNNING:
            op.create_index(
                f"ix_case_file_{column}",
                "case_file",
                [column],
                postgresql_where=sa.text("state = 'open'"),
            )


def downgrade() -> None:
    for column in _RUNNING:
        op.drop_index(f"ix_case_file_{column}", "case_file")
    op.drop_table("limit_notice")
    op.drop_table("stated_time")
    op.drop_index("ix_called_body_provisional", "called_body")
    for name in ("provisional", *reversed(_CALLED)):
        op.drop_column("called_body", name)
    op.drop_column("whistle", "limit_courses")
    op.execute(f"revoke update (excused) on hand_in from {SERVICE_ROLE}")
    for name in ("course", "excused"):
        op.drop_column("hand_in", name)
    op.drop_index("ix_case_file_provisional", "case_file")
    for name in ("outcome", "limits_provisional", *(name for name, _ in reversed(_CASE))):
        op.drop_column("case_file", name)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
