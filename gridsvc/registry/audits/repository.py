"""The queries that read the areas of an edition for its audit."""

from __future__ import annotations

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.registry.audits.model import AreasToAudit

_AREAS = text(
    "select code, name, parent_code, st_asbinary(geometry) from area where edition_id = :edition"
    " order by code"
)
_GRIDS = text(
    "select district_code || code, national_id, community_code, st_asbinary(geometry)"
    " from unit_grid where edition_id = :edition and state = 'valid' order by 1"
)


def areas_to_audit(session: Session, edition_id: str, level: str) -> AreasToAudit:
    """The areas of an edition, or the valid unit grids of a build, in code order."""
    statement = _GRIDS if level == "unit_grid" else _AREAS
    rows = session.execute(statement, {"edition": edition_id}).all()
    return AreasToAudit(
        codes=tuple(row[0] for row in rows),
        names=tuple(row[1] for row in rows),
        parent_codes=tuple(row[2] for row in rows),
        geometries=shapely.from_wkb([bytes(row[3]) for row in rows]),
    )
