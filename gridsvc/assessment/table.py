"""An assessment as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from gridsvc.assessment.measures import RATES
from gridsvc.assessment.model import COUNTS, Line
from gridsvc.assessment.rates import percent, rounded

__all__ = ["assessment_csv", "spreadsheet_text"]

#: A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COUNTS = [name for names in COUNTS.values() for name in names]


def assessment_csv(lines: Iterable[Line]) -> bytes:
    """The lines as CSV in UTF-8 with a byte order mark, by which spreadsheets show Chinese whole.

    Scores are of 100, rates in percent; an empty cell is no data, never 0.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(
        ["排名 rank", "代码 key", "名称 name", "综合得分 score"]
        + [f"{zh} {name} %" for name, (zh, _) in RATES.items()]
        + ["报到用时中位数 median minutes to report in"]
        + [f"{name} (n)" for name in _COUNTS]
    )
    for line in lines:
        score = rounded(None if line.score is None else line.score * 100, 2)
        rates = [percent(rate.value) if rate.value is not None else "" for rate in line.rates]
        minutes = line.tally.minutes
        table.writerow(
            [
                "" if line.rank is None else line.rank,
                spreadsheet_text(line.key or ""),
                spreadsheet_text(line.name),
                "" if score is None else score,
                *rates,
                "" if minutes is None else f"{minutes:.1f}",
                *(line.tally[name] for name in _COUNTS),
            ]
        )
    return text.getvalue().encode("utf-8-sig")


def spreadsheet_text(value: str) -> str:
    """A text that a spreadsheet shows and never runs: what looks like a formula gets a quote."""
    return f"'{value}" if value.startswith(_FORMULA) else value
