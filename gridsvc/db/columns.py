"""What many migrations say alike: columns of geometry, tables to which one may only add."""

from __future__ import annotations

from typing import Any

import geoalchemy2
import sqlalchemy as sa
from alembic import op

#: The role that the service has in the database.
SERVICE_ROLE = "gridsvc_service"


def geometry(name: str, kind: str = "GEOMETRY", *, nullable: bool = False) -> sa.Column[Any]:
    """A column of geometries of a kind in WGS84 (SRID 4326), without an index."""
    return sa.Column(
        name, geoalchemy2.Geometry(kind, srid=4326, spatial_index=False), nullable=nullable
    )


def only_add(*tables: str) -> None:
    """Take from the service the right to change rows of these tables, or to delete them."""
    for table in tables:
        op.execute(f"revoke update, delete, truncate on {table} from {SERVICE_ROLE}")
