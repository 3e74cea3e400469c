"""An index by which closed cases of a class near a report are found.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    with unguarded("a city has millions of closed cases"):
        op.create_index(
            "ix_case_file_closed_cell",
            "case_file",
            [
                "class_code",
                sa.text("(floor(st_x(point) * 250)::int)"),
                sa.text("(floor(st_y(point) * 250)::int)"),
            ],
            postgresql_where=sa.text("state = 'closed'"),
        )


def downgrade() -> None:
    op.drop_index("ix_case_file_closed_cell", "case_file")
