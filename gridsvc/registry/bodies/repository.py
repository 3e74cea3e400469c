"""The queries of bodies, duties and agreements."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.db.base import Prepared
from gridsvc.registry.bodies.models import Agreement, Body, Duty, DutyGap
from gridsvc.registry.bodies.rule import Ground, ListedDuty, narrowest_first
from gridsvc.registry.in_force import LINE_HOLDS, PART, holds, part_stands, unit_grids_on


@dataclass(frozen=True, slots=True)
class Answering:
    """The lines for a class at a place, and the bodies that they and the question name.

    Each list in the order in which its lines count.
    """

    agreed: list[ListedDuty]
    listed: list[ListedDuty]
    bodies: dict[str, BodyRef]


def bodies_by_code(session: Session, codes: Iterable[str]) -> dict[str, BodyRef]:
    """The bodies of these codes that exist."""
    rows = session.execute(
        select(Body.code, Body.name, Body.kind, Body.area_code).where(Body.code.in_(set(codes)))
    )
    return {row.code: BodyRef(row.code, row.name, row.kind, row.area_code) for row in rows}


def telephones(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The telephones of the offices of these codes; those without one are left out."""
    rows = session.execute(
        select(Body.code, Body.telephone).where(
            Body.code.in_(set(codes)), Body.telephone.is_not(None)
        )
    )
    return {row.code: row.telephone for row in rows}


_ANSWERING = Prepared(
    "answering",
    "with line as ("  # noqa: S608 - our own words
    " select 0 as list, d.body_code, d.role, a.title as clause, '' as area_code, d.class_prefix,"
    " a.valid_from from agreement a join agreement_duty d on d.agreement_id = a.id"
    " where st_intersects(a.zone, st_setsrid(st_point(:lon, :lat), 4326))"
    " and d.standard = :standard and d.kind = :kind"
    " and :class_code like d.class_prefix || '%'"
    f" and {LINE_HOLDS}"
    " union all select 1, body_code, role, clause, area_code, class_prefix, null from duty"
    " where area_code = any(:areas) and standard = :standard and kind = :kind"
    " and :class_code like class_prefix || '%'"
    f" and {LINE_HOLDS}"
    " union all select 2, code, '', '', '', '', null from body where code = any(:more))"
    " select list, body_code, role, clause, line.area_code, class_prefix, valid_from,"
    " body.name, body.kind, body.area_code from line join body on body.code = body_code",
    {
        "lon": "float8",
        "lat": "float8",
        "areas": "text[]",
        "standard": "text",
        "kind": "text",
        "class_code": "text",
        "day": "date",
        "more": "text[]",
    },
)


def answering(
    session: Session,
    *,
    lon: float,
    lat: float,
    area_codes: Sequence[str],
    key: ClassKey,
    day: dt.date,
    more: Iterable[str],
) -> Answering:
    """Every line that fits a class at a WGS84 point, in one question.

    ``area_codes`` are the place's district, street and community with all their prefixes that
    lists may use; ``more`` the codes of further bodies that are asked for.
    """
    rows = _ANSWERING.ask(
        session,
        {
            "lon": lon,
            "lat": lat,
            "areas": list(area_codes),
            "standard": key.standard,
            "kind": key.kind,
            "class_code": key.code,
            "day": day,
            "more": list(more),
        },
    )
    lists: tuple[list[ListedDuty], ...] = ([], [], [])
    for row in rows:
        lists[row[0]].append(ListedDuty(*row[1:7]))
    bodies = {row[1]: BodyRef(row[1], *row[7:10]) for row in rows}
    return Answering(narrowest_first(lists[0]), narrowest_first(lists[1]), bodies)


_SETTLED = Prepared(
    "settled",
    "select 1 from agreement a join agreement_duty d on d.agreement_id = a.id"  # noqa: S608 - ours
    " where d.role = 'lead' and d.standard = :standard and d.kind = :kind"
    " and :class_code like d.class_prefix || '%'"
    " and st_covers(a.zone, coalesce(st_geomfromtext(:outline, 4326),"
    " st_setsrid(st_point(:lon, :lat), 4326)))"
    f" and {LINE_HOLDS} limit 1",
    {
        "lon": "float8",
        "lat": "float8",
        "outline": "text",
        "standard": "text",
        "kind": "text",
        "class_code": "text",
        "day": "date",
    },
)


def agreement_settles(
    session: Session,
    *,
    lon: float,
    lat: float,
    outline_wkt: str | None,
    key: ClassKey,
    day: dt.date,
) -> bool:
    """Whether an agreement in force names who leads for a class at a WGS84 point.

    Of an outline (WKT, 4326) its zone must hold the whole.
    """
    asked = {"lon": lon, "lat": lat, "outline": outline_wkt, "day": day}
    named = {"standard": key.standard, "kind": key.kind, "class_code": key.code}
    return bool(_SETTLED.ask(session, asked | named))


def add_bodies(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Add bodies; those whose code is known already keep their row."""
    session.execute(insert(Body).on_conflict_do_nothing(), list(rows))


def add_duties(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Add lines of a duty list."""
    session.execute(insert(Duty), list(rows))


def count_duties(session: Session) -> int:
    """How many lines the duty lists have."""
    return int(session.execute(text("select count(*) from duty")).scalar_one())


def set_webhook(session: Session, code: str, url: str | None) -> None:
    """Keep the address at which a body is called."""
    session.execute(update(Body).where(Body.code == code).values(webhook_url=url))


def add_gap(session: Session, row: dict[str, object]) -> None:
    """Keep a gap of duty; one that is known keeps its first case."""
    session.execute(insert(DutyGap).values(row).on_conflict_do_nothing())


def grid_code_at(
    session: Session, district_code: str, lon: float, lat: float, day: dt.date
) -> str | None:
    """The code of the unit grid of a WGS84 point, None where none is drawn."""
    grid = unit_grids_on(day).subquery("grid").c
    place = func.st_setsrid(func.st_point(lon, lat), 4326)
    found: str | None = session.scalar(
        select(grid.code)
        .where(grid.district_code == district_code, func.st_intersects(grid.geometry, place))
        .order_by(grid.code)
        .limit(1)
    )
    return found


def bodies_of_grid(
    session: Session,
    district_code: str,
    *,
    lon: float,
    lat: float,
    territory: str,
    day: dt.date,
) -> list[str]:
    """Every body that answers for anything in the unit grid of a WGS84 point, by code.

    Those of the duty lists for its community, street and district, the office of its street and
    community, and the owners, maintainers and competent bodies of its parts. Where no unit grid
    is drawn, those of the lists for ``territory``, a street, and its office.
    """
    grid = unit_grids_on(day).subquery("grid").c
    place = func.st_setsrid(func.st_point(lon, lat), 4326)
    cell = session.execute(
        select(grid.code, grid.street_code, grid.community_code)
        .where(grid.district_code == district_code, func.st_intersects(grid.geometry, place))
        .order_by(grid.code)
        .limit(1)
    ).first()
    named, areas = {territory}, {territory[:n] for n in (2, 4, 6)} | {territory}
    answering = []
    if cell is not None:
        named |= {cell.street_code, cell.community_code}
        areas |= {cell.street_code[:n] for n in (2, 4, 6)} | named
        behind = array([PART.c.owner_body, PART.c.maintainer_body, PART.c.competent_body])
        in_cell = and_(PART.c.district_code == district_code, PART.c.grid_code == cell.code)
        answering.append(select(func.unnest(behind)).where(in_cell, part_stands(day)))
    in_force = holds(Duty.valid_from, Duty.valid_to, day)
    answering.append(select(Duty.body_code).where(Duty.area_code.in_(areas), in_force))
    found = or_(Body.code.in_(named), *(Body.code.in_(one) for one in answering))
    return list(session.scalars(select(Body.code).where(found).order_by(Body.code)))


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


def bodies_named(session: Session, words: Sequence[str], area_codes: Sequence[str]) -> list[str]:
    """The codes of the bodies of the narrowest of some areas whose names contain one of the words.

    Where a place's district has a water bureau, that of the city is left out.
    """
    rows = session.execute(
        select(Body.code, Body.area_code)
        .where(
            Body.area_code.in_(area_codes),
            or_(*(Body.name.contains(word, autoescape=True) for word in words)),
        )
        .order_by(func.length(Body.area_code).desc(), Body.code)
    ).all()
    return [code for code, area in rows if len(area) == len(rows[0].area_code)]


@dataclass(frozen=True, slots=True)
class BodyRef:
    """A body's code, its name, and the area in which it works."""

    code: str
    name: str
    kind: str
    area_code: str

    @property
    def district(self) -> str | None:
        """The district in which it works; None for a body of the whole city."""
        return self.area_code[:6] if len(self.area_code) >= 6 else None

    def to_json(self) -> dict[str, Any]:
        """``{code, name, kind}``."""
        return {"code": self.code, "name": self.name, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Responsibility:
    """The body that answers, those that assist, and the ground with its clause.

    ``gap`` is true when no list names anybody, so that the territory coordinates (属地兜底).
    ``territory`` is the street office of the place.
    """

    lead: BodyRef
    assist: tuple[BodyRef, ...]
    ground: Ground
    clause: str
    territory: BodyRef | None
    gap: bool

    def to_json(self) -> dict[str, Any]:
        """The ``responsibility`` of an answer."""
        return {
            "lead": self.lead.to_json(),
            "assist": [body.to_json() for body in self.assist],
            "ground": self.ground.value,
            "clause": self.clause,
            "territory": self.territory and self.territory.to_json(),
            "gap": self.gap,
        }
