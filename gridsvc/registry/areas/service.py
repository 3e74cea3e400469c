"""Areas come in as an edition in draft, checked; nothing answers from it yet."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level, covers, level_of, parent_of
from gridsvc.errors import BadCode, BadGeometry, BadInput, Conflict
from gridsvc.registry.areas import repository
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionAction, EditionState
from gridsvc.registry.editions.service import SERVICE, existing_edition, record
from gridsvc.spatial.ellipsoid import area_m2


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
    at: dt.datetime,
    audit: dict[str, Any] | None = None,
    reason: str | None = None,
    by: str = SERVICE,
) -> Edition:
    """Store areas as a new edition in draft; nothing answers from it until it is activated.

    ``level`` is district, street or community; ``effective_from`` and ``at``, when it is
    loaded, are aware times; ``audit`` is
    what the import found; ``reason`` says why the edition is made, ``by`` who makes it. Raises
    Conflict when the id is taken, BadInput for a level, date or accuracy that cannot be, and what
    ``add_areas`` raises.
    """
    if level not in set(Level):
        raise BadInput(
            f"An edition of level {level!r} cannot be loaded; give {', '.join(Level)}.",
            field="level",
        )
    if effective_from.tzinfo is None:
        raise BadInput("'effective_from' has no time zone; add one.", field="effective_from")
    if not 0 <= accuracy_m < 100_000:
        raise BadInput(
            f"An accuracy of {accuracy_m} m is impossible; give how far, in metres, the borders"
            " may be from the truth.",
            field="accuracy_m",
        )
    if not 0 < len(id) <= 80:
        raise BadInput("The id of an edition has 1 to 80 characters.", field="id")
    if edition_repository.edition(session, id) is not None:
        raise Conflict(
            f"The edition {id!r} already exists; choose another id, or discard it if it is a"
            " draft.",
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
        loaded_at=at,
        audit=audit,
        audited_at=None,
        reason=reason,
    )
    session.add(made)
    session.flush()
    add_areas(session, id, areas)
    record(session, made, EditionAction.LOADED, by=by, at=made.loaded_at, reason=reason)
    return made


def add_areas(session: Session, edition_id: str, areas: Sequence[NewArea]) -> None:
    """Add areas to a draft.

    Raises NotFound for an unknown edition; Conflict when it is not a draft, or holds a code
    already; BadCode when a code is not of its level, comes twice, or does not lie below its
    parent's; BadGeometry when an area is empty, broken or no polygon. Then nothing is stored.
    """
    edition = existing_edition(session, edition_id)
    if edition.state != EditionState.DRAFT:
        raise Conflict(
            f"The edition {edition_id!r} is {edition.state}, and its areas never change; load the"
            " new boundaries as an edition of their own."
        )
    if edition_repository.was_in_force(session, edition_id):
        raise Conflict(
            f"The edition {edition_id!r} was in force and taken back; old placements refer to it,"
            " so its areas never change. Load the new boundaries as an edition of their own."
        )
    if not areas:
        return
    _check_codes(edition, areas)
    present = edition_repository.codes_in(session, edition_id)
    for area in areas:
        if area.code in present:
            raise Conflict(f"The edition {edition_id!r} already holds {area.code}.", field="code")
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
                f"{area.code} does not lie below {area.parent}; an area's code begins with its"
                " parent's.",
                field="parent",
            )
    code, count = Counter(area.code for area in areas).most_common(1)[0]
    if count > 1:
        raise BadCode(f"{code} occurs {count} times; a code is one area.", field="code")


def _check_geometry(area: NewArea) -> None:
    shape = area.geometry
    if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadGeometry(f"{area.code} is not an area; give a Polygon or MultiPolygon.")
    if not shape.is_valid:
        raise BadGeometry(
            f"The area of {area.code} is broken ({shapely.is_valid_reason(shape)}); repair it"
            " first."
        )
