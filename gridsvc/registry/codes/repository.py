"""The queries behind the look-up of a code."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.grids.models import NationalId, UnitGrid
from gridsvc.registry.parts.models import Part

__all__ = ["bearer", "districts", "grids_with", "parts_with"]


def districts(session: Session) -> list[str]:
    """The codes of all districts that any edition has had."""
    return list(
        session.scalars(text("select distinct code from area where level = 'district' order by 1"))
    )


def grids_with(session: Session, districts: Sequence[str], code: str) -> list[UnitGrid]:
    """The unit grids, valid or void, that bear an 8-digit code in these districts."""
    return list(
        session.scalars(
            select(UnitGrid)
            .where(UnitGrid.district_code.in_(districts), UnitGrid.code == code)
            .order_by(UnitGrid.district_code)
        )
    )


def parts_with(session: Session, districts: Sequence[str], code: str) -> list[Part]:
    """The parts that bear an 8-digit code in these districts."""
    return list(
        session.scalars(
            select(Part)
            .where(Part.district_code.in_(districts), Part.code == code)
            .order_by(Part.district_code)
        )
    )


def bearer(session: Session, national_id: str) -> NationalId | None:
    """What bears a national id."""
    return session.get(NationalId, national_id)
