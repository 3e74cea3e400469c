"""Place texts and later records of reports; cases that were joined into another.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("report", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("report", sa.Column("place_text", sa.String(), nullable=True))
    op.add_column("report", sa.Column("place_key", sa.String(), nullable=True))
    op.add_column(
        "case_file", sa.Column("joined_into_district", sa.String(length=6), nullable=True)
    )
    op.add_column("case_file", sa.Column("joined_into", sa.Uuid(), nullable=True))
    with unguarded("the tables are read once, though their new columns are empty"):
        op.create_check_constraint(
            op.f("ck_case_file_joined_into_whole"),
            "case_file",
            "(joined_into is null) = (joined_into_district is null)",
        )
        op.create_check_constraint(
            op.f("ck_case_file_joined_is_closed"),
            "case_file",
            "joined_into is null or state = 'closed'",
        )
        op.create_index(
            "ix_case_file_joined_into",
            "case_file",
            ["joined_into"],
            postgresql_where=sa.text("joined_into is not null"),
        )
        op.create_index(
            "ix_case_file_part",
            "case_file",
            ["district_code", "part_code"],
            postgresql_where=sa.text("part_code is not null"),
        )
        op.create_index(
            "ix_report_place",
            "report",
            ["district_code", "place_key", "class_code", "created_at"],
            postgresql_where=sa.text("place_key is not null"),
        )


def downgrade() -> None:
    op.drop_index("ix_report_place", "report")
    op.drop_index("ix_case_file_part", "case_file")
    op.drop_index("ix_case_file_joined_into", "case_file")
    op.drop_constraint(op.f("ck_case_file_joined_is_closed"), "case_file")
    op.drop_constraint(op.f("ck_case_file_joined_into_whole"), "case_file")
    for column in ("joined_into", "joined_into_district"):
        op.drop_column("case_file", column)
    for column in ("place_key", "place_text", "recorded_at"):
        op.drop_column("report", column)
