"""What the map shows of joint cases in a box is found by where it is.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COLUMNS = ("point", "footprint")


def upgrade() -> None:
    with unguarded("a city has many whistles"):
        for column in _COLUMNS:
            op.create_index(f"ix_whistle_{column}", "whistle", [column], postgresql_using="gist")


def downgrade() -> None:
    for column in _COLUMNS:
        op.drop_index(f"ix_whistle_{column}", "whistle")
