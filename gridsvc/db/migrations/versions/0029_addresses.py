"""A case bears the address of its first report that gave one.

Revision ID: 0029
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0029"
down_revision = "0030"
branch_labels = None
depends_on = None

_OF_REPORTS = """
update case_file c set place_key = said.place_key, place_learnt = said.learnt
from (
    select distinct on (case_district, case_id) case_district, case_id, place_key, learnt
    from (
        select case_district, case_id, place_key, created_at, id,
            row_number() over (partition by case_district, case_id order by created_at, id) > 1
                as learnt
        from report
    ) as numbered
    where place_key is not null order by case_district, case_id, created_at, id
) as said
where c.district_code = said.case_district and c.id = said.case_id
"""


def upgrade() -> None:
    op.add_column("case_file", sa.Column("place_key", sa.String(collation="C"), nullable=True))
    op.add_column(
        "case_file",
        sa.Column("place_learnt", sa.Boolean(), nullable=False, server_default="false"),
    )
    with unguarded("a city has many reports, each of which may name the address of its case"):
        op.execute(_OF_REPORTS)
        op.create_index(
            "ix_case_file_place",
            "case_file",
            ["district_code", "place_key"],
            postgresql_where=sa.text("place_key is not null"),
        )
    op.drop_index("ix_report_place", "report")


def downgrade() -> None:
    with unguarded("a city has many reports"):
        op.create_index(
            "ix_report_place",
            "report",
            ["district_code", "place_key", "class_code", "created_at"],
            postgresql_where=sa.text("place_key is not null"),
        )
    op.drop_index("ix_case_file_place", "case_file")
    op.drop_column("case_file", "place_learnt")
    op.drop_column("case_file", "place_key")
