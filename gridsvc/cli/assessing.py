"""Assessments at the keyboard: a table, a CSV, the review's page, the year recomputed."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.assessment.period import Period, parse_period
from gridsvc.assessment.rankings import Rankings, rank_streets, recompute_streets
from gridsvc.assessment.rates import NO_DATA, RATES, Assessment, Dimension, percent, rounded
from gridsvc.assessment.service import assess
from gridsvc.assessment.view import (
    assessment_csv,
    assessment_json,
    rankings_json,
    year_json,
)
from gridsvc.assessment.yearly import YearSource, assess_year, recompute
from gridsvc.city import City
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_first, print_json, session
from gridsvc.maps.review import read_review, review_page
from gridsvc.maps.yearly import signed, yearly_page

#: So many differences are printed.
_LISTED = 50
_SHOWN = ("response", "solved", "satisfied", "closed", "closed_in_time", "rework", "returned")


def assess_period(
    period: Annotated[
        str, typer.Argument(help="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15.")
    ],
    by: Annotated[Dimension, typer.Option(help="What it is split by.")] = Dimension.STREET,
    area: Annotated[str, typer.Option(help="A district (6 digits) or street (9).")] = "",
    scheme: Annotated[
        str | None, typer.Option(help="Weights of the three rates; else the setting's.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the lines as CSV here.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the monthly review (月度点评会) as HTML here.")
    ] = None,
    recomputed: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="Recompute the bodies' yearly scores from the trace alone, and compare with the"
            " tables. Exit code 1: they differ.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rates, scores and ranks of a period (考核评价)."""
    city = load_city()
    span = parse_period(period, city.calendar)
    now = utc_now()
    if recomputed:
        _recompute(city, span, area, now, as_json)
        return
    with session() as opened:
        if page is not None:
            review = read_review(opened, city, span, area=area, scheme=scheme, now=now)
            page.write_text(review_page(review), encoding="utf-8")
            notes.print(f"The review is in {page}.")
        if page is not None and csv is None and not as_json:
            return
        found = assess(opened, city, span, [by], area=area, scheme=scheme, now=now)
    if csv is not None:
        csv.write_bytes(assessment_csv(found.lines[by]))
        notes.print(f"{len(found.lines[by]):,} lines are in {csv}.")
    if as_json:
        print_json(assessment_json(found, by, found.lines[by]))
    elif csv is None:
        console.print(_table(found, by))


def _table(found: Assessment, by: Dimension) -> Table:
    words = found.weights
    table = Table(
        *("rank", by.value, "score", *(RATES[name][0] for name in _SHOWN), "due"),
        title=f"{found.period.name} {found.prefix or '全市'}, weights {words.scheme}",
        caption="in percent; – is no data" + (", the period still runs" if found.running else ""),
    )
    for line in found.lines[by]:
        score = rounded(None if line.score is None else line.score * 100, 2)
        name = line.name if line.name == line.key else f"{line.name} {line.key or ''}"
        table.add_row(
            NO_DATA if line.rank is None else str(line.rank),
            name,
            NO_DATA if score is None else str(score),
            *(percent(line.rate(shown).value) for shown in _SHOWN),
            f"{line.tally['due']:,}",
        )
    return table


def _recompute(city: City, period: Period, area: str, now: dt.datetime, as_json: bool) -> None:
    with session() as opened:
        # One view of everything: what is written meanwhile is no difference.
        opened.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found, differing = recompute(opened, city, period, area=area, now=now)
        differing += recompute_streets(opened, city, period, area=area, now=now)
    if as_json:
        print_json({**year_json(found), "differences": [asdict(one) for one in differing]})
    else:
        table = Table(
            *("rank", "body", "score", "citizens", "on time", "reported in"),
            *("scored", "judged", "opinion", "without appeals"),
        )
        for line in found.lines:
            values = [percent(value) for value in line.parts.values()]
            values.append(percent(found.unappealed[line.body].score, 2))
            name = f"{found.names.get(line.body, '')} {line.body}".strip()
            score = percent(line.score, 2)
            table.add_row(NO_DATA if line.rank is None else str(line.rank), name, score, *values)
        console.print(table)
        lines = [
            f"{one.body} {one.count}: the tables say {one.tables}, the trace {one.trace}"
            for one in differing
        ]
        print_first(lines, _LISTED)
        agrees = "the tables say the same" if not differing else f"{len(differing)} differences"
        console.print(f"{len(found.lines):,} bodies recomputed from the trace: {agrees}.")
    if differing:
        raise typer.Exit(1)


def rank_period(
    period: Annotated[
        str, typer.Argument(help="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15.")
    ],
    area: Annotated[str, typer.Option(help="A district (6 digits).")] = "",
    traced: Annotated[
        bool, typer.Option("--trace", help="Count in the trace alone, not in the tables.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write the year (年度考核) as HTML here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Streets by the three rates, growth against a year before, who is named (综合排名)."""
    city, now = load_city(), utc_now()
    span = parse_period(period, city.calendar)
    source = YearSource.TRACE if traced else YearSource.TABLES
    with session() as opened:
        found = rank_streets(opened, city, span, area=area, source=source, now=now)
        if page is not None:
            year = assess_year(opened, city, span, area=area, source=source, now=now)
            page.write_text(yearly_page(year, found, area=area), encoding="utf-8")
            notes.print(f"The year is in {page}.")
    if as_json:
        print_json(rankings_json(found))
    elif page is None:
        console.print(_ranking(found))


def _ranking(found: Rankings) -> Table:
    three = ("response", "solved", "satisfied")
    table = Table(
        *("rank", "street", "score", *(RATES[name][0] for name in three), "growth", "named"),
        title=f"{found.period.name}, against {found.before.name}",
    )
    for line in found.lines:
        where = [
            words
            for words, codes in (
                ("first", found.by_score.first),
                ("last", found.by_score.last),
            )
            if line.street in codes
        ]
        table.add_row(
            NO_DATA if line.rank is None else str(line.rank),
            f"{line.name} {line.street}",
            percent(line.score, 2),
            *(percent(line.rates[name].value) for name in three),
            signed(line.growth),
            " ".join(where),
        )
    return table
