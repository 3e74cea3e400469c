"""Dated weights: of the three rates, and of the yearly score. Data of the city, checked on load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from gridsvc.city.table import Find, Table
from gridsvc.errors import BadFile, BadInput
from gridsvc.tables import table

_SHIPPED = Path(__file__).parent / "shipped"


class Reading(StrEnum):
    """What the response rate (响应率) counts.

    ``unit``: whether the responsible unit contacted the citizen, over those whom the callback
    reached. ``hotline``: whether the callback reached the citizen, over all valid callbacks.
    """

    UNIT = "unit"
    HOTLINE = "hotline"


#: How response is read in a stretch of time: each reading with its first day.
Readings = tuple[tuple[dt.date, Reading], ...]


@dataclass(frozen=True, slots=True)
class ThreeRates:
    """Weights of response, solved and satisfied, and what a fairly satisfied citizen counts."""

    scheme: str
    valid_from: dt.date
    reading: Reading
    response: Fraction
    solved: Fraction
    satisfied: Fraction
    fairly: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class Yearly:
    """Weights of a body's year: citizens' three rates, in time, reported in, scored, judged.

    ``judged`` are the monthly judgements of the streets to which the body posts people,
    ``opinion`` what the streets that called it say of its year.
    """

    scheme: str
    valid_from: dt.date
    citizens: Fraction
    on_time: Fraction
    reported_in: Fraction
    scored: Fraction
    judged: Fraction
    opinion: Fraction
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

    def readings(self, scheme: str, first: dt.date, last: dt.date) -> Readings:
        """How response is read from ``first`` to ``last``.

        Days before the scheme's first line are read by that line.
        """
        lines = [one for one in reversed(self.three_rates) if one.scheme == scheme]
        spans: list[tuple[dt.date, Reading]] = []
        for one in lines:
            if one.valid_from > last:
                break
            if one.valid_from <= first or not spans:
                spans = [(first, one.reading)]
            elif spans[-1][1] is not one.reading:
                spans.append((one.valid_from, one.reading))
        return tuple(spans)

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
    shares = ("response", "solved", "satisfied")
    rates = _lines(find("weights.csv"), shares, ("fairly",), optional=("reading",))
    yearly = _lines(
        find("yearly.csv"),
        ("citizens", "on_time", "reported_in", "scored", "judged", "opinion"),
        optional=("judged", "opinion"),
    )
    return Weights(
        tuple(ThreeRates(**line) for line in rates), tuple(Yearly(**line) for line in yearly)
    )


#: A city's own ``weights.csv`` and ``yearly.csv``, each where it has one.
WEIGHTS = Table(_SHIPPED, load_weights, own=lambda settings: settings.weights_dir)


def _lines(
    path: Path,
    parts: tuple[str, ...],
    beside: tuple[str, ...] = (),
    optional: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The cells of each line, the newest first; its ``parts`` are weights that sum to 1."""
    needed = [part for part in (*parts, *beside) if part not in optional]
    columns = ["scheme", "valid_from", *needed, "source"]
    rows = list(table(path, columns, optional, key=["scheme", "valid_from"]))
    if not rows:
        raise BadFile(f"{path.name}, line 2: there must be at least one line of weights.")
    lines: list[dict[str, Any]] = []
    for row in rows:
        if not row["scheme"]:
            raise BadFile(f"{row.where}: the line has no scheme.")
        given: dict[str, Any] = {
            name: _share(row.where, name, row[name] or "0" if name in optional else row[name])
            for name in parts
        }
        if (whole := sum(given.values())) != 1:
            raise BadFile(f"{row.where}: {', '.join(parts)} sum to {float(whole)}, not 1.")
        given |= {name: _share(row.where, name, row[name]) for name in beside}
        if "reading" in row:
            given["reading"] = _reading(row.where, row["reading"])
        lines.append({**row, **given, "valid_from": _day(row.where, row["valid_from"])})
    return sorted(lines, key=lambda line: line["valid_from"], reverse=True)


def _share(where: str, name: str, text: str) -> Fraction:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 1:
        raise BadFile(f"{where}: {name} is '{text}'; it must be a number from 0 to 1.")
    return Fraction(value)


def _reading(where: str, text: str) -> Reading:
    try:
        return Reading(text or Reading.UNIT)
    except ValueError:
        known = " or ".join(Reading)
        raise BadFile(f"{where}: reading is '{text[:40]}'; it must be {known}.") from None


def _day(where: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadFile(f"{where}: '{text}' is not a day, such as 2026-01-01.") from None
