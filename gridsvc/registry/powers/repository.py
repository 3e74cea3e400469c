"""The queries of powers and delegations."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from gridsvc.registry.bodies.models import Body
from gridsvc.registry.in_force import holds
from gridsvc.registry.powers.model import Delegated, HeldPower, PowerKind
from gridsvc.registry.powers.models import Delegation, Power

#: Digits of the areas whose bodies hold powers: province, city, district.
_HOLDERS = (2, 4, 6)
#: District, street, area and code of the power, first day.
DelegationKey = tuple[str, str, str, str, dt.date]


@dataclass(frozen=True, slots=True)
class PowerFilter:
    """Which powers are asked for; None: any.

    ``street`` (9 digits) finds those of its district and city, with what is delegated to it alone;
    ``q`` is the beginning of a code or a piece of the name or the legal basis.
    """

    day: dt.date
    street: str | None = None
    q: str | None = None
    body: str | None = None
    kind: PowerKind | None = None
    delegated: bool | None = None


def lock_lists(session: Session) -> None:
    """Let nobody else import powers or delegations until the end of this transaction."""
    session.execute(text("select pg_advisory_xact_lock(hashtext('gridsvc powers'))"))


def powers_page(
    session: Session, wanted: PowerFilter, *, after: tuple[str, str] | None, limit: int
) -> list[HeldPower]:
    """Powers that hold on a day by area and code, from behind ``after``."""
    key = tuple_(Power.area_code, Power.code)
    query = _powers(wanted.day, wanted.street)
    if wanted.q is not None:
        query = query.where(
            or_(
                Power.code.startswith(wanted.q, autoescape=True),
                Power.name.contains(wanted.q, autoescape=True),
                Power.basis.contains(wanted.q, autoescape=True),
            )
        )
    if wanted.body is not None:
        query = query.where(Power.body_code == wanted.body)
    if wanted.kind is not None:
        query = query.where(Power.kind == wanted.kind.value)
    if wanted.delegated is not None:
        given = select(Delegation.power_code).where(
            Delegation.area_code == Power.area_code,
            Delegation.power_code == Power.code,
            _delegated(wanted.day, wanted.street),
        )
        query = query.where(given.exists() if wanted.delegated else ~given.exists())
    if after is not None:
        query = query.where(key > after)
    rows = session.execute(query.order_by(Power.area_code, Power.code).limit(limit)).all()
    return _held(session, [(row[0], row[1]) for row in rows], wanted.day, wanted.street)


def powers_named(
    session: Session, area: str, codes: Collection[str], day: dt.date, street: str | None
) -> list[HeldPower]:
    """The powers of these codes that hold in an area on a day."""
    query = _powers(day, area).where(Power.code.in_(list(codes)))
    return _held(session, [(row[0], row[1]) for row in session.execute(query)], day, street)


def powers_of(
    session: Session, bodies: Collection[str], day: dt.date, street: str
) -> list[HeldPower]:
    """The powers of these bodies that hold on a day and say which classes they are about."""
    query = _powers(day, street).where(
        Power.body_code.in_(list(bodies)), func.cardinality(Power.classes) > 0
    )
    query = query.order_by(Power.area_code, Power.code)
    return _held(session, [(row[0], row[1]) for row in session.execute(query)], day, street)


def _powers(day: dt.date, area: str | None) -> Select[Power, str]:
    query = select(Power, Body.name).join(Body, Body.code == Power.body_code)
    query = query.where(holds(Power.valid_from, Power.valid_to, day))
    if area is not None:
        query = query.where(Power.area_code.in_([area[:digits] for digits in _HOLDERS]))
    return query


def _delegated(day: dt.date, street: str | None) -> ColumnElement[bool]:
    """Delegations that hold on a day, at one street where it is given."""
    on = holds(Delegation.valid_from, Delegation.valid_to, day)
    if street is None:
        return on
    return and_(Delegation.district_code == street[:6], Delegation.street_code == street, on)


def _held(
    session: Session, found: Sequence[tuple[Power, str]], day: dt.date, street: str | None
) -> list[HeldPower]:
    """Powers with the delegations that hold of them."""
    office = aliased(Body)
    keys = [(power.area_code, power.code) for power, _ in found]
    query = (
        select(Delegation, office.code, office.name)
        .outerjoin(
            office, and_(office.area_code == Delegation.street_code, office.kind == "street")
        )
        .where(
            Delegation.area_code.in_({area for area, _ in keys}),
            Delegation.power_code == func.any([code for _, code in keys]),
            _delegated(day, street),
        )
        .order_by(Delegation.street_code, office.code)
    )
    given: dict[tuple[str, str], list[Delegated]] = defaultdict(list)
    for one, code, name in session.execute(query) if keys else ():
        given[one.area_code, one.power_code].append(
            Delegated(
                street=one.street_code,
                office=code,
                office_name=name or "",
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                conditions=one.conditions,
                document=one.document,
            )
        )
    return [
        HeldPower(
            area=power.area_code,
            code=power.code,
            name=power.name,
            kind=PowerKind(power.kind),
            basis=power.basis,
            holder=power.body_code,
            holder_name=name,
            classes=tuple(power.classes),
            valid_from=power.valid_from,
            valid_to=power.valid_to,
            delegations=tuple(given[power.area_code, power.code]),
        )
        for power, name in found
    ]


def listed_powers(session: Session, codes: Iterable[str]) -> dict[tuple[str, str], Power]:
    """The powers of these codes in all lists, by area and code."""
    rows = session.scalars(select(Power).where(Power.code.in_(set(codes))))
    return {(one.area_code, one.code): one for one in rows}


def endless_of(session: Session, bodies: Collection[str]) -> dict[tuple[str, str], str]:
    """The bodies of the powers without an end, by area and code, of these bodies alone."""
    rows = session.execute(
        select(Power.area_code, Power.code, Power.body_code).where(
            Power.body_code.in_(list(bodies)), Power.valid_to.is_(None)
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


def offices_of(session: Session, streets: Iterable[str]) -> set[str]:
    """Those of these streets that have a registered office."""
    query = select(Body.area_code).where(Body.area_code.in_(set(streets)), Body.kind == "street")
    return set(session.scalars(query))


def delegations_to(session: Session, streets: Iterable[str]) -> dict[DelegationKey, Delegation]:
    """All delegations to these streets, those that have ended too."""
    wanted = set(streets)
    query = select(Delegation).where(
        Delegation.district_code.in_({street[:6] for street in wanted}),
        Delegation.street_code.in_(wanted),
    )
    return {
        (one.district_code, one.street_code, one.area_code, one.power_code, one.valid_from): one
        for one in session.scalars(query)
    }


def upsert_powers(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Enter powers; a known one is written anew."""
    _upsert(session, Power, ["area_code", "code"], rows)


def upsert_delegations(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Enter delegations; a known one takes the new end, conditions and document."""
    key = ["district_code", "street_code", "area_code", "power_code", "valid_from"]
    _upsert(session, Delegation, key, rows)


def _upsert(
    session: Session,
    model: type[Power | Delegation],
    key: list[str],
    rows: Sequence[dict[str, object]],
) -> None:
    if not rows:
        return
    statement = insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))
