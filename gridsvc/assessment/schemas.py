"""Assessments as the interface gives them; scores and parts are of 100."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.assessment.rates import Dimension
from gridsvc.assessment.yearly import YearSource
from gridsvc.city.weights import Reading


class PeriodAnswer(Answer):
    """A period, in the city's days."""

    name: str
    first_day: dt.date
    last_day: dt.date
    running: bool = Field(description="It has not ended: the figures still change.")


class WeightsAnswer(Answer):
    """How the three rates are weighed."""

    scheme: str
    valid_from: dt.date
    response: float
    solved: float
    satisfied: float
    fairly: float = Field(description="How much 'fairly' counts beside 'satisfied'.")


class ReadingAnswer(Answer):
    """What response counts from a day on."""

    first_day: dt.date
    reading: Reading = Field(
        description="unit: whether the unit contacted the citizen; hotline: whether the callback"
        " reached the citizen."
    )


class RateCounts(Answer):
    """The names of the counts above and below the line."""

    numerator: list[str]
    denominator: str


class RateAnswer(Answer):
    """One rate."""

    numerator: int | float
    denominator: int
    percent: float | None = Field(description="To one decimal, half up; null without data.")
    reason: str | None = Field(description="Why there is no data.")
    counts: RateCounts


class LineAnswer(Answer):
    """One line: a body, a street, a month."""

    key: str | None = Field(description="Null for what has none, such as no inspector.")
    name: str
    rank: int | None = Field(description="Null without data.")
    score: float | None = Field(description="Of 100; null without data.")
    rates: dict[str, RateAnswer]
    counts: dict[str, int]
    report_in_median_minutes: float | None
    cases: str = Field(description="Address of the cases behind a count; add '&count=' its name.")


class AssessmentAnswer(Answer):
    """The lines of one dimension, in the order of their ranking."""

    period: PeriodAnswer
    by: Dimension
    area: str = Field(description="Empty for the whole city.")
    as_of: dt.datetime
    weights: WeightsAnswer
    readings: list[ReadingAnswer] = Field(
        description="How response is read in the period, by the deadline of each case."
    )
    lines: list[LineAnswer]
    next: Next


class CaseBehind(Answer):
    """A case behind a number."""

    district_code: str
    case_id: uuid.UUID
    counted: str = Field(description="The report or the body that was counted, or the case.")


class CasesBehind(Answer):
    """The cases behind one number."""

    count: str
    cases: list[CaseBehind]
    next: Next


class YearlyParts(Answer):
    """The parts of a yearly score; null without data."""

    citizens: float | None
    on_time: float | None
    reported_in: float | None
    scored: float | None
    judged: float | None = Field(description="Monthly, by the streets to which it posts people.")
    opinion: float | None = Field(description="Of the year, by the streets that called it.")


class YearlyWeights(Answer):
    """The weights of the parts."""

    citizens: float
    on_time: float
    reported_in: float
    scored: float
    judged: float
    opinion: float


class WithoutAppeals(Answer):
    """The year of a body as it would be if no appeal had been accepted."""

    score: float | None
    rank: int | None
    in_time: int


class CallerCalls(Answer):
    """What the whistles of one caller say of a body: one whistle, one assessment."""

    caller: str
    name: str
    arrived: int
    punctual: int
    scored: int
    points: int
    mean: float | None = Field(description="Of the scores, of 100; null without one.")


class NamedAnswer(Answer):
    """Who is named in front and at the end, by code; nobody is in both."""

    first: list[str] = Field(description="The first ten, the best first, with all who tie tenth.")
    last: list[str] = Field(description="The last ten, the worst first, with all who tie tenth.")
    first_tied: bool = Field(description="More than ten, for the tenth place is shared.")
    last_tied: bool


class BodyYearAnswer(Answer):
    """The year of one body."""

    body: str
    name: str
    rank: int | None = Field(description="Null without data.")
    score: float | None = Field(description="Of 100; null without data.")
    parts: YearlyParts
    counts: dict[str, int]
    without_appeals: WithoutAppeals
    callers: list[CallerCalls] = Field(description="By who blew the whistles.")


class YearAnswer(Answer):
    """The yearly score of every body, ranked."""

    period: str
    source: YearSource
    weights: YearlyWeights
    three_rates: str = Field(description="The scheme of the three rates.")
    readings: list[ReadingAnswer]
    bodies: list[BodyYearAnswer]
    named: NamedAnswer


class StreetRank(Answer):
    """A street in the ranking."""

    street: str
    name: str
    rank: int | None = Field(description="Null without data.")
    score: float | None = Field(description="Of 100, weighed from the three rates.")
    rates: dict[str, RateAnswer]
    score_before: float | None
    rank_before: int | None
    growth: float | None = Field(description="Points since the year before; null without data.")
    growth_rank: int | None


class RankingsAnswer(Answer):
    """The streets of an area, ranked by the three rates of their closed cases."""

    period: str
    before: str = Field(description="The same time a year earlier.")
    source: YearSource
    weights: str = Field(description="Each period by the weights in force on its last day.")
    weights_before: str
    streets: list[StreetRank]
    by_score: NamedAnswer
    by_growth: NamedAnswer


class OpinionAnswer(Answer):
    """What a street says of a body's year."""

    street_code: str
    body_code: str
    year: int
    score: int
    reason: str
    given_by: str
    given_at: dt.datetime


class OpinionsAnswer(Answer):
    """What streets say of a year, by body and street."""

    year: int
    opinions: list[OpinionAnswer]


class SettledAnswer(Answer):
    """What was told on the spot in one month and community, each matter once."""

    month: str
    community: str = Field(description="Its code; empty where none is known.")
    told: int = Field(description="On the spot, before the hotline.")
    settled: int
    raised: int = Field(description="To a case, with its history.")
    hotline: int = Field(description="Came to the hotline first.")
    came_anyway: int = Field(description="Settled, and came to the hotline all the same.")
    matters: int = Field(description="told and hotline.")
    share: str | None = Field(description="settled of matters, exactly, such as 2/3.")
    true_share: str | None = Field(description="settled less came_anyway, of matters.")


class SettledList(Answer):
    """What was settled before the hotline, by month and community, and in all."""

    period: str
    area: str
    lines: list[SettledAnswer]
    whole: SettledAnswer
