"""A year of every body: from the tables, from the trace alone, and whether the two agree."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from gridsvc.assessment.model import Dimension
from gridsvc.assessment.period import Period
from gridsvc.assessment.repository.names import names
from gridsvc.assessment.repository.years import years_of_tables, years_of_trace
from gridsvc.assessment.service import frame_of
from gridsvc.assessment.yearly import Difference, YearlyLine, differences, yearly_lines
from gridsvc.city import City
from gridsvc.city.weights import WEIGHTS, ThreeRates, Yearly
from gridsvc.errors import BadInput

__all__ = ["Source", "Year", "assess_year", "recompute"]


class Source(StrEnum):
    """Where the counts of a year come from."""

    TABLES = "tables"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Year:
    """The bodies' years in the order of their rank; their names by code; the weights."""

    period: Period
    source: Source
    lines: tuple[YearlyLine, ...]
    names: dict[str, str]
    rates: ThreeRates
    weights: Yearly


def assess_year(
    session: Session,
    city: City,
    period: Period,
    *,
    area: str = "",
    source: Source = Source.TABLES,
    now: dt.datetime,
) -> Year:
    """The yearly score of every body, with the weights in force on the period's last day.

    Raises BadInput for a period that has not begun, or without weights, and for a street: bodies
    answer for their work in the whole district.
    """
    if len(area) > 6:
        raise BadInput(
            f"Yearly scores are those of districts; send 'area' as {area[:6]}.", field="area"
        )
    frame = frame_of(session, city, period, area, now=now)
    if source is Source.TRACE:
        counts = years_of_trace(session, frame, area)
    else:
        counts = years_of_tables(session, frame)
    rates = city.table(WEIGHTS).of_rates(city.settings.weights_scheme, period.last)
    weighed = city.table(WEIGHTS).of_year(period.last)
    lines = yearly_lines(counts, rates, weighed)
    known = names(session, Dimension.BODY, counts, now, city.standard)
    return Year(period, source, lines, known, rates, weighed)


def recompute(
    session: Session, city: City, period: Period, *, area: str = "", now: dt.datetime
) -> tuple[Year, tuple[Difference, ...]]:
    """The yearly scores recomputed from the trace alone, and where the tables say otherwise.

    A difference means that a table was changed by hand, or that a case was closed by a version of
    this service that did not write its judgements into the trace. Whether the trace itself is
    whole, ``gridsvc trace verify`` says.
    """
    traced = assess_year(session, city, period, area=area, source=Source.TRACE, now=now)
    tables = assess_year(session, city, period, area=area, now=now)
    found = differences(
        {line.body: line.counts for line in tables.lines},
        {line.body: line.counts for line in traced.lines},
    )
    return traced, found
