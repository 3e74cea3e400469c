"""Every query about repairs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import shapely
from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.repairs.model import AppliedRepair, StoredArea
from gridsvc.registry.repairs.models import Repair, RepairArea


def areas_of(session: Session, edition_id: str) -> list[StoredArea]:
    """The areas of an edition with everything that a copy needs, in code order."""
    rows = session.execute(
        text(
            "select code, name, parent_code, note, st_asbinary(geometry) from area"
            " where edition_id = :edition order by code"
        ),
        {"edition": edition_id},
    ).all()
    shapes = shapely.from_wkb([bytes(row[4]) for row in rows])
    return [
        StoredArea(row[0], row[1], row[2], row[3], shape)
        for row, shape in zip(rows, shapes, strict=True)
    ]


def add_repair(
    session: Session, made: Repair, areas: Sequence[tuple[str, Any, Any, float, float]]
) -> None:
    """Keep a repair; an area is: code, geometry before, geometry after, m² gained, m² lost."""
    session.add(made)
    session.flush()
    for code, before, after, gained, lost in areas:
        session.add(
            RepairArea(
                repair_id=made.id,
                code=code,
                before=from_shape(before, srid=4326),
                after=from_shape(after, srid=4326),
                gained_m2=gained,
                lost_m2=lost,
            )
        )
    session.flush()


def repair(session: Session, repair_id: uuid.UUID) -> Repair | None:
    """The repair of this id."""
    return session.get(Repair, repair_id)


def changed_by(session: Session, repair_id: uuid.UUID) -> list[tuple[str, Any, Any, float, float]]:
    """The areas that a repair changed: code, geometry before and after, m² gained and lost."""
    rows = session.scalars(
        select(RepairArea).where(RepairArea.repair_id == repair_id).order_by(RepairArea.code)
    )
    return [
        (it.code, to_shape(it.before), to_shape(it.after), it.gained_m2, it.lost_m2) for it in rows
    ]


def repairs_of(session: Session, edition_id: str) -> list[AppliedRepair]:
    """The repairs that made an edition, and those that were made of it, in the order of time."""
    found = session.scalars(
        select(Repair)
        .where((Repair.edition_id == edition_id) | (Repair.base_edition_id == edition_id))
        .order_by(Repair.id)
    ).all()
    changes: defaultdict[uuid.UUID, list[tuple[str, float, float]]] = defaultdict(list)
    rows = session.execute(
        select(RepairArea.repair_id, RepairArea.code, RepairArea.gained_m2, RepairArea.lost_m2)
        .where(RepairArea.repair_id.in_([it.id for it in found]))
        .order_by(RepairArea.repair_id, RepairArea.code)
    )
    for row in rows:
        changes[row[0]].append((row[1], row[2], row[3]))
    return [
        AppliedRepair(
            id=it.id,
            base_edition_id=it.base_edition_id,
            edition_id=it.edition_id,
            action=it.action,
            undoes=it.undoes,
            method=it.method,
            chosen_code=it.chosen_code,
            fault_id=it.fault_id,
            fault=it.fault,
            by=it.actor,
            why=it.reason,
            at=it.at,
            changes=tuple(changes[it.id]),
        )
        for it in found
    ]


def repairs_of_fault(session: Session, edition_id: str, fault_id: str) -> Sequence[Repair]:
    """The repairs of a fault that made an edition, or were made of it."""
    return session.scalars(
        select(Repair)
        .where(
            (Repair.edition_id == edition_id) | (Repair.base_edition_id == edition_id),
            Repair.fault_id == fault_id,
        )
        .order_by(Repair.id)
    ).all()
