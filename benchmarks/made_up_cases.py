"""Draws cases from a seed: where, of which class, when reported, handled and closed.

A chunk is some thousand cases that were opened in one slice of the time; it is drawn from the
seed and its own number alone, so that several processes draw the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.case_sites import Site, weights

__all__ = ["Chunk", "Plan", "draw", "moments", "uuids"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_HOUR = 3_600_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: Shares of cases: never handled, sent back as not ours, sent back for rework, across a border.
_STUCK, _REFUSED, _REWORKED, _JOINT = 0.015, 0.02, 0.04, 0.005


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is made, from which seed, and in which time; ``until`` is the present."""

    cases: int
    reports_per_case: int
    seed: int
    since: dt.datetime
    until: dt.datetime
    cases_at_once: int = 5_000

    @property
    def reports(self) -> int:
        """How many reports there are in all."""
        return self.cases * self.reports_per_case

    @property
    def chunks(self) -> int:
        """How many chunks there are; the last one may be smaller."""
        return -(-self.cases // self.cases_at_once)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Cases in the order of their opening, shape (cases,), and reports case by case, (reports,).

    Times are microseconds since 1970. ``steps`` has shape (cases, 7): refused, then handled and
    fed back a first time (0 where it was not sent back), handled, fed back, verified, assessed.
    Whatever lies behind ``until`` has not happened. ``joint`` is meant where a site has a street
    across; ``case_of`` is the number of a report's case in the chunk; ``serial`` counts reports
    through all chunks; ``verdict`` draws what its reporter says afterwards, (reports, 5).
    """

    until: int
    site: Ints
    chosen: Ints
    case_id: list[str]
    opened: Ints
    steps: Ints
    stuck: Flags
    joint: Flags
    pace: Floats
    score: Ints
    case_of: Ints
    serial: Ints
    report_id: list[str]
    reported: Ints
    scatter: Floats
    verdict: Floats


def draw(plan: Plan, sites: Sequence[Site], number: int, limits_h: Floats) -> Chunk:
    """The chunk of that number. ``limits_h`` are the hours to handle each class, (classes,)."""
    rng = np.random.default_rng([plan.seed, 1, number])
    first = number * plan.cases_at_once
    count = min(plan.cases_at_once, plan.cases - first)
    since, until = _micros(plan.since), _micros(plan.until)
    slice_us = (until - since) / plan.cases
    begin = since + round(first * slice_us)
    opened = np.sort(rng.integers(begin, begin + round(count * slice_us), count))
    chosen = rng.choice(len(limits_h), count, p=weights())
    reports = count * plan.reports_per_case
    shares = rng.standard_exponential(count)
    more = rng.multinomial(reports - count, shares / shares.sum())
    case_of = np.repeat(np.arange(count), 1 + more)
    stuck = rng.random(count) < _STUCK
    refused = ~stuck & (rng.random(count) < _REFUSED)
    reworked = ~stuck & ~refused & (rng.random(count) < _REWORKED)
    pace = rng.lognormal(-1.1, 0.7, count)
    steps = _steps(rng, opened, limits_h[chosen] * pace, refused, reworked)
    steps[stuck] = until + 1
    life = np.minimum(steps[:, 5], until) - opened
    is_first = np.r_[True, case_of[1:] != case_of[:-1]]
    after = np.where(is_first, 0.0, rng.random(reports) ** 2 * 0.9)
    reported = opened[case_of] + (life[case_of] * after).astype(np.int64)
    reported = reported[np.lexsort((reported, case_of))]
    skew = rng.random(count) ** 1.5
    return Chunk(
        until=until,
        site=(skew * len(sites)).astype(np.int64),
        chosen=chosen,
        case_id=uuids(rng, opened),
        opened=opened,
        steps=steps,
        stuck=stuck,
        joint=~stuck & ~refused & ~reworked & (rng.random(count) < _JOINT * 10),
        pace=pace,
        score=np.clip(np.rint(rng.normal(88, 8, count)), 0, 100).astype(np.int64),
        case_of=case_of,
        serial=first * plan.reports_per_case + np.arange(reports),
        report_id=uuids(rng, reported),
        reported=reported,
        scatter=rng.uniform(-1.0, 1.0, (reports, 2)),
        verdict=rng.random((reports, 5)),
    )


def moments(times: Ints) -> list[str]:
    """Times as RFC 3339 in UTC to the microsecond, as the trace hashes them."""
    texts = np.datetime_as_string(times.astype("datetime64[us]")).tolist()
    return [f"{text}+00:00" for text in texts]


def uuids(rng: np.random.Generator, times: Ints) -> list[str]:
    """A UUID of version 7 for each time."""
    high = (times // 1_000) << 16 | 0x7 << 12 | rng.integers(0, 4096, len(times))
    low = rng.integers(0, 1 << 62, len(times), dtype=np.uint64) | np.uint64(1 << 63)
    made = []
    for a, b in zip(high.tolist(), low.tolist(), strict=True):
        text = f"{a:016x}{b:016x}"
        made.append(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return made


def _steps(
    rng: np.random.Generator, opened: Ints, handling_h: Floats, refused: Flags, reworked: Flags
) -> Ints:
    """When the steps were taken, one after the other, shape (cases, 7); 0: not taken."""
    count = len(opened)
    pause_h = np.column_stack(
        [
            rng.uniform(0.5, 24.0, count),  # refuse
            handling_h,  # handle
            rng.lognormal(1.5, 0.8, count),  # feed back
            rng.uniform(2.0, 30.0, count) + handling_h / 2,  # handle again
            rng.lognormal(1.5, 0.8, count),  # feed back again
            rng.uniform(0.2, 24.0, count),  # verify
            rng.uniform(1.0, 72.0, count),  # assess
        ]
    )
    pause_h[~refused, 0] = 0.0
    # Without rework, the first handling is the one that counts.
    pause_h[~reworked, 3:5] = pause_h[~reworked, 1:3]
    pause_h[~reworked, 1:3] = 0.0
    steps = opened[:, None] + np.cumsum(pause_h * _HOUR, axis=1).astype(np.int64)
    steps[~refused, 0] = 0
    steps[~reworked, 1] = steps[~reworked, 2] = 0
    return steps


def _micros(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)
