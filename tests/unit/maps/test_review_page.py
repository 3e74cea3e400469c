from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

from gridsvc.city.weights import Reading
from gridsvc.maps.review import review_page
from gridsvc.maps.review.charts import HEIGHT, bars, trend
from tests.reviews import line, review


def _month(name: str, solved: int | None) -> object:
    """A month with ten callbacks, all reached, so many solved; None for no callback."""
    if solved is None:
        return line(name)
    return line(name, valid=10, contacted=10, solved=solved, satisfied=solved)


def test_a_month_without_data_cuts_the_curve_and_is_not_drawn_as_zero() -> None:
    months = [_month(f"2026-{n:02}", n) for n in (1, 2)] + [_month("2026-03", None)]
    months += [_month(f"2026-{n:02}", n) for n in (4, 5)]
    drawn = trend(months)
    assert drawn is not None
    solved = next(curve for curve in drawn.curves if curve.name == "solved")
    assert (len(solved.pieces), len(solved.points)) == (2, 4)
    assert [words for _, words in drawn.months][2] == "2026-03"


def test_a_higher_rate_is_drawn_higher_and_all_inside_the_chart() -> None:
    drawn = trend([_month(f"2026-{n:02}", n) for n in (1, 5, 10)])
    assert drawn is not None
    solved = next(curve for curve in drawn.curves if curve.name == "solved")
    heights = [y for _, y, _ in solved.points]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= y <= HEIGHT for y in heights)


def test_labels_of_curves_that_end_together_do_not_lie_on_each_other() -> None:
    same = line("m", valid=10, contacted=10, solved=10, satisfied=10, counted=3, closed_in_time=3)
    drawn = trend([same, same])
    assert drawn is not None
    heights = sorted(curve.label[1] for curve in drawn.curves if curve.label is not None)
    assert len(heights) == 4
    assert all(low - high >= 17.9 for high, low in pairwise(heights))
    assert all(0 < y < HEIGHT for y in heights)


def test_one_month_is_no_trend_and_no_callback_is_no_bar() -> None:
    assert trend([_month("2026-11", 3)]) is None
    one, none = bars([_month("a", 5), _month("b", None)], before=[_month("a", 10)])
    assert (one.width, one.before) == (55.0, 100.0)
    assert (none.width, none.score, none.rank) == (None, "–", "–")


def test_the_page_says_how_it_changed_and_by_which_rules_it_counts() -> None:
    page = review_page(review())
    assert "▲ +0.0" in page
    for words in ("第3街道", "0.1 × 响应率 + 0.5 × 解决率 + 0.4 × 满意率", "rounded half up"):
        assert words in page


def test_the_page_says_how_response_is_read_and_since_when_where_that_changes() -> None:
    page = review_page(review())
    assert "响应为责任单位是否联系市民" in page
    assert "响应为回访是否接通市民" not in page
    both = ((dt.date(2026, 11, 1), Reading.HOTLINE), (dt.date(2026, 11, 16), Reading.UNIT))
    made = review()
    page = review_page(replace(made, found=replace(made.found, readings=both)))
    assert "2026-11-01 起响应为回访是否接通市民；2026-11-16 起响应为责任单位是否联系市民" in page
    assert "from 2026-11-16 whether the unit contacted the citizen" in page
