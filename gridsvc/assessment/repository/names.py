"""What the keys of lines are called: areas, bodies, classes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from gridsvc.assessment.rates import Dimension
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.editions.repository import codes_in, edition_in_force


def areas_of_level(session: Session, level: str, day: dt.datetime) -> dict[str, str]:
    """Code and name of every area of a level in force on a day."""
    edition = edition_in_force(session, level, day)
    return {} if edition is None else codes_in(session, edition.id)


def names(
    session: Session, dimension: Dimension, keys: Iterable[str], day: dt.datetime, standard: str
) -> dict[str, str]:
    """The names of the keys of a dimension, as of a day; what has none is not in it.

    Classes without a list of their own are named by the list ``standard``.
    """
    match dimension:
        case Dimension.DISTRICT | Dimension.STREET | Dimension.COMMUNITY:
            return areas_of_level(session, dimension.value, day)
        case Dimension.BODY:
            return {body.code: body.name for body in bodies_by_code(session, keys).values()}
        case Dimension.CLASS:
            return {
                f"{kind}:{code}": name
                for kind in ("event", "part")
                for code, name in names_of(session, standard, kind).items()
            }
        case Dimension.CITY:
            return {"city": "全部 All"}
        case Dimension.INSPECTOR | Dimension.MONTH:
            return {}
