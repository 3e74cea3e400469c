"""Gathers what a review shows: the period, the one before it, and the months that led to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from sqlalchemy.orm import Session

from gridsvc.assessment.period import Period, parse_period
from gridsvc.assessment.rates import (
    NO_DATA,
    RATES,
    Assessment,
    Dimension,
    Family,
    Line,
    percent,
    rounded,
)
from gridsvc.assessment.repository.names import areas_of_level
from gridsvc.assessment.service import assess
from gridsvc.assessment.settled import SettledLine, settled_lines, together
from gridsvc.cases.systems.campaigns.standing import Standing, share_of, standings
from gridsvc.city import City
from gridsvc.city.weights import Reading
from gridsvc.maps.alarm_lines import AlarmLine, alarm_lines
from gridsvc.maps.review.charts import HEIGHT, WIDTH, bars, trend
from gridsvc.maps.self_contained import render_plain
from gridsvc.registry.lanes.listing import LaneQuestion, StreetLanes, by_street

#: Months of a trend that nobody asked for, and the most cases of a month with which it is quick.
_MONTHS, _QUICK_DUE = 6, 30_000
#: What the three rates and the closing rates need; the earlier months show no more.
_EARLIER = (Family.CASES, Family.CALLBACKS)


@dataclass(frozen=True, slots=True)
class Review:
    """A period's assessment, the one before it, and single months up to its end, oldest first.

    ``area_name`` is what the review is about; ``campaigns`` those with a day in the period,
    ``alarms`` those that began in it, ``lanes`` how they were patrolled in it.
    """

    found: Assessment
    before: Assessment
    months: tuple[Line, ...]
    area_name: str
    campaigns: tuple[Standing, ...] = ()
    alarms: tuple[AlarmLine, ...] = ()
    settled: tuple[SettledLine, ...] = ()
    lanes: tuple[StreetLanes, ...] = ()

    @property
    def total(self) -> Line:
        """The whole area in one line."""
        return self.found.lines[Dimension.CITY][0]


def read_review(
    session: Session,
    city: City,
    period: Period,
    *,
    area: str = "",
    scheme: str | None = None,
    months: int | None = None,
    now: dt.datetime,
) -> Review:
    """What the review of a period shows. Raises BadInput.

    ``months`` is how many months the trend has; by itself it has six, and none where a month has so
    many cases that the reader would wait for it.
    """
    dimensions = [Dimension.CITY, Dimension.STREET, Dimension.BODY, Dimension.CLASS]
    if not area:
        dimensions.insert(1, Dimension.DISTRICT)
    counted = partial(assess, session, city, area=area, scheme=scheme, now=now)
    found = counted(period, dimensions)
    if months is None:
        due = found.lines[Dimension.CITY][0].tally["due"]
        months = _MONTHS if due <= _QUICK_DUE else 0
    last = min(period.last, city.day(now))
    days = (last - period.first).days + 1
    return Review(
        found=found,
        before=counted(period.before(), [Dimension.CITY, Dimension.STREET], families=_EARLIER),
        months=_months(counted, period, months),
        area_name=area_name(session, area, now),
        settled=tuple(settled_lines(session, city, area, period.start, period.end)),
        campaigns=standings(session, city, area, period.first, period.last, now=now),
        lanes=tuple(by_street(session, LaneQuestion(area, last, days))) if days > 0 else (),
        alarms=tuple(
            alarm_lines(
                session,
                city,
                area,
                since=period.first,
                until=period.last,
                today=city.day(now),
            )
        ),
    )


def _months(counted: Callable[..., Assessment], period: Period, months: int) -> tuple[Line, ...]:
    if months < 2:
        return ()
    month = period.last.year * 12 + period.last.month - months
    first = dt.date(month // 12, month % 12 + 1, 1)
    trend = parse_period(f"{first}/{period.last}", period.calendar)
    return counted(trend, [Dimension.MONTH], families=_EARLIER).lines[Dimension.MONTH]


def area_name(session: Session, area: str, now: dt.datetime) -> str:
    """What a page is about: a district or street by its name, its code without one, or the city."""
    if len(area) < 6:
        return "全市"
    level = "district" if len(area) == 6 else "street"
    return areas_of_level(session, level, now).get(area, area)


#: So many bodies and classes are on the page; the CSV has all.
_MOST_LINES = 30
_FIGURES = ("response", "solved", "satisfied", "closed", "closed_in_time")
_READINGS = {
    Reading.UNIT: (
        "响应为责任单位是否联系市民，回访未接通的不计入三率",
        "whether the unit contacted the citizen; whom no callback reached counts in none",
    ),
    Reading.HOTLINE: (
        "响应为回访是否接通市民",
        "whether the callback reached the citizen",
    ),
}
_DIMENSIONS = {
    Dimension.DISTRICT: ("各区", "Districts"),
    Dimension.STREET: ("各街道/乡镇", "Streets"),
    Dimension.BODY: ("责任单位", "Bodies"),
    Dimension.CLASS: ("类别", "Classes"),
}


@dataclass(frozen=True, slots=True)
class _Figure:
    title_zh: str
    title: str
    value: str
    unit: str
    #: Signed, in points of the unit; empty when one of the two has no data.
    change: str
    better: bool


@dataclass(frozen=True, slots=True)
class _Row:
    line: Line
    score: str
    rates: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Table:
    title_zh: str
    title: str
    rows: tuple[_Row, ...]
    left_off: int


def review_page(review: Review) -> str:
    """The review as one self-contained HTML text."""
    found = review.found
    ranking = Dimension.STREET if len(found.lines[Dimension.STREET]) > 1 else Dimension.CITY
    return render_plain(
        "review.html",
        review=review,
        found=found,
        calendar=found.period.calendar,
        figures=_figures(review),
        bars=bars(found.lines[ranking], review.before.lines[ranking]),
        trend=trend(review.months),
        width=WIDTH,
        height=HEIGHT,
        tables=[
            _table(dimension, found.lines[dimension])
            for dimension in _DIMENSIONS
            if dimension in found.lines
        ],
        settled=[
            (one, percent(one.share), percent(one.true_share))
            for one in (together(review.settled), *review.settled)
            if review.settled
        ],
        rates=RATES,
        readings=[(day, *_READINGS[reading]) for day, reading in found.readings],
        no_data=NO_DATA,
        campaigns=[
            (one, share_of(one.whole.reached, one.whole.target)) for one in review.campaigns
        ],
    )


def _figures(review: Review) -> list[_Figure]:
    now, before = review.total, review.before.lines[Dimension.CITY][0]
    figures = [_figure("综合得分", "Score", now.score, before.score, "", 2)]
    for name in _FIGURES:
        values = now.rate(name).value, before.rate(name).value
        figures.append(_figure(*RATES[name], *values, "%", 1))
    return figures


def _figure(
    zh: str, english: str, now: Fraction | None, before: Fraction | None, unit: str, places: int
) -> _Figure:
    change, better = "", True
    if now is not None and before is not None:
        better = now >= before
        difference = rounded(abs(now - before) * 100, places)
        change = f"{'+' if better else '−'}{difference}"
    shown = unit if now is not None else ""
    return _Figure(zh, english, percent(now, places), shown, change, better)


def _table(dimension: Dimension, lines: tuple[Line, ...]) -> _Table:
    if dimension in (Dimension.BODY, Dimension.CLASS):
        # Those with most work first; the ranks beside them are those of the scores.
        lines = tuple(sorted(lines, key=lambda line: (-_work(line), line.key or "")))
        shown = lines[:_MOST_LINES]
    else:
        shown = lines
    zh, english = _DIMENSIONS[dimension]
    return _Table(zh, english, tuple(_row(line) for line in shown), len(lines) - len(shown))


def _work(line: Line) -> int:
    return line.tally["received"] + line.tally["called"]


def _row(line: Line) -> _Row:
    score = NO_DATA if line.score is None else str(rounded(line.score * 100, 2))
    return _Row(line, score, {rate.name: percent(rate.value) for rate in line.rates})
