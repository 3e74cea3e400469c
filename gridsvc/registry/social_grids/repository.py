"""The queries of social grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from gridsvc.registry.social_grids.models import SocialGrid
from gridsvc.registry.social_grids.tree import Grid


def grids_under(session: Session, prefix: str) -> list[Grid]:
    """The social grids whose area's code begins with a prefix, by district and code."""
    rows = session.execute(
        select(*(getattr(SocialGrid, one.name) for one in fields(Grid)))
        .where(SocialGrid.area_code.startswith(prefix, autoescape=True))
        .order_by(SocialGrid.district_code, SocialGrid.code)
    )
    return [Grid(*row) for row in rows]


def replace_grids(
    session: Session, district_code: str, grids: Sequence[Grid], *, source: str
) -> None:
    """Let a list be all social grids of a district."""
    session.execute(delete(SocialGrid).where(SocialGrid.district_code == district_code))
    if not grids:
        return
    session.execute(
        insert(SocialGrid),
        [{"district_code": district_code, "source": source, **asdict(grid)} for grid in grids],
    )
