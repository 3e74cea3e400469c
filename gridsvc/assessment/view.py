"""An assessment as JSON."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from gridsvc.assessment.rankings import Named, Rankings, named
from gridsvc.assessment.rates import (
    COUNTS,
    RATES,
    Assessment,
    Dimension,
    Line,
    Ranked,
    percent,
    rate,
    rounded,
)
from gridsvc.assessment.schemas import YearlyWeights
from gridsvc.assessment.yearly import Year
from gridsvc.city.weights import Readings
from gridsvc.spreadsheets import CsvSheet


def assessment_json(
    found: Assessment, dimension: Dimension, lines: tuple[Line, ...]
) -> dict[str, Any]:
    """The answer of ``GET /v1/assessments`` for some lines of one dimension."""
    weights = found.weights
    return {
        "period": {
            "name": found.period.name,
            "first_day": found.period.first,
            "last_day": found.period.last,
            "running": found.running,
        },
        "by": dimension.value,
        "area": found.prefix,
        "as_of": found.at,
        "weights": {
            "scheme": weights.scheme,
            "valid_from": weights.valid_from,
            "response": float(weights.response),
            "solved": float(weights.solved),
            "satisfied": float(weights.satisfied),
            "fairly": float(weights.fairly),
        },
        "readings": _readings_json(found.readings),
        "lines": [line_json(found, dimension, line) for line in lines],
    }


def line_json(found: Assessment, dimension: Dimension, line: Line) -> dict[str, Any]:
    """One line: its rank, score of 100, rates with what they divide, all counts, and a link.

    ``cases`` is the address of the cases behind a count; add ``&count=`` and its name.
    """
    score = rounded(None if line.score is None else line.score * 100, 2)
    query = {"period": found.period.name, "by": dimension.value, "area": found.prefix}
    query["scheme"] = found.weights.scheme
    if line.key is not None:
        query["key"] = line.key
    return {
        "key": line.key,
        "name": line.name,
        "rank": line.rank,
        "score": None if score is None else float(score),
        "rates": {rate.name: rate.to_json() for rate in line.rates},
        "counts": dict(sorted(line.tally.counts.items())),
        "report_in_median_minutes": (
            None if line.tally.minutes is None else round(line.tally.minutes, 1)
        ),
        "cases": f"/v1/assessments/cases?{urlencode(query)}",
    }


def year_json(found: Year) -> dict[str, Any]:
    """The answer of ``GET /v1/assessments/yearly``: parts and scores of 100, ranked."""
    parts = tuple(YearlyWeights.model_fields)
    return {
        "period": found.period.name,
        "source": found.source.value,
        "weights": {part: float(getattr(found.weights, part)) for part in parts},
        "three_rates": found.rates.scheme,
        "readings": _readings_json(found.readings),
        "bodies": [
            line.to_json(
                found.names.get(line.body, line.body),
                found.unappealed[line.body],
                _callers(found, line.body),
            )
            for line in found.lines
        ],
        "named": _named_json(named([Ranked(it.rank, it.body, it.score) for it in found.lines])),
    }


def _callers(found: Year, body: str) -> list[dict[str, Any]]:
    """The whistles of a body by who blew them: each its assessment, and the mean of the scores."""
    told = []
    for (called, caller), calls in sorted(found.calls.items()):
        if called == body:
            mean = rounded(rate(calls.points, calls.scored), 2)
            told.append(
                {
                    "caller": caller,
                    "name": found.names.get(caller, caller),
                    **asdict(calls),
                    "mean": None if mean is None else float(mean),
                }
            )
    return told


def rankings_json(found: Rankings) -> dict[str, Any]:
    """The answer of ``GET /v1/assessments/rankings``; scores and growth of 100."""
    return {
        "period": found.period.name,
        "before": found.before.name,
        "source": found.source.value,
        "weights": found.weights.scheme,
        "weights_before": found.weights_before.scheme,
        "streets": [
            {
                "street": line.street,
                "name": line.name,
                "rank": line.rank,
                "score": _points(line.score),
                "rates": {name: one.to_json() for name, one in line.rates.items()},
                "score_before": _points(line.score_before),
                "rank_before": line.rank_before,
                "growth": _points(line.growth),
                "growth_rank": line.growth_rank,
            }
            for line in found.lines
        ],
        "by_score": _named_json(found.by_score),
        "by_growth": _named_json(found.by_growth),
    }


def _named_json(found: Named) -> dict[str, Any]:
    return {
        "first": list(found.first),
        "last": list(found.last),
        "first_tied": found.tied[0],
        "last_tied": found.tied[1],
    }


def _points(value: Fraction | None) -> float | None:
    """A score or a growth of 100, to two decimals, half up away from zero."""
    if value is None:
        return None
    shown = float(rounded(abs(value) * 100, 2) or 0)
    return -shown if value < 0 else shown


def _readings_json(readings: Readings) -> list[dict[str, Any]]:
    return [{"first_day": day, "reading": reading} for day, reading in readings]


_COUNTS = [name for names in COUNTS.values() for name in names]


def assessment_csv(lines: Iterable[Line]) -> bytes:
    """The lines as CSV for spreadsheets.

    Scores are of 100, rates in percent; an empty cell means no data, never 0.
    """
    written = io.BytesIO()
    table = CsvSheet(
        written,
        ["排名 rank", "代码 key", "名称 name", "综合得分 score"]
        + [f"{zh} {name} %" for name, (zh, _) in RATES.items()]
        + ["报到用时中位数 median minutes to report in"]
        + [f"{name} (n)" for name in _COUNTS],
    )
    for line in lines:
        score = rounded(None if line.score is None else line.score * 100, 2)
        rates = [percent(rate.value) if rate.value is not None else None for rate in line.rates]
        minutes = line.tally.minutes
        table.add(
            [
                line.rank,
                line.key,
                line.name,
                score,
                *rates,
                None if minutes is None else f"{minutes:.1f}",
                *(line.tally[name] for name in _COUNTS),
            ]
        )
    return written.getvalue()
