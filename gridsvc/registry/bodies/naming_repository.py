"""Bodies found by what their names contain."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.models import Body

__all__ = ["bodies_named"]


def bodies_named(session: Session, words: Sequence[str], area_codes: Sequence[str]) -> list[str]:
    """The codes of the bodies of the narrowest of some areas whose names contain one of the words.

    Where a place's district has a water bureau, that of the city is left out.
    """
    rows = session.execute(
        select(Body.code, Body.area_code)
        .where(
            Body.area_code.in_(area_codes),
            or_(*(Body.name.contains(word, autoescape=True) for word in words)),
        )
        .order_by(func.length(Body.area_code).desc(), Body.code)
    ).all()
    return [code for code, area in rows if len(area) == len(rows[0].area_code)]
