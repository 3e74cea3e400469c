"""Indexes by which a body's open cases are listed, and those near a report are found.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0015"
down_revision = "0014"

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    with unguarded("a city has millions of cases"):
        op.create_index("ix_case_file_body", "case_file", ["lead_body", "state", "id"])
        op.create_index(
            "ix_case_file_urgent",
            "case_file",
            ["lead_body", "limit_at", "id"],
            postgresql_where=_OPEN,
        )
        op.create_index(
            "ix_case_file_open_point",
            "case_file",
            ["point"],
            postgresql_using="gist",
            postgresql_where=_OPEN,
        )
    # Its first column was never asked for alone with the second.
    op.drop_index("ix_case_file_lead", "case_file")


def downgrade() -> None:
    with unguarded("a city has millions of cases"):
        op.create_index("ix_case_file_lead", "case_file", ["district_code", "lead_body", "state"])
    for name in ("ix_case_file_open_point", "ix_case_file_urgent", "ix_case_file_body"):
        op.drop_index(name, "case_file")
