"""Looks up what bears a code: a unit grid or a part, by 8 digits or by a national id."""

from __future__ import annotations

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.codes import CodeKind, Level, Thing, kind_of, level_of, parse_code
from gridsvc.errors import BadCode, NotFound
from gridsvc.registry.codes import repository
from gridsvc.registry.codes.schemas import CodeMatches, GridMatch, PartMatch
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.service import area_at, areas_on
from gridsvc.registry.placement.store import Atlas

__all__ = ["look_up"]


def look_up(
    session: Session, code: str, district: str | None = None, *, atlas: Atlas | None = None
) -> CodeMatches:
    """All that bear ``code``; without a district, in every district.

    Takes 8 digits, or a national id of 14, 15, 16 or 17. Their areas are those that they were
    registered in, with ``atlas`` those of its day. Raises BadCode for another form and for a
    district that is none, NotFound when nothing bears the code.
    """
    if district is not None and level_of(district) is not Level.DISTRICT:
        raise BadCode(f"{district!r} is not a district; give its 6 digits.", field="district")
    kind = kind_of(code)
    parse_code(code)
    if kind is CodeKind.LOCAL:
        places = [district] if district is not None else repository.districts(session)
        matches = _of_local(session, places, code, tuple(Thing), atlas)
    else:
        bearer = repository.bearer(session, code)
        matches = []
        if bearer is not None and district in (None, bearer.district_code):
            things = (Thing(bearer.kind),)
            matches = _of_local(session, [bearer.district_code], bearer.code, things, atlas)
    if not matches:
        where = "the city" if district is None else f"district {district}"
        raise NotFound(f"Nothing in {where} has the code {code}.", field="code")
    return CodeMatches(code=code, matches=matches)


def _of_local(
    session: Session,
    districts: list[str],
    code: str,
    things: tuple[Thing, ...],
    atlas: Atlas | None,
) -> list[GridMatch | PartMatch]:
    found: list[GridMatch | PartMatch] = []
    if Thing.UNIT_GRID in things:
        for grid in repository.grids_with(session, districts, code):
            found.append(
                GridMatch.of(grid, **({} if atlas is None else _areas_of_grid(atlas, grid)))
            )
    if Thing.PART in things:
        for part in repository.parts_with(session, districts, code):
            found.append(PartMatch.of(part, **({} if atlas is None else areas_on(atlas, part))))
    return sorted(found, key=lambda match: (match.district_code, match.kind))


def _areas_of_grid(atlas: Atlas, grid: UnitGrid) -> dict[str, str | None]:
    """The street and the community that hold a point inside the cell on the atlas's day."""
    place = shapely.point_on_surface(to_shape(grid.geometry))
    return {
        f"{level}_code": area_at(atlas, level, grid.district_code, place.x, place.y)
        for level in (Level.STREET, Level.COMMUNITY)
    }
