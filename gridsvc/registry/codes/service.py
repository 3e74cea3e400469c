"""Looks up what bears a code: a unit grid or a part, by 8 digits or by a national id."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gridsvc.codes import CodeKind, Level, Thing, kind_of, level_of, parse_code
from gridsvc.errors import BadCode, NotFound
from gridsvc.registry.codes import repository
from gridsvc.registry.codes.schemas import CodeMatches, GridMatch, PartMatch

__all__ = ["look_up"]


def look_up(session: Session, code: str, district: str | None = None) -> CodeMatches:
    """All that bear ``code``; without a district, in every district.

    Takes 8 digits, or a national id of 14, 15, 16 or 17. Raises BadCode for another form and for
    a district that is none, NotFound when nothing bears the code.
    """
    if district is not None and level_of(district) is not Level.DISTRICT:
        raise BadCode(f"{district!r} is no district: give its 6 digits.", field="district")
    kind = kind_of(code)
    parse_code(code)
    if kind is CodeKind.LOCAL:
        places = [district] if district is not None else repository.districts(session)
        matches = _of_local(session, places, code, tuple(Thing))
    else:
        bearer = repository.bearer(session, code)
        matches = []
        if bearer is not None and district in (None, bearer.district_code):
            matches = _of_local(session, [bearer.district_code], bearer.code, (Thing(bearer.kind),))
    if not matches:
        where = "the city" if district is None else f"district {district}"
        raise NotFound(f"Nothing in {where} bears the code {code}.", field="code")
    return CodeMatches(code=code, matches=matches)


def _of_local(
    session: Session, districts: list[str], code: str, things: tuple[Thing, ...]
) -> list[GridMatch | PartMatch]:
    found: list[GridMatch | PartMatch] = []
    if Thing.UNIT_GRID in things:
        found += map(GridMatch.of, repository.grids_with(session, districts, code))
    if Thing.PART in things:
        found += map(PartMatch.of, repository.parts_with(session, districts, code))
    return sorted(found, key=lambda match: (match.district_code, match.kind))
