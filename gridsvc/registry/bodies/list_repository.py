"""The queries of whole duty lists: imported, and looked through for gaps."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.registry.areas.models import Area
from gridsvc.registry.bodies.models import Body, Duty
from gridsvc.registry.classes.models import ListedClass
from gridsvc.registry.in_force import areas_of, edition_id_at, holds


def active_areas(session: Session, level: str, prefix: str, at: dt.datetime) -> dict[str, str]:
    """The areas of a level in the edition in force at a moment, code to name, by code."""
    area = areas_of(edition_id_at(level, at)).subquery("area_at").c
    rows = session.execute(
        select(area.code, area.name).where(func.starts_with(area.code, prefix)).order_by(area.code)
    )
    return {row[0]: row[1] for row in rows}


def listed_classes(session: Session) -> dict[ClassKey, str]:
    """Every class of every list, and its name."""
    rows = session.execute(
        select(ListedClass.standard, ListedClass.kind, ListedClass.code, ListedClass.name).order_by(
            ListedClass.standard, ListedClass.kind, ListedClass.code
        )
    )
    return {ClassKey(row[0], row[1], row[2]): row[3] for row in rows}


def body_codes(session: Session) -> set[str]:
    """The codes of all bodies."""
    return set(session.scalars(select(Body.code)))


def area_prefixes(session: Session) -> set[str]:
    """The codes of the areas of all editions, and of what is above their districts: 11, 1101."""
    codes = set(session.scalars(select(Area.code).distinct()))
    return codes | {code[:digits] for code in codes for digits in (2, 4)}


def class_prefixes(session: Session) -> set[tuple[str, str, str]]:
    """Every beginning of a class's code, the empty one too, as (standard, kind, beginning)."""
    return {
        (key.standard, key.kind, key.code[:digits])
        for key in listed_classes(session)
        for digits in range(len(key.code) + 1)
    }


def lead_lines(session: Session, day: dt.date) -> dict[str, set[tuple[str, str, str]]]:
    """The lines with a lead in force on a day, as (standard, kind, class prefix) by area code."""
    rows = session.execute(
        select(Duty.area_code, Duty.standard, Duty.kind, Duty.class_prefix)
        .where(Duty.role == "lead", holds(Duty.valid_from, Duty.valid_to, day))
        .distinct()
    )
    lines: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in rows:
        lines[row[0]].add((row[1], row[2], row[3]))
    return lines


def seen_gaps(session: Session, prefix: str) -> dict[tuple[str, ClassKey], dt.datetime]:
    """When a first case fell into each gap, by street and class."""
    rows = session.execute(
        text(
            "select street_code, standard, kind, class_code, first_seen_at from duty_gap"
            " where starts_with(street_code, :prefix)"
        ),
        {"prefix": prefix},
    )
    return {(row[0], ClassKey(row[1], row[2], row[3])): row[4] for row in rows}


def upsert_bodies(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Register bodies; a known one takes the new name, kind, area and source.

    Its webhook and its telephone stay where the row has none.
    """
    if not rows:
        return
    statement = insert(Body)
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["code"],
            set_={
                "name": new.name,
                "kind": new.kind,
                "area_code": new.area_code,
                "source": new.source,
                "webhook_url": text("coalesce(excluded.webhook_url, body.webhook_url)"),
                "telephone": text("coalesce(excluded.telephone, body.telephone)"),
            },
        ),
        list(rows),
    )


def duty_keys(session: Session) -> set[tuple[object, ...]]:
    """What every line of the duty lists says, without its clause and its end."""
    rows = session.execute(
        select(
            Duty.body_code,
            Duty.area_code,
            Duty.standard,
            Duty.kind,
            Duty.class_prefix,
            Duty.role,
            Duty.valid_from,
        )
    )
    return {tuple(row) for row in rows}
