"""Whistles of a period, per street: counted, and judged beside the city."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.systems.whistles.rates import Counts, Judged, Street, Terms, judged
from gridsvc.cases.systems.whistles.rates_repository import Counted, counted
from gridsvc.registry.bodies.list_repository import active_areas

__all__ = ["Rated", "rate_whistles"]


@dataclass(frozen=True, slots=True)
class Rated:
    """Every street of an area, and all of them together."""

    cases: int
    counts: Counts
    streets: tuple[Judged, ...]
    terms: Terms

    def to_json(self) -> dict[str, Any]:
        """``{cases, whistles, closed, closed_percent, by, per_1000_cases, rule, streets}``."""
        whole = Judged(Street("", "", self.cases, self.counts), None, None, None, None)
        return {
            "cases": self.cases,
            **self.counts.to_json(),
            "per_1000_cases": None if whole.per_1000 is None else round(whole.per_1000, 2),
            "rule": (
                "sign: q <= "
                f"{self.terms.max_fdr:g}; p is twice the exact binomial tail of the street's"
                " whistles, given the total and the street's share of the cases; q is Benjamini"
                " and Hochberg's over all streets with cases"
            ),
            "streets": [one.to_json() for one in self.streets],
        }


def rate_whistles(
    session: Session, *, start: dt.datetime, end: dt.datetime, prefix: str, terms: Terms
) -> Rated:
    """The whistles blown from ``start`` until before ``end``, per street, by code.

    Every street in force at the end is there, without whistles too. What cannot be said to be in
    any street stands under the code ''. A prefix of 9 digits lists that street, beside its
    district.
    """
    around = prefix[:6]
    found = counted(session, start=start, end=end, prefix=around)
    names = active_areas(session, "street", around, end - dt.timedelta(seconds=1))
    codes = sorted({*names, *found})
    streets = [_street(code, names.get(code, ""), found.get(code, Counted())) for code in codes]
    return Rated(
        cases=sum(street.cases for street in streets),
        counts=_together(street.counts for street in streets),
        streets=tuple(
            one for one in judged(streets, terms) if len(prefix) <= 6 or one.street.code == prefix
        ),
        terms=terms,
    )


def _street(code: str, name: str, one: Counted) -> Street:
    by = {split: dict(sorted(counts.items())) for split, counts in one.by.items()}
    return Street(code, name, one.cases, Counts(one.whistles, one.closed, by))


def _together(streets: Iterable[Counts]) -> Counts:
    by: dict[str, Counter[str]] = {name: Counter() for name in ("ground", "kind", "level")}
    whistles = closed = 0
    for counts in streets:
        whistles += counts.whistles
        closed += counts.closed
        for name, values in counts.by.items():
            by[name].update(values)
    return Counts(whistles, closed, {name: dict(sorted(by[name].items())) for name in by})
