"""Unit grids rebuilt: earlier polygons, successors, and what each community was cut from.

An index lets the watch on no-man's-land read the cases of a period; what it finds is a dispute of
a kind of its own.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.columns import geometry

revision = "0008"
down_revision = "0007"

_KEYS = (
    (
        "fk_unit_grid_former_edition_id_edition",
        "unit_grid_former",
        ["edition_id"],
        "edition",
        ["id"],
    ),
    (
        "fk_unit_grid_former_district_code_unit_grid",
        "unit_grid_former",
        ["district_code", "code"],
        "unit_grid",
        ["district_code", "code"],
    ),
    (
        "fk_grid_successor_district_code_unit_grid",
        "grid_successor",
        ["district_code", "code"],
        "unit_grid",
        ["district_code", "code"],
    ),
)


def upgrade() -> None:
    op.add_column("unit_grid", sa.Column("redrawn_date", sa.Date(), nullable=True))
    op.add_column(
        "unit_grid", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    op.create_table(
        "unit_grid_former",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.String(length=80), nullable=False),
        geometry("geometry", "POLYGON"),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column("nominal_m2", sa.Float(), nullable=False),
        sa.Column("drawn_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "end_date >= drawn_date", name=op.f("ck_unit_grid_former_dates_in_order")
        ),
        sa.PrimaryKeyConstraint(
            "district_code", "code", "version", name=op.f("pk_unit_grid_former")
        ),
    )
    op.create_index("ix_unit_grid_former_dates", "unit_grid_former", ["drawn_date", "end_date"])
    op.create_table(
        "grid_successor",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("successor_district", sa.String(length=6), nullable=False),
        sa.Column("successor_code", sa.String(length=8), nullable=False),
        sa.Column("shared_m2", sa.Float(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.CheckConstraint("shared_m2 > 0", name=op.f("ck_grid_successor_shares_ground")),
        sa.PrimaryKeyConstraint(
            "district_code",
            "code",
            "successor_district",
            "successor_code",
            name=op.f("pk_grid_successor"),
        ),
    )
    op.create_index(
        "ix_grid_successor_successor", "grid_successor", ["successor_district", "successor_code"]
    )
    op.create_table(
        "gridded_community",
        sa.Column("district_code", sa.String(length=6), nullable=False),
        sa.Column("community_code", sa.String(length=12), nullable=False),
        sa.Column("communities_edition_id", sa.String(length=80), nullable=False),
        sa.Column("barriers_hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint(
            "district_code", "community_code", name=op.f("pk_gridded_community")
        ),
    )
    # Until now an edition of unit grids said in its source what it was cut from.
    op.execute(
        "insert into gridded_community (district_code, community_code, communities_edition_id)"
        " select district_code, community_code, communities from ("
        " select g.district_code, g.community_code, substr(e.source, length(prefix) + 1)"
        " as communities, row_number() over (partition by g.district_code, g.community_code"
        " order by e.loaded_at desc, e.id) as newest"
        " from (select text 'Cut by gridsvc from the communities of ' as prefix) p, unit_grid g"
        " join edition e on e.id = g.edition_id"
        " where g.state = 'valid' and starts_with(e.source, prefix)) cut"
        " where newest = 1 and communities in (select id from edition)"
    )
    op.create_index("ix_case_file_opened", "case_file", ["opened_at"], postgresql_using="brin")
    _know_kinds("'gap', 'overlap', 'conflict', 'neglect'")
    for name, table, columns, referred, target in _KEYS:
        op.create_foreign_key(op.f(name), table, referred, columns, target)


def downgrade() -> None:
    op.execute("update dispute set kind = 'conflict' where kind = 'neglect'")
    _know_kinds("'gap', 'overlap', 'conflict'")
    op.drop_index("ix_case_file_opened", "case_file")
    for table in ("gridded_community", "grid_successor", "unit_grid_former"):
        op.drop_table(table)
    op.drop_column("unit_grid", "version")
    op.drop_column("unit_grid", "redrawn_date")


def _know_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_dispute_kind_known"), "dispute")
    op.create_check_constraint(op.f("ck_dispute_kind_known"), "dispute", f"kind in ({kinds})")
