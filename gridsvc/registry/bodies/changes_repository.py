"""The queries of changes to the duty lists, and of whole lists on a day."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.models import Agreement, AgreementDuty, Duty
from gridsvc.registry.bodies.rule import Line, ListedDuty
from gridsvc.registry.in_force import holds

_COLUMNS = (
    Duty.id,
    Duty.body_code,
    Duty.area_code,
    Duty.standard,
    Duty.kind,
    Duty.class_prefix,
    Duty.role,
    Duty.clause,
    Duty.valid_from,
    Duty.valid_to,
)


def lines_by_id(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Line]:
    """The lines of these ids that exist."""
    return _by_id(session.execute(select(*_COLUMNS).where(Duty.id.in_(ids))))


def lines_of_areas(
    session: Session, areas: Collection[str], *, after: dt.date
) -> dict[uuid.UUID, Line]:
    """The lines for exactly these areas that have not ended by a day."""
    not_ended = Duty.valid_to.is_(None) | (Duty.valid_to > after)
    query = select(*_COLUMNS).where(Duty.area_code.in_(areas), not_ended)
    return _by_id(session.execute(query))


def lines_on(session: Session, areas: Collection[str], day: dt.date) -> list[Line]:
    """The lines for exactly these areas that hold on a day."""
    on_day = holds(Duty.valid_from, Duty.valid_to, day)
    query = select(*_COLUMNS).where(Duty.area_code.in_(areas), on_day)
    return list(_by_id(session.execute(query)).values())


def lock_lines(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Line]:
    """These lines, held until the end of the transaction."""
    query = select(*_COLUMNS).where(Duty.id.in_(ids)).order_by(Duty.id).with_for_update()
    return _by_id(session.execute(query))


def end_lines(session: Session, ends: Mapping[uuid.UUID, dt.date], reason: str) -> None:
    """Let lines end before a day each."""
    if ends:
        session.connection().execute(
            update(Duty)
            .where(Duty.id == bindparam("line"))
            .values(valid_to=bindparam("on"), end_reason=bindparam("why")),
            [{"line": id, "on": on, "why": reason} for id, on in ends.items()],
        )


def begin_lines(
    session: Session, lines: Sequence[tuple[Line, uuid.UUID | None]], *, reason: str
) -> None:
    """Add lines, each with the one that it takes the place of."""
    if lines:
        session.execute(
            insert(Duty),
            [asdict(line) | {"replaces": old, "reason": reason} for line, old in lines],
        )


def agreed_lines(
    session: Session, agreements: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[tuple[str, str], ListedDuty]]]:
    """The lines of some agreements, each with the standard and kind of its classes."""
    rows = session.execute(
        select(
            AgreementDuty.agreement_id,
            AgreementDuty.standard,
            AgreementDuty.kind,
            AgreementDuty.body_code,
            AgreementDuty.role,
            Agreement.title,
            AgreementDuty.class_prefix,
            Agreement.valid_from,
        )
        .join(Agreement, Agreement.id == AgreementDuty.agreement_id)
        .where(Agreement.id.in_(agreements))
    )
    found: dict[uuid.UUID, list[tuple[tuple[str, str], ListedDuty]]] = {}
    for row in rows:
        line = ListedDuty(row[3], row[4], row[5], "", row[6], row[7])
        found.setdefault(row[0], []).append(((row[1], row[2]), line))
    return found


def _by_id(rows: Iterable[Row[Any]]) -> dict[uuid.UUID, Line]:
    return {row.id: Line(**row._mapping) for row in rows}
