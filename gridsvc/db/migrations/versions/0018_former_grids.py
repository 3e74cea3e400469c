"""Earlier polygons of unit grids are drawn and taken away as present ones are.

They keep how compact they were, and are found by where they lie. That of polygons kept so far is
computed on the ellipsoid, less than a thousandth off what the metric plane gives.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gridsvc.db.migrate import unguarded

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("unit_grid_former", sa.Column("compactness", sa.Float(), nullable=True))
    with unguarded("a city may have kept a hundred thousand polygons"):
        op.execute(
            "update unit_grid_former set compactness ="
            " 4 * pi() * area_m2 / power(st_perimeter(cast(geometry as geography)), 2)"
        )
        op.create_index(
            "ix_unit_grid_former_geometry",
            "unit_grid_former",
            ["geometry"],
            postgresql_using="gist",
        )
    op.alter_column("unit_grid_former", "compactness", nullable=False)


def downgrade() -> None:
    op.drop_index("ix_unit_grid_former_geometry", "unit_grid_former")
    op.drop_column("unit_grid_former", "compactness")
