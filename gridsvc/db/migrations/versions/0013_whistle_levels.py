"""Whistles of three levels: what they follow, after-the-fact records, limits of called bodies.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_WHEN = sa.DateTime(timezone=True)
_STATES = "state in ('proposed', 'open', 'closed'{})"
_ROLES = "role in ('side', 'department'{})"


def upgrade() -> None:
    op.add_column("whistle", sa.Column("level", sa.SmallInteger(), nullable=True))
    op.add_column("whistle", sa.Column("follows_id", sa.Uuid(), nullable=True))
    op.add_column("whistle", sa.Column("recorded_at", _WHEN, nullable=True))
    op.add_column("called_body", sa.Column("accept_by", _WHEN, nullable=True))
    op.add_column("called_body", sa.Column("done_by", _WHEN, nullable=True))
    op.add_column("called_body", sa.Column("overdue", sa.Boolean(), nullable=True))
    _replace("whistle", "state_known", _STATES.format(", 'raised'"))
    _replace("called_body", "role_known", _ROLES.format(", 'called'"))
    for name, rule in (
        ("level_unless_joint", "joint = (level is null)"),
        ("level_known", "level between 1 and 3"),
        ("recorded_afterwards", "recorded_at >= blown_at"),
    ):
        op.create_check_constraint(op.f(f"ck_whistle_{name}"), "whistle", rule)
    op.create_index("ix_whistle_blown", "whistle", ["blown_at"])


def downgrade() -> None:
    op.drop_index("ix_whistle_blown", "whistle")
    for name in ("recorded_afterwards", "level_known", "level_unless_joint"):
        op.drop_constraint(op.f(f"ck_whistle_{name}"), "whistle", type_="check")
    op.execute("update called_body set role = 'department' where role = 'called'")
    op.execute("update whistle set state = 'closed' where state = 'raised'")
    _replace("called_body", "role_known", _ROLES.format(""))
    _replace("whistle", "state_known", _STATES.format(""))
    for column in ("overdue", "done_by", "accept_by"):
        op.drop_column("called_body", column)
    for column in ("recorded_at", "follows_id", "level"):
        op.drop_column("whistle", column)


def _replace(table: str, name: str, rule: str) -> None:
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table, type_="check")
    op.create_check_constraint(constraint, table, rule)
