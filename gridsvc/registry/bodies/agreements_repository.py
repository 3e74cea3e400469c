"""The queries of agreements."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.models import Agreement, AgreementDuty

__all__ = ["agreement_holds", "agreement_with_duties", "class_exists"]


def agreement_with_duties(
    session: Session, agreement_id: uuid.UUID
) -> tuple[Agreement, Sequence[AgreementDuty]]:
    """An agreement that exists, and its lines, leads first."""
    agreement = session.get_one(Agreement, agreement_id)
    duties = session.scalars(
        select(AgreementDuty)
        .where(AgreementDuty.agreement_id == agreement_id)
        .order_by(AgreementDuty.role.desc(), AgreementDuty.kind, AgreementDuty.class_prefix)
    ).all()
    return agreement, duties


def agreement_holds(session: Session, agreement_id: uuid.UUID, day: dt.date) -> bool:
    """Whether an agreement has not ended on a day."""
    found = session.scalar(
        select(Agreement.id).where(
            Agreement.id == agreement_id,
            Agreement.valid_to.is_(None) | (Agreement.valid_to > day),
        )
    )
    return found is not None


def class_exists(session: Session, standard: str, kind: str, prefix: str) -> bool:
    """Whether a class list has a class that begins so."""
    return bool(
        session.scalar(
            text(
                "select exists (select from class where standard = :standard and kind = :kind"
                " and starts_with(code, :prefix))"
            ),
            {"standard": standard, "kind": kind, "prefix": prefix},
        )
    )
