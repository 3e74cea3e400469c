"""Counts what the facts say, by one or several dimensions in one pass, and lists what is behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, func, select, text, tuple_
from sqlalchemy.orm import Session

from gridsvc.assessment.rates import COUNTS, Dimension, Family, Tally
from gridsvc.assessment.repository.facts import facts
from gridsvc.assessment.scope import Scope

#: Sorting and hashing a month of a city stays in memory with this.
_WORK_MEMORY = "128MB"


@dataclass(frozen=True, slots=True)
class Behind:
    """One thing that was counted: its case, and the report or body where it is not the case."""

    case_district: str
    case_id: str
    thing: str


def tallies(
    session: Session,
    scope: Scope,
    dimensions: Iterable[Dimension],
    families: Iterable[Family] = tuple(Family),
) -> dict[Dimension, dict[str | None, Tally]]:
    """The counts of the families by each dimension: one query a family, GROUPING SETS in it."""
    _give_memory(session)
    wanted = tuple(dimensions)
    counts: dict[tuple[Dimension, str | None], dict[str, int]] = defaultdict(dict)
    minutes: dict[tuple[Dimension, str | None], float | None] = {}
    for family in families:
        for dimension, row in _grouped(session, scope, family, wanted):
            place = dimension, row[dimension.value]
            counts[place] |= {name: row[name] for name in COUNTS[family]}
            if family is Family.ARRIVALS:
                minutes[place] = None if row["minutes"] is None else float(row["minutes"])
    found: dict[Dimension, dict[str | None, Tally]] = {dimension: {} for dimension in wanted}
    for (dimension, key), known in counts.items():
        found[dimension][key] = Tally(known, minutes.get((dimension, key)))
    return found


def _grouped(
    session: Session, scope: Scope, family: Family, wanted: tuple[Dimension, ...]
) -> Iterable[tuple[Dimension, Any]]:
    fact = facts(scope, family).subquery("fact")
    columns = [fact.c[dimension.value] for dimension in wanted]
    picked = [func.count().filter(fact.c[name]).label(name) for name in COUNTS[family]]
    if family is Family.ARRIVALS:
        picked.append(func.percentile_cont(0.5).within_group(fact.c.minutes).label("minutes"))
    query = select(*columns, func.grouping(*columns).label("left_out"), *picked).group_by(
        func.grouping_sets(*(tuple_(column) for column in columns))
    )
    for row in session.execute(query).mappings():
        # Of the bits, the first column's the highest, only that of the set's own column is 0.
        for place, dimension in enumerate(wanted):
            if not row["left_out"] >> (len(wanted) - 1 - place) & 1:
                yield dimension, row


def behind(
    session: Session,
    scope: Scope,
    count: str,
    dimension: Dimension,
    key: str | None,
    *,
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[Behind]:
    """The things behind one count of a line, by district, case and thing, from behind ``after``."""
    _give_memory(session)
    family = next(family for family, names in COUNTS.items() if count in names)
    fact = facts(scope, family).subquery("fact")
    column = fact.c[dimension.value]
    order = (fact.c.case_district, cast(fact.c.case_id, String), fact.c.thing)
    query = (
        select(*order)
        .where(fact.c[count], column.is_(None) if key is None else column == key)
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return [Behind(*row) for row in session.execute(query)]


def districts_of(session: Session, prefix: str) -> tuple[str, ...]:
    """The districts under a prefix that have cases or reports.

    Found by hopping along the indexes: a plain ``distinct`` would read all of 10 million rows.
    """
    found = session.scalars(
        text(
            "with recursive cases as ("
            " (select district_code from case_file order by district_code limit 1) union all"
            " select (select f.district_code from case_file f"
            " where f.district_code > cases.district_code order by f.district_code limit 1)"
            " from cases where cases.district_code is not null),"
            " reports as ("
            " (select district_code from report order by district_code limit 1) union all"
            " select (select f.district_code from report f"
            " where f.district_code > reports.district_code order by f.district_code limit 1)"
            " from reports where reports.district_code is not null)"
            " select district_code from cases where district_code is not null"
            " union select district_code from reports where district_code is not null order by 1"
        )
    )
    return tuple(district for district in found if district.startswith(prefix))


def _give_memory(session: Session) -> None:
    session.execute(text("select set_config('work_mem', :size, true)"), {"size": _WORK_MEMORY})
