"""The queries about what happened to editions, and about the versions of their areas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session

from gridsvc.registry.editions.models import Edition, EditionAction, EditionEvent
from gridsvc.registry.in_force import AREA, edition_id_at


@dataclass(frozen=True, slots=True)
class Before:
    """An area as the last edition in force that had its code drew it.

    ``identical``: the geometry of the new edition is the same, bit by bit.
    """

    code: str
    edition_id: str
    version: int
    reason: str | None
    identical: bool


def events_of(session: Session, edition_id: str) -> Sequence[EditionEvent]:
    """What happened to an edition, the first event first."""
    return session.scalars(
        select(EditionEvent).where(EditionEvent.edition_id == edition_id).order_by(EditionEvent.id)
    ).all()


def was_in_force(session: Session, edition_id: str) -> bool:
    """Whether an edition was ever activated."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    EditionEvent.edition_id == edition_id,
                    EditionEvent.action == EditionAction.ACTIVATED,
                )
            )
        )
    )


def area_count(session: Session, edition_id: str) -> int:
    """How many areas, or unit grids, an edition holds."""
    found = session.scalar(
        text(
            "select (select count(*) from area where edition_id = :edition)"
            " + (select count(*) from unit_grid where edition_id = :edition)"
            " + (select count(*) from unit_grid_former where edition_id = :edition)"
        ),
        {"edition": edition_id},
    )
    return int(found or 0)


def areas_before(session: Session, edition: Edition) -> list[Before]:
    """The codes of an edition that an earlier one in force had, as the last of those drew them."""
    rows = session.execute(
        text(
            "select n.code, b.edition_id, b.version, b.reason,"
            " st_asbinary(n.geometry) = st_asbinary(b.geometry)"
            " from area n join lateral (select a.* from edition e join area a"
            "  on a.edition_id = e.id and a.code = n.code"
            "  where e.level = :level and e.state in ('active', 'retired') and e.id <> :edition"
            "  and e.effective_from < :begin order by e.effective_from desc limit 1) b on true"
            " where n.edition_id = :edition order by n.code"
        ),
        {"edition": edition.id, "level": edition.level, "begin": edition.effective_from},
    )
    return [Before(*row) for row in rows]


def geometries_of(session: Session, keys: Sequence[tuple[str, str]]) -> list[Any]:
    """The shapely geometries (WGS84) of these pairs of edition and code, in their order."""
    rows = session.execute(
        text(
            "select st_asbinary(a.geometry)"
            " from unnest(cast(:editions as text[]), cast(:codes as text[]))"
            " with ordinality as k (edition_id, code, n)"
            " join area a on a.edition_id = k.edition_id and a.code = k.code order by k.n"
        ),
        {"editions": [key[0] for key in keys], "codes": [key[1] for key in keys]},
    )
    return [shapely.from_wkb(bytes(row[0])) for row in rows]


def named_areas(
    session: Session,
    edition_id: str,
    *,
    codes: Sequence[str] | None = None,
    touching: Any = None,
) -> dict[str, tuple[str, Any]]:
    """Name and geometry (WGS84) of an edition's areas, by code, in code order.

    Of these ``codes`` alone, and of those ``touching`` some ground (WGS84), where one is given.
    """
    query = select(AREA.c.code, AREA.c.name, func.st_asbinary(AREA.c.geometry))
    query = query.where(AREA.c.edition_id == edition_id).order_by(AREA.c.code)
    if codes is not None:
        query = query.where(AREA.c.code.in_(codes))
    if touching is not None:
        ground = func.st_geomfromwkb(touching.wkb, 4326)
        query = query.where(func.st_intersects(AREA.c.geometry, ground))
    rows = session.execute(query).all()
    shapes = shapely.from_wkb([bytes(row[2]) for row in rows])
    return {row[0]: (row[1], shape) for row, shape in zip(rows, shapes, strict=True)}


def set_versions(
    session: Session, edition_id: str, versions: Mapping[str, tuple[int, str | None]]
) -> None:
    """Set version and reason of an edition's areas, by code."""
    session.execute(
        text(
            "update area a set version = v.version, reason = v.reason"
            " from unnest(cast(:codes as text[]), cast(:versions as int[]),"
            " cast(:reasons as text[])) as v (code, version, reason)"
            " where a.edition_id = :edition and a.code = v.code"
        ),
        {
            "edition": edition_id,
            "codes": list(versions),
            "versions": [version for version, _ in versions.values()],
            "reasons": [reason for _, reason in versions.values()],
        },
    )


def editions(session: Session, level: str | None = None) -> Sequence[Edition]:
    """All editions, or those of one level, by level and date."""
    query = select(Edition).order_by(Edition.level, Edition.effective_from, Edition.id)
    if level is not None:
        query = query.where(Edition.level == level)
    return session.scalars(query).all()


def edition(session: Session, edition_id: str) -> Edition | None:
    """The edition of this id."""
    return session.get(Edition, edition_id)


def edition_in_force(session: Session, level: str, moment: dt.datetime) -> Edition | None:
    """The edition of a level that is in force at a moment."""
    return session.scalars(
        select(Edition).where(Edition.id == edition_id_at(level, moment))
    ).first()


def lock_level(session: Session, level: str) -> Sequence[Edition]:
    """All editions of a level, read afresh and held against other writers until the commit."""
    return session.scalars(
        select(Edition)
        .where(Edition.level == level)
        .order_by(Edition.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def delete_edition(session: Session, edition_id: str) -> None:
    """Delete an edition and its areas."""
    session.execute(text("delete from area where edition_id = :id"), {"id": edition_id})
    session.execute(text("delete from edition where id = :id"), {"id": edition_id})


def codes_in(session: Session, edition_id: str) -> dict[str, str]:
    """Code and name of every area of an edition."""
    rows = session.execute(
        text("select code, name from area where edition_id = :edition order by code"),
        {"edition": edition_id},
    )
    return {row[0]: row[1] for row in rows}
