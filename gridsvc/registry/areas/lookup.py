"""Answers about areas: one by its code, pages of many, children, neighbours, the exact geometry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import Level, level_of
from gridsvc.errors import BadCode, BadInput, NotFound
from gridsvc.registry.areas import repository
from gridsvc.registry.areas.repository import AreaRow
from gridsvc.registry.areas.schemas import (
    AreaNeighbours,
    AreaPage,
    AreaRead,
    AreaSummary,
    EditionDetail,
    EditionEventRead,
    EditionPage,
    EditionRead,
    EditionSummary,
    NeighbourRead,
    ParentRead,
)
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.editions.repository import area_count
from gridsvc.registry.editions.service import edition_in_force, existing_edition

#: The states of editions that are or were in force.
_PUBLIC = frozenset({EditionState.ACTIVE, EditionState.RETIRED})


def editions_page(
    session: Session,
    *,
    drafts: bool,
    level: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> EditionPage:
    """Editions by level and date; ``cursor`` is the last page's ``next``.

    ``drafts``: with those that were never in force, for staff.

    Raises BadInput for a cursor that no page gave.
    """
    kept = edition_repository.editions(session, level)
    every = [it for it in kept if drafts or it.state in _PUBLIC]
    ids = [edition.id for edition in every]
    if cursor is not None and cursor not in ids:
        raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
    begin = 0 if cursor is None else ids.index(cursor) + 1
    page = every[begin : begin + limit]
    return EditionPage(
        editions=[EditionSummary.model_validate(it, from_attributes=True) for it in page],
        next=page[-1].id if begin + limit < len(every) else None,
    )


def shown_edition(session: Session, edition_id: str, *, drafts: bool) -> Edition:
    """An edition, if it may be shown: ``drafts`` that were never in force to staff alone.

    Raises NotFound.
    """
    edition = existing_edition(session, edition_id)
    if not drafts and edition.state not in _PUBLIC:
        raise NotFound(
            f"There is no edition {edition_id[:80]!r} that is or was in force; drafts are shown to"
            " staff.",
            field="edition",
        )
    return edition


def edition_detail(session: Session, edition_id: str, *, whole: bool = True) -> EditionDetail:
    """One edition with its audit and its history. Raises NotFound.

    ``whole``: drafts too, and who did what, as staff are told.
    """
    edition = shown_edition(session, edition_id, drafts=whole)
    told = EditionEventRead.model_fields.keys() - (set() if whole else {"actor"})
    return EditionDetail(
        **EditionSummary.model_validate(edition, from_attributes=True).model_dump(),
        areas=area_count(session, edition.id),
        audit=edition.audit,
        history=[
            EditionEventRead.model_validate({name: getattr(it, name) for name in told})
            for it in edition_repository.events_of(session, edition.id)
        ],
    )


def list_areas(
    session: Session,
    *,
    level: str | None = None,
    parent: str | None = None,
    name: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    moment: dt.datetime,
) -> AreaPage:
    """Areas in force at a moment, in code order.

    ``level`` is district, street or community, all three when None; ``parent`` gives the areas
    right below a code; ``name`` is a piece of the name; ``cursor`` is the last page's ``next``.
    Raises BadInput for an unknown level, a name that cannot be, or a cursor that no page gave;
    BadCode; and NotFound when no edition was in force.
    """
    if level is not None and level not in set(Level):
        raise BadInput(f"{level!r} is not a level; send {', '.join(Level)}.", field="level")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
    if parent is not None:
        _level_of(parent, "parent")
    if name is not None and "\0" in name:
        raise BadInput("A name cannot contain the character NUL; leave it out.", field="name")
    every = _in_force(session, moment)
    wanted = every if level is None else {level: edition_in_force(session, level, moment)}
    if not wanted:
        edition_in_force(session, Level.DISTRICT, moment)
    rows = repository.areas_page(
        session,
        [edition.id for edition in wanted.values()],
        all_edition_ids=[edition.id for edition in every.values()],
        level=level,
        parent=parent,
        name=name,
        after=cursor or "",
        limit=limit + 1,
    )
    page = rows[:limit]
    return AreaPage(
        areas=[_summary(row) for row in page],
        edition={key: _edition(edition) for key, edition in wanted.items()},
        next=page[-1].code if len(rows) > limit else None,
    )


def find_area(session: Session, code: str, moment: dt.datetime) -> AreaRead:
    """One area as it is at a moment. Raises BadCode, NotFound."""
    edition, row = _area(session, code, moment)
    return AreaRead(**_summary(row).model_dump(), edition=_edition(edition))


def children_page(
    session: Session,
    code: str,
    *,
    limit: int = 100,
    cursor: str | None = None,
    moment: dt.datetime,
) -> AreaPage:
    """The areas right below one. Raises BadCode, BadInput, NotFound; a community has none."""
    _area(session, code, moment)
    below = {Level.DISTRICT: Level.STREET, Level.STREET: Level.COMMUNITY}.get(level_of(code))
    if below is None:
        raise NotFound(
            f"{code} is a community, and no areas lie below it; its unit grids are found by"
            " '/v1/codes' and '/v1/locate'."
        )
    return list_areas(session, level=below, parent=code, limit=limit, cursor=cursor, moment=moment)


def neighbours_of(session: Session, code: str, moment: dt.datetime) -> AreaNeighbours:
    """The areas of the same level that touch one, the longest border first; corners are flagged.

    Raises BadCode, NotFound.
    """
    edition, row = _area(session, code, moment)
    found = [
        NeighbourRead(code=other, name=name, border_m=round(border_m, 3), corner=border_m == 0)
        for other, name, border_m in repository.neighbours(session, edition.id, code)
    ]
    found.sort(key=lambda neighbour: (-neighbour.border_m, neighbour.code))
    return AreaNeighbours(code=code, name=row.name, neighbours=found, edition=_edition(edition))


def area_geometry(session: Session, code: str, moment: dt.datetime) -> dict[str, Any]:
    """The exact GeoJSON geometry of an area, with code and edition as foreign members.

    Raises BadCode, NotFound.
    """
    edition, _ = _area(session, code, moment)
    geometry: Mapping[str, Any] = shapely.geometry.mapping(
        repository.geometry_of(session, edition.id, code)
    )
    return {**geometry, "code": code, "edition": _edition(edition).model_dump(mode="json")}


def _level_of(code: str, field: str) -> Level:
    try:
        return level_of(code)
    except BadCode as error:
        error.field = field
        raise


def _in_force(session: Session, moment: dt.datetime) -> dict[str, Edition]:
    """The edition of each level in force at a moment, where there is one."""
    found = {
        level.value: edition_repository.edition_in_force(session, level, moment) for level in Level
    }
    return {level: edition for level, edition in found.items() if edition is not None}


def _area(session: Session, code: str, moment: dt.datetime) -> tuple[Edition, AreaRow]:
    level = _level_of(code, "code")
    edition = edition_in_force(session, level, moment)
    every = [it.id for it in _in_force(session, moment).values()]
    row = repository.area_in(session, edition.id, code, all_edition_ids=every)
    if row is None:
        raise NotFound(
            f"The edition {edition.id!r} has no {level} {code}; '/v1/areas?level={level}' lists"
            " what there is.",
            field="code",
        )
    return edition, row


def _summary(row: AreaRow) -> AreaSummary:
    parent = (
        None if row.parent_code is None else ParentRead(code=row.parent_code, name=row.parent_name)
    )
    return AreaSummary(
        code=row.code,
        name=row.name,
        level=row.level,
        parent=parent,
        area_m2=round(row.area_m2, 3),
        note=row.note,
        version=row.version,
        reason=row.reason,
    )


def _edition(edition: Edition) -> EditionRead:
    return EditionRead.model_validate(edition, from_attributes=True)
