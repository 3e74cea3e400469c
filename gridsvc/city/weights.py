"""Dated weights: of the three rates, and of the yearly score. Data of the city, checked on load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile, BadInput
from gridsvc.tables import Row, table

_SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True, slots=True)
class ThreeRates:
    """Weights of response, solved and satisfied, and what a fairly satisfied citizen counts."""

    scheme: str
    valid_from: dt.date
    response: Fraction
    solved: Fraction
    satisfied: Fraction
    fairly: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class Yearly:
    """Weights of a body's year: citizens' three rates, in time, reported in, scored."""

    scheme: str
    valid_from: dt.date
    citizens: Fraction
    on_time: Fraction
    reported_in: Fraction
    scored: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Every line of both tables, the newest first."""

    three_rates: tuple[ThreeRates, ...]
    yearly: tuple[Yearly, ...]

    def of_rates(self, scheme: str, day: dt.date) -> ThreeRates:
        """The weights of a scheme in force on a day. Raises BadInput."""
        for one in self.three_rates:
            if one.scheme == scheme and one.valid_from <= day:
                return one
        known = ", ".join(sorted({one.scheme for one in self.three_rates}))
        raise BadInput(
            f"No weights of '{scheme[:40]}' are in force on {day}; there are {known}.",
            field="scheme",
        )

    def of_year(self, day: dt.date) -> Yearly:
        """The weights of a year in force on a day. Raises BadInput."""
        for one in self.yearly:
            if one.valid_from <= day:
                return one
        raise BadInput(f"No yearly weights are in force on {day}.", field="period")


def load_weights(find: Find) -> Weights:
    """Read ``weights.csv`` and ``yearly.csv``.

    Raises BadFile with file, line and reason.
    """
    rates = [
        ThreeRates(
            scheme=row["scheme"],
            valid_from=day,
            response=shares[0],
            solved=shares[1],
            satisfied=shares[2],
            fairly=fairly,
            source=row["source"],
        )
        for row, day, shares, fairly in _lines(
            find("weights.csv"), ("response", "solved", "satisfied"), "fairly"
        )
    ]
    yearly = [
        Yearly(
            scheme=row["scheme"],
            valid_from=day,
            citizens=shares[0],
            on_time=shares[1],
            reported_in=shares[2],
            scored=shares[3],
            source=row["source"],
        )
        for row, day, shares, _ in _lines(
            find("yearly.csv"), ("citizens", "on_time", "reported_in", "scored"), None
        )
    ]
    return Weights(
        tuple(sorted(rates, key=lambda one: one.valid_from, reverse=True)),
        tuple(sorted(yearly, key=lambda one: one.valid_from, reverse=True)),
    )


#: A city's own ``weights.csv`` and ``yearly.csv``, each where it has one.
WEIGHTS = Table(_SHIPPED, load_weights, own=lambda settings: settings.weights_dir)


def _lines(
    path: Path, parts: tuple[str, ...], beside: str | None
) -> Iterator[tuple[Row, dt.date, list[Fraction], Fraction]]:
    """Each line with its day, its weights, which sum to 1, and the share beside them."""
    columns = ["scheme", "valid_from", *parts, *([beside] if beside else []), "source"]
    rows = list(table(path, columns, key=["scheme", "valid_from"]))
    if not rows:
        raise BadFile(f"{path.name}, line 2: there must be at least one line of weights.")
    for row in rows:
        if not row["scheme"]:
            raise BadFile(f"{row.where}: the line has no scheme.")
        given = [_share(row.where, name, row[name]) for name in parts]
        if sum(given) != 1:
            raise BadFile(f"{row.where}: {', '.join(parts)} sum to {float(sum(given))}, not 1.")
        extra = _share(row.where, beside, row[beside]) if beside else Fraction(0)
        yield row, _day(row.where, row["valid_from"]), given, extra


def _share(where: str, name: str, text: str) -> Fraction:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 1:
        raise BadFile(f"{where}: {name} is '{text}'; it must be a number from 0 to 1.")
    return Fraction(value)


def _day(where: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadFile(f"{where}: '{text}' is not a day, such as 2026-01-01.") from None
