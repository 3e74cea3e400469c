"""Whistles per street: counts, shares, and whether there are too few or too many; pure rules."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.cases.systems.no_mans_land import false_discovery_rates
from gridsvc.cases.systems.whistles.rates_repository import Counted, counted
from gridsvc.registry.bodies.list_repository import active_areas

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Whistles that were blown: in all, closed, and by ground, kind, and level.

    The level of a joint one is ``joint``.
    """

    whistles: int
    closed: int
    by: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        """``{whistles, closed, closed_percent, by: {ground, kind, level}}``."""
        return {
            "whistles": self.whistles,
            "closed": self.closed,
            "closed_percent": percent(self.closed, self.whistles),
            "by": {name: dict(counts) for name, counts in self.by.items()},
        }


@dataclass(frozen=True, slots=True)
class Street:
    """A street's cases that were opened in the period, and its whistles."""

    code: str
    name: str
    cases: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Terms:
    """``max_fdr`` is the share of false alarms that the signs may have."""

    max_fdr: float = 0.05


@dataclass(frozen=True, slots=True)
class Judged:
    """A street beside all the others together.

    ``expected`` are the whistles that its share of the cases would bring; ``p`` the chance of a
    number as far from that, both tails; ``q`` the share of false alarms among what is as clear.
    ``sign`` is ``too_few``, ``too_many`` or None; all four are None where nothing can be said.
    """

    street: Street
    expected: float | None
    p: float | None
    q: float | None
    sign: str | None

    @property
    def per_1000(self) -> float | None:
        """Whistles to a thousand cases; None without cases."""
        if not self.street.cases:
            return None
        return 1000.0 * self.street.counts.whistles / self.street.cases

    def to_json(self) -> dict[str, Any]:
        """One row of the answer; a null is "no data"."""
        return {
            "street": self.street.code,
            "name": self.street.name,
            "cases": self.street.cases,
            **self.street.counts.to_json(),
            "per_1000_cases": None if self.per_1000 is None else round(self.per_1000, 2),
            "expected": None if self.expected is None else round(self.expected, 2),
            "p": self.p,
            "q": self.q,
            "sign": self.sign,
        }


def percent(part: int, whole: int) -> float | None:
    """A share in per cent to one decimal, half up; None, "no data", with nothing to share."""
    return (2_000 * part + whole) // (2 * whole) / 10 if whole else None


def judged(streets: Sequence[Street], terms: Terms) -> list[Judged]:
    """Every street beside the city, in the order given.

    If a whistle fell on every case with one chance, a street's number, given the city's total,
    would be binomial with its share of the cases. Twice the smaller exact tail is the p; the q is
    that of Benjamini and Hochberg over all streets that have cases.
    """
    total = sum(street.counts.whistles for street in streets)
    cases = sum(street.cases for street in streets)
    asked = [street for street in streets if street.cases and street.cases < cases and total]
    if not asked:
        return [Judged(street, None, None, None, None) for street in streets]
    whistles = np.array([street.counts.whistles for street in asked], dtype=np.int64)
    chances = _chances(whistles, total, np.array([street.cases / cases for street in asked]))
    rates = false_discovery_rates(chances)
    found: dict[str, Judged] = {}
    for street, p, q in zip(asked, chances.tolist(), rates.tolist(), strict=True):
        expected = total * street.cases / cases
        few = street.counts.whistles < expected
        sign = ("too_few" if few else "too_many") if q <= terms.max_fdr else None
        found[street.code] = Judged(street, expected, p, q, sign)
    return [found.get(street.code, Judged(street, None, None, None, None)) for street in streets]


def _chances(whistles: NDArray[np.int64], total: int, shares: Floats) -> Floats:
    """Twice the smaller tail of the binomial distribution, 1 at most, float64 (n,); exact."""
    from scipy.stats import binom

    fewer, more = binom.cdf(whistles, total, shares), binom.sf(whistles - 1, total, shares)
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(fewer, more)), dtype=np.float64)


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
    any street is under the code ''. A prefix of 9 digits lists that street, beside its
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
