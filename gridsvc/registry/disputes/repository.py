"""The queries of disputes, their evidence and their history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import Session, defer

from gridsvc.db.base import Prepared
from gridsvc.registry.disputes.model import DisputeAt, PartInside
from gridsvc.registry.disputes.models import Dispute, DisputeEntry, DisputeEvidence
from gridsvc.registry.in_force import PART_STANDS

_LOCK = "gridsvc: one search for disputes at a time"


def lock_finding(session: Session) -> None:
    """Let searches come one after the other until this one's transaction ends."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": _LOCK}
    )


def find_dispute(session: Session, dispute_id: uuid.UUID) -> Dispute | None:
    """The dispute of an id."""
    return session.scalar(select(Dispute).where(Dispute.id == dispute_id))


def lock_dispute(session: Session, dispute_id: uuid.UUID) -> Dispute | None:
    """The dispute of an id, read afresh and held against other writers."""
    return session.scalar(
        select(Dispute)
        .where(Dispute.id == dispute_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def disputes_page(
    session: Session,
    *,
    state: str | None,
    area: str | None,
    bbox: tuple[float, float, float, float] | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Dispute]:
    """Disputes by id (the oldest first); ``area`` is a side, one above it or one below it."""
    query = select(Dispute).order_by(Dispute.id).limit(limit)
    if state is not None:
        query = query.where(Dispute.state == state)
    if area is not None:
        query = query.where(
            text(
                "exists (select from unnest(dispute.side_codes) side"
                " where starts_with(side, :area) or starts_with(:area, side))"
            ).bindparams(area=area)
        )
    if bbox is not None:
        query = query.where(func.st_intersects(Dispute.geometry, func.st_makeenvelope(*bbox, 4326)))
    if after is not None:
        query = query.where(Dispute.id > after)
    return session.scalars(query).all()


def disputes_on(session: Session, ground: Any) -> list[tuple[Dispute, Any]]:
    """Disputes that touch some ground (WGS84), with their shapes, the oldest first."""
    rows = session.scalars(
        select(Dispute)
        .where(func.st_intersects(Dispute.geometry, func.st_geomfromwkb(ground.wkb, 4326)))
        .order_by(Dispute.id)
    )
    return [(row, to_shape(row.geometry)) for row in rows]


def unsettled_of_level(session: Session, level: str) -> list[uuid.UUID]:
    """The ids of the disputes of a level that are not settled, the oldest first.

    Places of neglect are left out: no drawing of the borders shows them.
    """
    return list(
        session.scalars(
            select(Dispute.id)
            .where(Dispute.level == level, Dispute.state != "settled", Dispute.kind != "neglect")
            .order_by(Dispute.id)
        )
    )


_DISPUTES_AT = Prepared(
    "disputes_at",
    "select id, kind, state, side_codes from dispute where state <> 'settled'"
    " and st_intersects(geometry, st_setsrid(st_point(:lon, :lat), 4326))"
    " order by area_m2, id",
    {"lon": "float8", "lat": "float8"},
)


def disputes_at(session: Session, lon: float, lat: float) -> list[DisputeAt]:
    """The unsettled disputes in which a WGS84 point lies, the smallest ground first."""
    rows = _DISPUTES_AT.ask(session, {"lon": lon, "lat": lat})
    return [DisputeAt(row[0], row[1], row[2], tuple(row[3])) for row in rows]


def _of(dispute: Dispute, table: type[DisputeEntry | DisputeEvidence]) -> ColumnElement[bool]:
    """Whether a row belongs to a dispute."""
    return and_(table.district_code == dispute.district_code, table.dispute_id == dispute.id)


def next_entry_number(session: Session, dispute: Dispute) -> int:
    """The number of the next entry in a locked dispute's history, from 1."""
    last = session.scalar(select(func.max(DisputeEntry.n)).where(_of(dispute, DisputeEntry)))
    return 1 + (last or 0)


def entries_of(session: Session, dispute: Dispute) -> Sequence[DisputeEntry]:
    """The history of a dispute, in its order."""
    return session.scalars(
        select(DisputeEntry).where(_of(dispute, DisputeEntry)).order_by(DisputeEntry.n)
    ).all()


def evidence_of(session: Session, dispute: Dispute) -> Sequence[DisputeEvidence]:
    """The evidence of a dispute, the oldest first; files without their bytes."""
    return session.scalars(
        select(DisputeEvidence)
        .where(_of(dispute, DisputeEvidence))
        .order_by(DisputeEvidence.id)
        .options(defer(DisputeEvidence.content))
    ).all()


def evidence_by_id(
    session: Session, dispute: Dispute, evidence_id: uuid.UUID
) -> DisputeEvidence | None:
    """One piece of a dispute's evidence."""
    return session.get(DisputeEvidence, (dispute.district_code, dispute.id, evidence_id))


def evidence_with_hash(session: Session, dispute: Dispute, sha256: str) -> DisputeEvidence | None:
    """The evidence of a dispute that has these bytes."""
    return session.scalar(
        select(DisputeEvidence).where(
            _of(dispute, DisputeEvidence), DisputeEvidence.sha256 == sha256
        )
    )


def area_names(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The names of areas by the newest edition that was ever in force and has them."""
    rows = session.execute(
        text(
            "select distinct on (a.code) a.code, a.name from area a"
            " join edition e on e.id = a.edition_id where a.code = any(:codes)"
            " order by a.code, e.state in ('active', 'retired') desc, e.effective_from desc, e.id"
        ),
        {"codes": list(codes)},
    )
    return {row[0]: row[1] for row in rows}


def parts_on(session: Session, ground: Any, day: dt.date) -> list[PartInside]:
    """The parts that are there on a day on some ground (WGS84), by district and code."""
    rows = session.execute(
        text(
            "select district_code, code, class_code, standard, name, state, street_code,"  # noqa: S608 - our own words
            " community_code, competent_body, owner_body, maintainer_body, first_date,"
            " st_x(point), st_y(point)"
            " from (select part.*, st_pointonsurface(geometry) as point from part"
            " where st_intersects(geometry, st_geomfromwkb(:ground, 4326))"
            f" and {PART_STANDS}) found order by district_code, code"
        ),
        {"ground": ground.wkb, "day": day},
    )
    return [PartInside(*row) for row in rows]


def settled_by_agreement(session: Session, agreement_id: uuid.UUID) -> list[Dispute]:
    """The disputes that an agreement settled, held until the end of the transaction."""
    query = select(Dispute).where(Dispute.agreement_id == agreement_id).order_by(Dispute.id)
    return list(session.scalars(query.with_for_update()))
