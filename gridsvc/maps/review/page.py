"""A review as one HTML file: the figures, the ranking, the months, the tables."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from gridsvc.assessment.measures import RATES
from gridsvc.assessment.model import Dimension, Line
from gridsvc.assessment.rates import NO_DATA, percent, rounded
from gridsvc.maps.review.charts import HEIGHT, WIDTH, bars, trend
from gridsvc.maps.review.reading import Review
from gridsvc.maps.self_contained import render_plain

__all__ = ["review_page"]

#: So many bodies and classes stand on the page; the CSV has all.
_MOST_LINES = 30
_FIGURES = ("response", "solved", "satisfied", "closed", "closed_in_time")
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
        rates=RATES,
        no_data=NO_DATA,
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
