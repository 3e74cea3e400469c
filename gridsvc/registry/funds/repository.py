"""The queries of funds."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from gridsvc.registry.funds.models import Fund, Spending

#: The kind of the fund that each community has.
EMERGENCY = "emergency"


def funds_of(session: Session, district: str, codes: Collection[str]) -> dict[str, Fund]:
    """The funds of these codes, which nobody else changes until this transaction ends."""
    query = select(Fund).where(Fund.district_code == district, Fund.code.in_(list(codes)))
    return {one.code: one for one in session.scalars(query.order_by(Fund.code).with_for_update())}


def fund_of(session: Session, district: str, code: str) -> Fund | None:
    """One fund."""
    return session.get(Fund, (district, code), populate_existing=True)


def take_from(session: Session, fund: Fund, amount_fen: int) -> bool:
    """Take so much of a fund at once, if it has it; of two who ask for the last, one gets it."""
    after = Fund.spent_fen + amount_fen
    taken = session.execute(
        update(Fund)
        .where(
            Fund.district_code == fund.district_code,
            Fund.code == fund.code,
            after.between(0, Fund.budget_fen),
        )
        .values(spent_fen=after)
        .returning(Fund.code)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


def funds_under(
    session: Session, prefix: str, year: int, *, after: tuple[str, str], limit: int
) -> list[Fund]:
    """The funds of a year in areas whose codes begin so, by district and code, behind one."""
    place = func.row(Fund.district_code, Fund.code) > func.row(*after)
    query = select(Fund).where(_under(prefix, year), place)
    return list(session.scalars(query.order_by(Fund.district_code, Fund.code).limit(limit)))


def sums_by_kind(session: Session, prefix: str, year: int) -> Sequence[tuple[str, int, int, int]]:
    """Each kind: how many funds, their budgets and what was spent, in fen."""
    rows = session.execute(
        select(Fund.kind, func.count(), func.sum(Fund.budget_fen), func.sum(Fund.spent_fen))
        .where(_under(prefix, year))
        .group_by(Fund.kind)
        .order_by(Fund.kind)
    )
    return [(kind, count, int(budget), int(spent)) for kind, count, budget, spent in rows]


def emergency_communities(session: Session, prefix: str, year: int) -> set[str | None]:
    """The communities that have an emergency fund in a year."""
    query = select(Fund.community_code).where(_under(prefix, year), Fund.kind == EMERGENCY)
    return set(session.scalars(query))


def spendings_of(session: Session, fund: Fund, after: uuid.UUID, limit: int) -> list[Spending]:
    """What was spent of a fund, the first first, behind an id."""
    query = select(Spending).where(
        Spending.district_code == fund.district_code,
        Spending.fund_code == fund.code,
        Spending.id > after,
    )
    return list(session.scalars(query.order_by(Spending.id).limit(limit)))


def _under(prefix: str, year: int) -> ColumnElement[bool]:
    district = Fund.district_code
    inside = (
        district == prefix[:6] if len(prefix) >= 6 else district.startswith(prefix, autoescape=True)
    )
    place = func.coalesce(Fund.community_code, Fund.street_code)
    return and_(inside, Fund.year == year, place.startswith(prefix, autoescape=True))
