"""What the demand forecast answers."""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.foresight.demand.service import Figure, Needs


class NumberExpected(Answer):
    """A number that is expected, and a 90 % interval; null where too few years were counted."""

    expected: float
    low: float | None
    high: float | None


class StreetDemand(Answer):
    """A street two years ahead."""

    code: str
    name: str
    children_now: int = Field(description="Of the ages, as counted last.")
    children: NumberExpected
    coming: NumberExpected = Field(description="Those who come: children by the uptake.")
    seats: int = Field(description="In the street.")
    needed: NumberExpected = Field(description="Those who find no seat within reach.")
    places_needed: int = Field(description="The same, rounded up.")


class PastForecasts(Answer):
    """How forecasts of the past did against what came."""

    years: int
    mase: float = Field(description="Mean absolute scaled error; the naive forecast's is beside.")
    naive_mase: float
    covered: float | None = Field(description="Share of counts inside the 90 % interval.")


class ForecastAnswer(Answer):
    """Places for children that the streets of a district need on August 31 of a year."""

    district: str
    kind: str
    title: str
    title_zh: str
    ages: list[int]
    uptake: float
    counted: list[int] = Field(description="Years whose residents were counted.")
    year: int
    places: int = Field(description="Kindergartens or nurseries that there are.")
    places_needed: int
    streets: list[StreetDemand]
    past: PastForecasts | None


def demand_answer(found: Needs) -> ForecastAnswer:
    """The answer of a forecast."""
    past = None
    if found.checked is not None:
        checked = found.checked
        covered = None if math.isnan(checked.covered) else round(checked.covered, 3)
        past = PastForecasts(
            years=checked.forecasts,
            mase=round(checked.mase, 3),
            naive_mase=round(checked.naive_mase, 3),
            covered=covered,
        )
    return ForecastAnswer(
        district=found.district,
        kind=found.care.kind,
        title=found.care.title,
        title_zh=found.care.title_zh,
        ages=list(found.care.ages),
        uptake=found.care.uptake,
        counted=list(found.history),
        year=found.year,
        places=found.places,
        places_needed=whole(found.needed),
        streets=[
            StreetDemand.of(
                one,
                **{name: _number(getattr(one, name)) for name in ("children", "coming", "needed")},
                places_needed=whole(one.needed.expected),
            )
            for one in found.streets
        ],
        past=past,
    )


def whole(number: float) -> int:
    """Rounded up, but for what is no more than the error of the arithmetic."""
    return math.ceil(number - 1e-3)


def _number(figure: Figure) -> NumberExpected:
    def shown(value: Any) -> Any:
        return None if value is None else round(value, 1)

    return NumberExpected(
        expected=round(figure.expected, 1), low=shown(figure.low), high=shown(figure.high)
    )
