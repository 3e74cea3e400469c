"""Disputes as others see them; persons, and what the sides say, are for the sides only."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.bodies.view import agreement_read
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.models import Dispute, DisputeEntry, DisputeEvidence


def summaries_json(session: Session, disputes: Sequence[Dispute]) -> list[dict[str, Any]]:
    """Disputes as a list shows them: what, where, whose, how large, and how it stands."""
    sides = sides_json(session, [code for it in disputes for code in it.side_codes])
    return [_summary(it, sides) for it in disputes]


def dispute_json(session: Session, dispute: Dispute, *, named: bool) -> dict[str, Any]:
    """One dispute with its ground, terms, evidence and history.

    ``named``: whether persons' names (the subjects of tokens) are told, and what the sides say:
    reasons, notes, the names of files.
    """
    sides = sides_json(session, dispute.side_codes)
    agreement = dispute.agreement_id
    return {
        **_summary(dispute, sides),
        "geometry": json.loads(shapely.to_geojson(to_shape(dispute.geometry))),
        "terms": dispute.terms,
        "agreement": agreement
        and agreement_read(session, agreement).model_dump(mode="json", by_alias=True),
        "settled_by_edition": dispute.settled_by_edition,
        "evidence": [
            evidence_json(it, named=named) for it in repository.evidence_of(session, dispute)
        ],
        "history": [_entry(it, named) for it in repository.entries_of(session, dispute)],
    }


def sides_json(session: Session, codes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """For each area: ``{code, name, body}``, the body being the one that has the territory."""
    names = repository.area_names(session, codes)
    offices = {code: code if len(code) > 6 else f"{code}-CGW" for code in codes}
    bodies = bodies_by_code(session, [*codes, *offices.values()])
    sides = {}
    for code in codes:
        body = bodies.get(code) or bodies.get(offices[code])
        sides[code] = {
            "code": code,
            "name": names.get(code, ""),
            "body": None if body is None else body.to_json(),
        }
    return sides


def evidence_json(evidence: DisputeEvidence, *, named: bool) -> dict[str, Any]:
    """A file or a note; ``named``: with its name, the words of a note, and who brought it."""
    shown = {
        "id": str(evidence.id),
        "kind": evidence.kind,
        "media_type": evidence.media_type,
        "size_bytes": evidence.size_bytes,
        "sha256": evidence.sha256,
        "added_at": evidence.added_at,
        "by": _by(evidence.role, evidence.area),
    }
    if named:
        note = evidence.content.decode() if evidence.kind == "note" else None
        shown |= {"name": evidence.name, "note": note, "actor": evidence.added_by}
    return shown


def part_json(part: Any) -> dict[str, Any]:
    """A part inside: its codes, class, name, state, place."""
    return {
        "district_code": part.district_code,
        "code": part.code,
        "class_code": part.class_code,
        "name": part.name,
        "state": part.state,
        "street_code": part.street_code,
        "point": [part.lon, part.lat],
    }


def _summary(dispute: Dispute, sides: dict[str, dict[str, Any]]) -> dict[str, Any]:
    inner = to_shape(dispute.geometry).representative_point()
    return {
        "id": str(dispute.id),
        "kind": dispute.kind,
        "level": dispute.level,
        "state": dispute.state,
        "sides": [sides[code] for code in dispute.side_codes],
        "area_m2": round(dispute.area_m2, 2),
        "width_m": round(dispute.width_m, 2),
        "accuracy_m": dispute.accuracy_m,
        "place": {"type": "Point", "coordinates": [inner.x, inner.y]},
        "edition": dispute.edition_id,
        "parent_edition": dispute.parent_edition_id,
        "found_at": dispute.found_at,
        "changed_at": dispute.changed_at,
    }


def _entry(entry: DisputeEntry, named: bool) -> dict[str, Any]:
    shown = {
        "n": entry.n,
        "at": entry.at,
        "action": entry.action,
        "state": entry.state,
        "by": _by(entry.role, entry.area),
    }
    if named:
        shown |= {"why": entry.why, "content": entry.content, "actor": entry.actor}
    return shown


def _by(role: str, area: str) -> str:
    """A role and its area, which all may know: ``district 110102``."""
    return f"{role} {area}".strip()


def record(
    session: Session,
    dispute: Dispute,
    action: str,
    *,
    actor: Actor,
    why: str,
    content: dict[str, Any],
    now: dt.datetime,
) -> None:
    """Add an entry with the state that the dispute has now; the dispute is locked or new."""
    session.flush()
    session.add(
        DisputeEntry(
            district_code=dispute.district_code,
            dispute_id=dispute.id,
            n=repository.next_entry_number(session, dispute),
            at=now,
            actor=actor.subject,
            role=actor.role,
            area=actor.area,
            action=action,
            state=dispute.state,
            why=why,
            content=content,
        )
    )
    dispute.changed_at = now
    session.flush()
