"""The tree of areas and social grids, as it is in force."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.social_grids.repository import grids_under
from gridsvc.registry.social_grids.tree import Node, grow


def social_tree(session: Session, prefix: str, *, now: dt.datetime) -> Node:
    """The tree under an area ('' is the city), with the social grids of both levels."""
    areas = {
        code: name
        for level in ("district", "street", "community")
        for code, name in active_areas(session, level, prefix, now).items()
    }
    return grow(areas, grids_under(session, prefix), prefix=prefix)
