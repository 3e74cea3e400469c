"""Proposals with codes in place of places, and what an applied repair was."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import shapely

from gridsvc.registry.repairs.schemas import AreaChangedInside
from gridsvc.spatial.audit import AreaFault
from gridsvc.spatial.repair.proposing import Proposal


@dataclass(frozen=True, slots=True)
class StoredArea:
    """An area of an edition, whole: what a new draft is copied from."""

    code: str
    name: str
    parent_code: str | None
    note: str | None
    geometry: Any


@dataclass(frozen=True, slots=True)
class CodedProposal:
    """One way to repair a fault. ``id`` is the fault's, the method, and the chosen area's code."""

    id: str
    chosen_code: str | None
    geometry: Proposal
    changes: tuple[AreaChangedInside, ...]

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, without geometries."""
        moved_m = self.geometry.moved_m
        return {
            "id": self.id,
            "method": self.geometry.method.value,
            "chosen": self.chosen_code,
            "moved_m": None if moved_m is None else round(moved_m, 3),
            "changes": [it.model_dump() for it in self.changes],
        }


@dataclass(frozen=True, slots=True)
class FaultProposals:
    """A fault of an edition and every way to repair it; none where there is none.

    ``members``: the areas that lie on it, as they are in the edition.
    """

    id: str
    fault: AreaFault
    proposals: tuple[CodedProposal, ...]
    members: tuple[StoredArea, ...]

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, without geometries."""
        return {
            "id": self.id,
            "fault": self.fault.to_json(),
            "proposals": [it.to_json() for it in self.proposals],
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """What some proposals would change together; nothing is stored."""

    edition_id: str
    level: str
    faults: tuple[FaultProposals, ...]

    def to_json(self) -> dict[str, Any]:
        """The diff: m² per area, repair by repair and in all."""
        total: dict[str, dict[str, Any]] = {}
        for change in (c for it in self.faults for p in it.proposals for c in p.changes):
            row = total.setdefault(
                change.code,
                {"code": change.code, "name": change.name, "gained_m2": 0.0, "lost_m2": 0.0},
            )
            row["gained_m2"] += change.gained_m2
            row["lost_m2"] += change.lost_m2
        return {
            "edition": self.edition_id,
            "level": self.level,
            "repairs": [it.to_json() for it in self.faults],
            "areas": [total[code] for code in sorted(total)],
        }

    def to_geojson(self) -> dict[str, Any]:
        """The faults, and each changed area before and after, as a FeatureCollection (WGS84)."""
        features = []
        for it in self.faults:
            features.append(_feature(it.fault.geometry, role="fault", id=it.id, **_words(it)))
            for proposal in it.proposals:
                pairs = zip(proposal.geometry.changes, proposal.changes, strict=True)
                for change, named in pairs:
                    for role, shape in (("before", change.before), ("after", change.after)):
                        words = {**named.model_dump(), "proposal": proposal.id}
                        features.append(_feature(shape, role=role, **words))
        return {"type": "FeatureCollection", "features": features}


@dataclass(frozen=True, slots=True)
class AppliedRepair:
    """A repair that was applied, or taken back."""

    id: uuid.UUID
    base_edition_id: str
    edition_id: str
    action: str
    undoes: uuid.UUID | None
    method: str
    chosen_code: str | None
    fault_id: str
    fault: dict[str, Any]
    by: str
    why: str
    at: dt.datetime
    changes: tuple[tuple[str, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, without geometries."""
        return {
            "id": str(self.id),
            "base_edition": self.base_edition_id,
            "edition": self.edition_id,
            "action": self.action,
            "undoes": None if self.undoes is None else str(self.undoes),
            "method": self.method,
            "chosen": self.chosen_code,
            "fault_id": self.fault_id,
            "fault": self.fault,
            "by": self.by,
            "why": self.why,
            "at": self.at.isoformat(),
            "changes": [
                {"code": code, "gained_m2": gained, "lost_m2": lost}
                for code, gained, lost in self.changes
            ],
        }


def _words(it: FaultProposals) -> dict[str, Any]:
    return {"kind": it.fault.kind.value, "codes": list(it.fault.codes), "m2": it.fault.area_m2}


def _feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": shapely.geometry.mapping(geometry),
    }
