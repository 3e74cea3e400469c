"""Repairs become a new draft, and are taken back by another; no edition is ever changed."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, CoverageBroken, NotFound
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import existing_edition
from gridsvc.registry.repairs import repository
from gridsvc.registry.repairs.model import AppliedRepair, FaultProposals, StoredArea
from gridsvc.registry.repairs.models import Repair, RepairAction
from gridsvc.registry.repairs.proposals import chosen_proposals, read_ground
from gridsvc.spatial.audit import INLET_WIDTH_M
from gridsvc.spatial.plane import MetricPlane

# Ground gained outside the parent below this is rounding.
_NOISE_M2 = 0.01
_NUMBERED = re.compile(r"(.*)\.r([0-9]+)")


def apply_repairs(
    session: Session,
    edition_id: str,
    proposal_ids: Sequence[str],
    *,
    plane: MetricPlane,
    by: str,
    why: str,
    at: dt.datetime,
    new_id: str | None = None,
    effective_from: dt.datetime | None = None,
    outside_parent: bool = False,
    inlet_width_m: float = INLET_WIDTH_M,
) -> tuple[Edition, list[AppliedRepair]]:
    """Copy an edition into a new draft in which these faults are repaired; the edition stays.

    All other areas are copied bit by bit. ``new_id`` is that of the draft (else the edition's with
    .r1, .r2 ...), ``effective_from`` its date (else ``at``). ``outside_parent`` allows an area to
    gain ground outside its own parent. Raises BadInput without who and why, what
    ``chosen_proposals`` raises, and CoverageBroken for ground outside the parent.
    """
    _check_person(by, why)
    ground = read_ground(session, edition_id, plane, inlet_width_m)
    found, geometries = chosen_proposals(session, ground, proposal_ids)
    if not outside_parent:
        _check_parents(found)
    made = _draft(
        session, ground.edition, ground.areas, geometries, new_id, effective_from or at, by, why, at
    )
    for it in found:
        (proposal,) = it.proposals
        repair = Repair(
            id=uuid7(),
            base_edition_id=edition_id,
            edition_id=made.id,
            level=made.level,
            action=RepairAction.APPLIED,
            undoes=None,
            method=proposal.geometry.method,
            chosen_code=proposal.chosen_code,
            fault_id=it.id,
            fault=it.fault.to_json(),
            geometry=from_shape(it.fault.geometry, srid=4326),
            actor=by.strip(),
            reason=why.strip(),
            at=at,
        )
        changes = [
            (named.code, change.before, change.after, change.gained_m2, change.lost_m2)
            for change, named in zip(proposal.geometry.changes, proposal.changes, strict=True)
        ]
        repository.add_repair(session, repair, changes)
    return made, [it for it in repository.repairs_of(session, made.id) if it.edition_id == made.id]


def undo_repairs(
    session: Session,
    edition_id: str,
    repair_ids: Sequence[str],
    *,
    by: str,
    why: str,
    at: dt.datetime,
    new_id: str | None = None,
    effective_from: dt.datetime | None = None,
) -> tuple[Edition, list[AppliedRepair]]:
    """Copy an edition into a new draft without these repairs: the areas are as before, bit by bit.

    The newest repair is taken back first. Raises BadInput without who and why, or for an id of
    another form; NotFound for an unknown repair; Conflict where an area is not as the repair left
    it: it was changed again since, or the repair is not in this edition.
    """
    _check_person(by, why)
    if not repair_ids:
        raise BadInput("Name at least one repair.", field="repairs")
    edition = existing_edition(session, edition_id)
    areas = repository.areas_of(session, edition_id)
    now: dict[str, Any] = {it.code: it.geometry for it in areas}
    undone = []
    for repair in sorted(_repairs(session, repair_ids), key=lambda it: it.id, reverse=True):
        changes = repository.changed_by(session, repair.id)
        for code, before, after, _, _ in changes:
            if code not in now or not _identical(now[code], after):
                raise Conflict(_not_as_left(repair, code, edition_id, now.get(code), before))
            now[code] = before
        undone.append((repair, changes))
    made = _draft(
        session,
        edition,
        areas,
        [now[it.code] for it in areas],
        new_id,
        effective_from or at,
        by,
        why,
        at,
    )
    for repair, changes in undone:
        taken_back = Repair(
            id=uuid7(),
            base_edition_id=edition_id,
            edition_id=made.id,
            level=made.level,
            action=RepairAction.UNDONE,
            undoes=repair.id,
            method=repair.method,
            chosen_code=repair.chosen_code,
            fault_id=repair.fault_id,
            fault=repair.fault,
            geometry=repair.geometry,
            actor=by.strip(),
            reason=why.strip(),
            at=at,
        )
        back = [
            (code, after, before, lost, gained) for code, before, after, gained, lost in changes
        ]
        repository.add_repair(session, taken_back, back)
    return made, [it for it in repository.repairs_of(session, made.id) if it.edition_id == made.id]


def list_repairs(session: Session, edition_id: str) -> list[AppliedRepair]:
    """The repairs that made an edition, and those that were made of it. Raises NotFound.

    A discarded draft is still found by the repairs that made it.
    """
    found = repository.repairs_of(session, edition_id)
    if not found:
        existing_edition(session, edition_id)
    return found


def _check_person(by: str, why: str) -> None:
    if not by.strip():
        raise BadInput("Say who does it ('--by').", field="by")
    if len(by.strip()) > 100:
        raise BadInput("The name of whoever does it has 100 characters at most.", field="by")
    if not why.strip():
        raise BadInput("Say why ('--why'); it is kept with the repair.", field="why")


def _check_parents(found: Sequence[FaultProposals]) -> None:
    for change in (c for it in found for proposal in it.proposals for c in proposal.changes):
        if (change.outside_parent_m2 or 0.0) > _NOISE_M2:
            raise CoverageBroken(
                f"{change.code} would gain {change.outside_parent_m2:,.2f} m² outside its own"
                " parent; choose another way, or allow it ('--outside-parent')."
            )


def _draft(
    session: Session,
    edition: Edition,
    areas: Sequence[StoredArea],
    geometries: Sequence[Any],
    new_id: str | None,
    effective_from: dt.datetime,
    by: str,
    why: str,
    at: dt.datetime,
) -> Edition:
    return load_edition(
        session,
        id=new_id or _next_id(session, edition.id),
        level=edition.level,
        title=edition.title,
        source=edition.source,
        licence=edition.licence,
        accuracy_m=edition.accuracy_m,
        approximate=edition.approximate,
        effective_from=effective_from,
        areas=[
            NewArea(it.code, it.name, geometry, it.parent_code, it.note)
            for it, geometry in zip(areas, geometries, strict=True)
        ],
        at=at,
        reason=why.strip(),
        by=by.strip(),
    )


def _next_id(session: Session, edition_id: str) -> str:
    numbered = _NUMBERED.fullmatch(edition_id)
    root = edition_id if numbered is None else numbered[1]
    taken = {it.id for it in edition_repository.editions(session)}
    number = 1
    while f"{root}.r{number}" in taken:
        number += 1
    return f"{root}.r{number}"


def _repairs(session: Session, repair_ids: Sequence[str]) -> list[Repair]:
    found = {}
    for text in repair_ids:
        try:
            known = uuid.UUID(text)
        except ValueError:
            raise BadInput(
                f"{text[:60]!r} is not the id of a repair; 'gridsvc edition repair history' names"
                " them.",
                field="repairs",
            ) from None
        repair = repository.repair(session, known)
        if repair is None or repair.action != RepairAction.APPLIED:
            raise NotFound(
                f"There is no applied repair {text}; 'gridsvc edition repair history' names them.",
                field="repairs",
            )
        found[known] = repair
    return list(found.values())


def _not_as_left(repair: Repair, code: str, edition_id: str, now: Any, before: Any) -> str:
    if now is not None and _identical(now, before):
        return (
            f"The repair {repair.id} is not in {edition_id!r}; {code} is as it was before. Name"
            f" the draft that it made ({repair.edition_id!r}), or one made from that."
        )
    return (
        f"{code} was changed again after the repair {repair.id}; take the later repairs back"
        " first, or together with it."
    )


def _identical(one: Any, other: Any) -> bool:
    return bool(shapely.to_wkb(one) == shapely.to_wkb(other))
