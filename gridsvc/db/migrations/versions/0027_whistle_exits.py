"""Whistles have exits, are postponed and pressed; the district's to the city is one of level 4.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STATES = "state in ('proposed', 'open', 'closed', 'raised'{})"
_EXITS = "exit in ('declined', 'dismissed', 'absent')"


def upgrade() -> None:
    op.alter_column("whistle", "state", type_=sa.String(9))
    for column in ("postponed", "pressed"):
        op.add_column(
            "whistle", sa.Column(column, sa.SmallInteger(), nullable=False, server_default="0")
        )
    op.add_column("called_body", sa.Column("exit", sa.String(9), nullable=True))
    _replace("state_known", _STATES.format(", 'withdrawn'"))
    _replace("level_known", "level between 1 and 4")
    op.create_check_constraint(op.f("ck_called_body_exit_known"), "called_body", _EXITS)


def downgrade() -> None:
    op.execute("update whistle set state = 'closed' where state = 'withdrawn'")
    op.execute("update whistle set level = 3 where level = 4")
    op.drop_constraint(op.f("ck_called_body_exit_known"), "called_body", type_="check")
    _replace("level_known", "level between 1 and 3")
    _replace("state_known", _STATES.format(""))
    op.drop_column("called_body", "exit")
    for column in ("pressed", "postponed"):
        op.drop_column("whistle", column)
    op.alter_column("whistle", "state", type_=sa.String(8))


def _replace(name: str, rule: str) -> None:
    constraint = op.f(f"ck_whistle_{name}")
    op.drop_constraint(constraint, "whistle", type_="check")
    op.create_check_constraint(constraint, "whistle", rule)
