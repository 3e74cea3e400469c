"""Contact points: a list is kept only if it is a cover, and each area is asked for its judge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.errors import BadFile, BadInput, Conflict
from gridsvc.registry.bodies.importer import RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.contact_points import repository
from gridsvc.registry.contact_points.model import Cover, KeptList, Listed, NamedArea, Point


def keep_list(
    session: Session,
    city: City,
    area: str,
    day: dt.date,
    listed: Sequence[Listed],
    *,
    source: str,
    expected: Mapping[str, int] | None = None,
) -> KeptList:
    """Let rows be all contact points of a district or street from a day on, if they cover it.

    Every village and community in force there must be in exactly one row, with a judge who serves
    as a contact point on that day; otherwise nothing is kept, and the answer says why. ``expected``
    are totals (points, judges) that the rows must have.

    Raises BadInput for an area without communities, Conflict where a later list is kept, BadFile
    for other totals.
    """
    communities = _communities(session, city, area, day)
    if len(area) not in (6, 9) or not communities:
        raise BadInput(
            f"No district or street '{area[:12]}' with communities is in force on {day}.",
            field="area",
        )
    repository.lock_points(session, area[:6])
    later = repository.latest_after(session, area, day)
    if later is not None:
        raise Conflict(f"A list of contact points from {later} on is kept; give that day or later.")
    judges = repository.judges_on(session, area[:6], {one.judge for one in listed}, day)
    faults, first = [], dict[str, int]()
    for one in listed:
        if why := _wrong(one, first, communities, judges, day):
            faults.append(RefusedRow(one.line, why))
        first.setdefault(one.area, one.line)
    missing = tuple(NamedArea(*it) for it in communities.items() if it[0] not in first)
    found = KeptList(len(listed), len({one.judge for one in listed}), tuple(faults), missing)
    if found.kept:
        there = {"points": found.points, "judges": found.judges}
        for name, number in (expected or {}).items():
            if there[name] != number:
                raise BadFile(
                    f"{source} has {there[name]:,} {name}, but {number:,} were expected; nothing"
                    " was kept."
                )
        repository.replace_points(session, area, day, listed, source=source)
    return found


def cover_of(session: Session, city: City, prefix: str, day: dt.date) -> Cover:
    """What the contact points of a day leave open under an area ('' is the city)."""
    communities = _communities(session, city, prefix, day)
    points = repository.points_on(session, prefix, day)
    there = {one.area_code for one in points}
    return Cover(
        areas=len(communities),
        points=len(points),
        judges=len({one.judge_code for one in points}),
        missing=tuple(NamedArea(*it) for it in communities.items() if it[0] not in there),
        without_judge=tuple(one for one in points if one.judge_name is None),
        astray=tuple(one for one in points if one.area_code not in communities),
    )


def point_of(session: Session, area: str, day: dt.date) -> Point | None:
    """The contact point of a village or community on a day."""
    return next(iter(repository.points_on(session, area, day, limit=1)), None)


def court_of(session: Session, area: str | None, day: dt.date) -> str:
    """The court whose judge is there for a village or community. Raises BadInput where none is."""
    point = None if area is None else point_of(session, area, day)
    if point is None or point.court is None:
        raise BadInput(
            f"{area or 'The place'} has no judge's contact point on {day}; supervision enters it"
            " in the list of the district.",
            field="procedure",
        )
    return point.court


def _communities(session: Session, city: City, prefix: str, day: dt.date) -> dict[str, str]:
    return active_areas(session, "community", prefix, city.calendar.ends(day))


def _wrong(
    one: Listed,
    first: Mapping[str, int],
    communities: Mapping[str, str],
    judges: set[str],
    day: dt.date,
) -> str | None:
    if one.area not in communities:
        return f"no village or community '{one.area[:20]}' of the list's area is in force"
    if one.area in first:
        return f"{one.area} has a contact point in line {first[one.area]} already"
    if not 0 < len(one.name) <= 100 or "\0" in one.name:
        return "the name must have 1 to 100 characters, none of them U+0000"
    if one.judge not in judges:
        return f"'{one.judge[:20]}' is not in the register of staff as a contact point on {day}"
    return None
