"""Looks up what bears a code: a unit grid or a part, by 8 digits or by a national id."""

from __future__ import annotations

from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.codes import CodeKind, Level, Thing, kind_of, level_of, parse_code
from gridsvc.errors import BadCode, NotFound
from gridsvc.registry.codes import repository
from gridsvc.registry.codes.repository import Drawn
from gridsvc.registry.codes.schemas import CodeMatches, GridMatch, PartMatch
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.service import area_at, areas_on
from gridsvc.registry.placement.store import DatedAtlas


def look_up(
    session: Session,
    code: str,
    district: str | None = None,
    *,
    then: DatedAtlas | None = None,
    whole: bool = False,
    beside: tuple[float, float] | None = None,
) -> CodeMatches:
    """All that bear ``code``; without a district, in every district.

    Takes 8 digits, or a national id of 14, 15, 16 or 17. Their areas are those that they were
    registered in; with ``then`` those of its day, and cells are as they were. ``whole``: with what
    is only told to staff. Raises BadCode for another form and for a district that is none, NotFound
    when nothing bears the code, which offers the parts whose codes are like it (``similar``), those
    nearest to ``beside`` (WGS84) first.
    """
    if district is not None and level_of(district) is not Level.DISTRICT:
        raise BadCode(f"{district!r} is not a district; give its 6 digits.", field="district")
    kind = kind_of(code)
    parse_code(code)
    if kind is CodeKind.LOCAL:
        places = [district] if district is not None else repository.districts(session)
        matches = _of_local(session, places, code, tuple(Thing), then, whole)
    else:
        bearer = repository.bearer(session, code)
        matches = []
        if bearer is not None and district in (None, bearer.district_code):
            things = (Thing(bearer.kind),)
            matches = _of_local(session, [bearer.district_code], bearer.code, things, then, whole)
    if not matches:
        where = "the city" if district is None else f"district {district}"
        if then is None:
            said = f"Nothing in {where} has the code {code}."
            raise NotFound(
                said, field="code", similar=similar_parts(session, code, district, beside)
            )
        raise NotFound(f"Nothing in {where} had the code {code} on {then.day}.", field="code")
    return CodeMatches(code=code, matches=matches)


#: So many parts are offered for a code that none has.
_MOST_SIMILAR = 10


def similar_parts(
    session: Session, code: str, district: str | None, beside: tuple[float, float] | None
) -> list[dict[str, Any]]:
    """Parts whose 8-digit code has one digit other than ``code``, or two that changed places.

    Each with ``district_code``, ``code``, ``class_code``, ``name`` and ``distance_m`` to ``beside``
    (WGS84, nearest first) or None. Of a national id nothing is like it: its digits are not said.
    """
    if kind_of(code) is not CodeKind.LOCAL:
        return []
    places = [district] if district is not None else repository.districts(session)
    return repository.parts_with_any(session, places, _misheard(code), beside, _MOST_SIMILAR)


def _misheard(code: str) -> list[str]:
    found = {
        code[:n] + digit + code[n + 1 :] for n in range(len(code)) for digit in "0123456789"
    } | {
        code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(len(code) - 1)
    }  # fmt: skip
    return sorted(found - {code})


def _of_local(
    session: Session,
    districts: list[str],
    code: str,
    things: tuple[Thing, ...],
    then: DatedAtlas | None,
    whole: bool,
) -> list[GridMatch | PartMatch]:
    found: list[GridMatch | PartMatch] = []
    day = None if then is None else then.day
    if Thing.UNIT_GRID in things:
        grids = repository.grids_with(session, districts, code, day)
        drawn = {} if day is None else repository.polygons_on(session, districts, code, day)
        for grid in grids:
            was = drawn.get(grid.district_code)
            found.append(GridMatch.of(grid) if then is None else _grid_then(then, grid, was))
    if Thing.PART in things:
        for part in repository.parts_with(session, districts, code, day):
            areas = {} if then is None else areas_on(then.atlas, part)
            found.append(PartMatch.of(part, whole=whole, kind="part", **areas))
    return sorted(found, key=lambda match: (match.district_code, match.kind))


def _grid_then(then: DatedAtlas, grid: UnitGrid, was: Drawn | None) -> GridMatch:
    """A unit grid as it was on a day, in the areas of a point inside it; a void one as it ended."""
    polygon = to_shape(grid.geometry) if was is None else was.polygon
    place = shapely.point_on_surface(polygon)
    areas = {
        f"{level}_code": area_at(then.atlas, level, grid.district_code, place.x, place.y)
        for level in (Level.STREET, Level.COMMUNITY)
    }
    if was is None:
        return GridMatch.of(grid, **areas)
    sizes = {"area_m2": was.area_m2, "nominal_m2": was.nominal_m2}
    valid = {"state": "valid", "void_reason": None, "successor_code": None}
    return GridMatch.of(grid, polygon, **areas, **sizes, **valid)
