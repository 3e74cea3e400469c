"""The faults of an edition and the ways to repair them, worked out each time they are asked for.

A fault's id is a digest of its kind, its areas and its ground, so that it names the same fault as
long as the edition's boundaries are the same there, and none once they have changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.areas import repository as areas_repository
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import edition_above, existing_edition
from gridsvc.registry.repairs import repository
from gridsvc.registry.repairs.model import (
    CodedProposal,
    FaultProposals,
    Preview,
    StoredArea,
)
from gridsvc.registry.repairs.schemas import AreaChangedInside
from gridsvc.spatial.audit import INLET_WIDTH_M, AuditFault, FaultKind, audit_areas, name_members
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane
from gridsvc.spatial.repair.proposing import (
    MENDABLE,
    Method,
    Proposal,
    check_repair,
    propose,
    propose_one,
)

_ID = re.compile(r"([0-9a-f]{12}):(give|snap|midline)(?::([0-9]{6,12}))?")
#: What is compared before and after a repair; the rest concerns one area alone or another level.
_COMPARED = (*MENDABLE, FaultKind.DUPLICATE)
# Faults nearer than this touch each other: 0.1 mm.
_TOUCHING_DEG = 1e-9


@dataclass(frozen=True, slots=True)
class Ground:
    """An edition, its areas in code order, the parents' geometries, and its faults by id."""

    edition: Edition
    areas: tuple[StoredArea, ...]
    parents: dict[str, Any]
    faults: dict[str, AuditFault]
    inlet_width_m: float
    plane: MetricPlane

    @property
    def geometries(self) -> list[Any]:
        """The geometries of the areas."""
        return [it.geometry for it in self.areas]


def read_ground(
    session: Session,
    edition_id: str,
    plane: MetricPlane,
    inlet_width_m: float = INLET_WIDTH_M,
) -> Ground:
    """Read and audit an edition. Raises NotFound; Conflict for unit grids and empty editions."""
    edition = existing_edition(session, edition_id)
    if edition.level == "unit_grid":
        raise Conflict(
            f"The edition {edition_id!r} is a build of unit grids, whose cells fit together by"
            " construction; repair the communities, and build the grids again."
        )
    areas = tuple(repository.areas_of(session, edition_id))
    if not areas:
        raise Conflict(f"The edition {edition_id!r} holds no areas; there is nothing to repair.")
    parents: dict[str, Any] = {}
    above = edition_above(session, edition.level, edition.effective_from)
    if above is not None:
        codes, shapes = areas_repository.geometries_in(session, above.id)
        parents = dict(zip(codes, shapes, strict=True))
    found = _faults_in([it.geometry for it in areas], edition.accuracy_m, inlet_width_m, plane)
    faults = {_fault_id(fault, areas): fault for fault in found}
    return Ground(edition, areas, parents, faults, inlet_width_m, plane)


def _faults_in(
    geometries: Sequence[Any], accuracy_m: float, inlet_width_m: float, plane: MetricPlane
) -> list[AuditFault]:
    """The faults that repairs are held against."""
    audit = audit_areas(geometries, plane=plane, accuracy_m=accuracy_m, inlet_width_m=inlet_width_m)
    return [fault for fault in audit.faults if fault.kind in _COMPARED]


def proposals_of(
    session: Session,
    edition_id: str,
    *,
    plane: MetricPlane,
    fault_id: str | None = None,
    inlet_width_m: float = INLET_WIDTH_M,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[list[FaultProposals], str | None]:
    """The faults with their proposals, in the audit's order, and the cursor of what follows.

    ``after`` is the id of the last fault of the previous page. Raises NotFound, Conflict.
    """
    ground = read_ground(session, edition_id, plane, inlet_width_m)
    ids = list(ground.faults)
    if fault_id is not None:
        ids = [_known(session, ground, fault_id)]
    elif after is not None:
        if after not in ground.faults:
            raise BadInput(
                "Invalid cursor; pass `next` of the previous page.",
                field="cursor",
            )
        ids = ids[ids.index(after) + 1 :]
    page = ids if limit is None else ids[:limit]
    found = []
    for id in page:
        fault = ground.faults[id]
        every = propose(fault, ground.geometries, ground.edition.accuracy_m, plane=plane)
        found.append(_coded(ground, id, every))
    return found, page[-1] if len(page) < len(ids) else None


def preview(
    session: Session,
    edition_id: str,
    proposal_ids: Sequence[str],
    plane: MetricPlane,
    inlet_width_m: float = INLET_WIDTH_M,
) -> Preview:
    """What some proposals would change together, checked as if they were applied.

    Raises what ``chosen_proposals`` raises.
    """
    ground = read_ground(session, edition_id, plane, inlet_width_m)
    found, _ = chosen_proposals(session, ground, proposal_ids)
    return Preview(ground.edition.id, ground.edition.level, tuple(found))


def chosen_proposals(
    session: Session, ground: Ground, proposal_ids: Sequence[str]
) -> tuple[list[FaultProposals], list[Any]]:
    """The proposals of these ids, one after the other, and the geometries after all of them.

    Raises BadInput for an id of another form, or none; NotFound for an unknown fault or way to
    repair it; Conflict when a fault is gone or two repairs touch one place; CoverageBroken when
    a fault would stay or a new one come.
    """
    if not proposal_ids:
        raise BadInput("Name at least one proposal.", field="proposals")
    accuracy_m = ground.edition.accuracy_m
    codes = [it.code for it in ground.areas]
    now = ground.geometries
    found: list[FaultProposals] = []
    for proposal_id in proposal_ids:
        read = _ID.fullmatch(proposal_id)
        if read is None:
            raise BadInput(
                f"{proposal_id[:60]!r} is not a proposal; give its id, such as"
                " 0123456789ab:give:110102020.",
                field="proposals",
            )
        fault_id, method, code = read.groups()
        fault = ground.faults[_known(session, ground, fault_id)]
        _check_apart(found, fault_id, fault)
        chosen = codes.index(code) if code in codes else None
        proposal = (
            None
            if code is not None and chosen is None
            else propose_one(fault, now, accuracy_m, Method(method), chosen, plane=ground.plane)
        )
        if proposal is None:
            every = propose(fault, now, accuracy_m, plane=ground.plane)
            ways = ", ".join(_proposal_id(ground, fault_id, it) for it in every) or "none"
            raise NotFound(
                f"There is no proposal {proposal_id!r} for this {fault.kind.value}; there are"
                f" {ways}.",
                field="proposals",
            )
        for change in proposal.changes:
            now[change.member] = change.after
        found.append(_coded(ground, fault_id, [proposal]))
    left = _faults_in(now, accuracy_m, ground.inlet_width_m, ground.plane)
    before = list(ground.faults.values())
    for it in found:
        for coded in it.proposals:
            check_repair(coded.geometry, before, left)
    return found, now


def _check_apart(found: Sequence[FaultProposals], fault_id: str, fault: AuditFault) -> None:
    for other in found:
        if other.id == fault_id:
            raise Conflict(
                f"Two repairs are of the same fault {fault_id}; choose one.", field="proposals"
            )
        if shapely.dwithin(other.fault.geometry, fault.geometry, _TOUCHING_DEG):
            raise Conflict(
                f"The faults {other.id} and {fault_id} touch each other, so one repair changes the"
                " place of the other; apply one, and ask for the proposals of the draft that it"
                " makes.",
                field="proposals",
            )


def _known(session: Session, ground: Ground, fault_id: str) -> str:
    if fault_id in ground.faults:
        return fault_id
    edition = ground.edition.id
    done = repository.repairs_of_fault(session, edition, fault_id)
    if any(it.edition_id == edition for it in done):
        raise Conflict(
            f"The fault {fault_id[:20]!r} is gone from {edition!r}; a repair has fixed it.",
            field="fault",
        )
    raise NotFound(
        f"The edition {edition!r} has no fault {fault_id[:20]!r}; its boundaries may have changed"
        " since. 'gridsvc edition repair list' names them.",
        field="fault",
    )


def _fault_id(fault: AuditFault, areas: Sequence[StoredArea]) -> str:
    shape = shapely.normalize(fault.geometry)
    whole = shapely.transform(shape, lambda xy: np.round(xy, 9))
    codes = sorted(areas[member].code for member in fault.members)
    told = f"{fault.kind.value}|{','.join(codes)}|".encode() + shapely.to_wkb(whole)
    return hashlib.sha256(told).hexdigest()[:12]


def _proposal_id(ground: Ground, fault_id: str, proposal: Proposal) -> str:
    words = [fault_id, proposal.method.value]
    if proposal.chosen is not None:
        words.append(ground.areas[proposal.chosen].code)
    return ":".join(words)


def _coded(ground: Ground, fault_id: str, every: Sequence[Proposal]) -> FaultProposals:
    fault = ground.faults[fault_id]
    (named,) = name_members([fault], [it.code for it in ground.areas])
    return FaultProposals(
        fault_id,
        named,
        tuple(
            CodedProposal(
                id=_proposal_id(ground, fault_id, it),
                chosen_code=None if it.chosen is None else ground.areas[it.chosen].code,
                geometry=it,
                changes=tuple(
                    AreaChangedInside(
                        code=ground.areas[change.member].code,
                        name=ground.areas[change.member].name,
                        gained_m2=change.gained_m2,
                        lost_m2=change.lost_m2,
                        outside_parent_m2=_outside_parent_m2(ground, change.member, change),
                    )
                    for change in it.changes
                ),
            )
            for it in every
        ),
        tuple(ground.areas[member] for member in fault.members),
    )


def _outside_parent_m2(ground: Ground, member: int, change: Any) -> float | None:
    parent = ground.parents.get(ground.areas[member].parent_code or "")
    if parent is None:
        return None
    gained = shapely.difference(change.after, change.before)
    return float(area_m2(shapely.difference(gained, parent)))
