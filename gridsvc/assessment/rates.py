"""Rates in exact fractions, and how they are rounded to be read.

A rate with nothing below the line is *no data*: None, never 0 and never 100 %. Everything is
counted, added and compared exactly; only what is shown is rounded, half up, as people do by hand
(四舍五入): 4,640 of 4,649 is 99.8 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["NO_DATA", "Rate", "percent", "rate", "rounded"]

#: What stands in a table where nothing can be divided.
NO_DATA = "–"
#: Decimal places of a percentage, and of a score.
_PLACES = 1


def rate(numerator: int | Fraction, denominator: int) -> Fraction | None:
    """The exact share; None (no data) when the denominator is zero. Raises ValueError below it."""
    if denominator < 0 or numerator < 0:
        raise ValueError(f"{numerator} of {denominator} is no share; counts are not negative.")
    return None if denominator == 0 else Fraction(numerator) / denominator


def rounded(value: Fraction | None, places: int = _PLACES) -> Decimal | None:
    """A number as it is shown: half up at ``places`` decimals, for numbers that are not negative.

    Exact: it is rounded from the fraction, so that 0.125 to two places is 0.13.
    """
    if value is None:
        return None
    scaled = value * 10**places + Fraction(1, 2)
    return Decimal(scaled.numerator // scaled.denominator).scaleb(-places)


def percent(value: Fraction | None, places: int = _PLACES) -> str:
    """A share as it is printed: ``99.8``; without data a dash.

    >>> percent(rate(4640, 4649))
    '99.8'
    """
    shown = rounded(None if value is None else value * 100, places)
    return NO_DATA if shown is None else str(shown)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate: what was counted above and below the line, and why there may be no data.

    ``above`` and ``below`` name the counts, so that the cases behind each can be listed.
    """

    name: str
    numerator: Fraction
    denominator: int
    above: tuple[str, ...]
    below: str
    nothing: str

    @property
    def value(self) -> Fraction | None:
        """The exact share, None without data."""
        return rate(self.numerator, self.denominator)

    def to_json(self) -> dict[str, Any]:
        """``{numerator, denominator, percent, reason}``; ``percent`` is null without data."""
        shown = rounded(None if self.value is None else self.value * 100)
        whole = self.numerator.denominator == 1
        return {
            "numerator": int(self.numerator) if whole else float(self.numerator),
            "denominator": self.denominator,
            "percent": None if shown is None else float(shown),
            "reason": self.nothing if self.value is None else None,
            "counts": {"numerator": list(self.above), "denominator": self.below},
        }
