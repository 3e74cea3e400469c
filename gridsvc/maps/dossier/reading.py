"""Gathers a dossier from the registry and the cases."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.systems.disputes.inside import inside_json
from gridsvc.city import City
from gridsvc.layers.catalogue import AREA_LAYERS
from gridsvc.layers.repository import around
from gridsvc.maps.dossier.model import Dossier, Side, Surrounding
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.service import dispute_or_refuse
from gridsvc.registry.disputes.view import dispute_json
from gridsvc.registry.disputes.what_if_repository import areas_by_code
from gridsvc.registry.placement.repository import editions_on
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import extent_m, surroundings

__all__ = ["read_dossier"]

#: The surroundings reach twice as far as the ground, as maps are wider than high, but so far at
#: least.
_LEAST_AROUND_M = 1_000.0


def read_dossier(
    session: Session, city: City, dispute_id: uuid.UUID, *, now: dt.datetime
) -> Dossier:
    """The dossier of a dispute, without anything personal. Raises NotFound."""
    dispute = dispute_or_refuse(session, dispute_id)
    ground = to_shape(dispute.geometry)
    inside = inside_json(session, dispute)
    shown = dispute_json(session, dispute, named=False)
    placed = [it["lead_body"] for it in inside["placements"]["listed"] if it["lead_body"]]
    leading = [it["lead_body"] for it in inside["reports"]["listed"]]
    bodies = [*placed, *leading, *_agreed_bodies(shown)]
    return Dossier(
        dispute=shown,
        inside=inside,
        ground=ground,
        sides=_sides(session, dispute, shown, ground, now),
        around=_around(session, city, dispute, ground, now),
        class_names={
            (kind, code): name
            for kind in ("event", "part")
            for code, name in names_of(session, city.standard, kind).items()
        },
        body_names={body.code: body.name for body in bodies_by_code(session, bodies).values()},
        made_at=now,
    )


def _agreed_bodies(shown: dict[str, Any]) -> list[str]:
    terms = (shown["terms"] or {}).get("agreement") or shown["agreement"] or {"duties": []}
    return [str(duty["body"]) for duty in terms["duties"]]


def _sides(
    session: Session, dispute: Dispute, shown: dict[str, Any], ground: Any, now: dt.datetime
) -> tuple[Side, ...]:
    """The sides as the editions draw them in which the dispute was found, else those in force."""
    in_force = [edition.id for edition in editions_on(session.connection(), now)]
    shapes: dict[str, Any] = {}
    for edition_id in (dispute.edition_id, dispute.parent_edition_id, *in_force):
        missing = [code for code in dispute.side_codes if code not in shapes]
        if edition_id is not None and missing:
            drawn = areas_by_code(session, edition_id, missing)
            shapes |= {code: area for code, (_, area) in drawn.items()}
    sides = []
    for side in shown["sides"]:
        area = shapes.get(side["code"])
        body = side["body"] or {"code": "", "name": ""}
        sides.append(
            Side(
                code=side["code"],
                name=side["name"],
                body_code=body["code"],
                body_name=body["name"],
                geometry=area,
                claimed_m2=0.0 if area is None else _claimed_m2(area, ground),
            )
        )
    return tuple(sides)


def _claimed_m2(area: Any, ground: Any) -> float:
    return float(area_m2(shapely.intersection(shapely.make_valid(area), ground)))


def _around(
    session: Session, city: City, dispute: Dispute, ground: Any, now: dt.datetime
) -> tuple[Surrounding, ...]:
    box = surroundings(ground, max(_LEAST_AROUND_M, 2 * max(extent_m(ground)))).bounds
    levels = dict.fromkeys(("district", dispute.level))
    return tuple(
        Surrounding(level, code, name, area)
        for level in levels
        for code, name, area in around(session.connection(), AREA_LAYERS[level], city, now, box)
    )
