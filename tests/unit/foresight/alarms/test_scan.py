from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gridsvc.foresight.alarms.scan import (
    BASELINE_DAYS,
    FEWEST,
    SIZES,
    WINDOWS,
    apart,
    cumulate,
    hits,
    touches,
    yearly_maximum,
    zone_of,
)
from gridsvc.spatial.neighbourhoods import neighbourhoods

XY = np.argwhere(np.ones((6, 5))) * 100.0
AROUND = neighbourhoods(XY, SIZES[-1])


def reports(seed: int, days: int, count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    place = rng.choice(len(XY), count, p=rng.dirichlet(np.ones(len(XY)))).astype(np.int32)
    return place, rng.integers(0, days, count, dtype=np.int32)


def by_hand(place: Any, day: Any, last: int) -> dict[tuple[int, int, int], float]:
    """The statistic of every zone and window up to a day, counted report by report."""
    known = (day > last - BASELINE_DAYS) & (day <= last)
    place, day = place[known], day[known]
    n, found = len(day), {}
    for middle in range(len(XY)):
        for size in SIZES:
            inside = np.isin(place, AROUND[middle, :size])
            if not (inside & (day == last)).any():
                continue
            for window in WINDOWS:
                recent = day > last - window
                c, e = int((inside & recent).sum()), int(inside.sum()) * int(recent.sum()) / n
                if c >= FEWEST and c > e:
                    rest = (n - c) * math.log((n - c) / (n - e)) if n > c else 0.0
                    found[middle, size, window] = c * math.log(c / e) + rest
    return found


@pytest.mark.system(18)
@pytest.mark.parametrize("seed", range(4))
def test_a_day_s_scan_finds_what_a_count_of_every_report_finds(seed: int) -> None:
    place, day = reports(seed, BASELINE_DAYS, 3_000)
    place, day = np.append(place, [7] * 9), np.append(day, [364] * 9)
    expected = {k: t for k, t in by_hand(place, day, 364).items() if t >= 2.0}
    before = cumulate(
        place.astype(np.int32), day.astype(np.int32), places=len(XY), days=BASELINE_DAYS
    )
    found = hits(before, AROUND, 2.0)
    assert len(expected) > 20
    assert {(h.place, h.size, h.days) for h in found} == set(expected)
    for hit in found:
        assert hit.statistic == pytest.approx(expected[hit.place, hit.size, hit.days])
    assert [h.statistic for h in found] == sorted((h.statistic for h in found), reverse=True)


def test_the_largest_statistic_of_a_year_is_that_of_its_days_counted_one_by_one() -> None:
    place, day = reports(9, BASELINE_DAYS + 40, 2_000)
    before = cumulate(place, day, places=len(XY), days=BASELINE_DAYS + 40)
    days = range(BASELINE_DAYS, BASELINE_DAYS + 40)
    largest = max(max(by_hand(place, day, last).values(), default=0.0) for last in days)
    assert yearly_maximum(before, AROUND) == pytest.approx(largest)


def test_of_hits_that_share_a_place_the_clearest_is_told() -> None:
    place, day = reports(2, BASELINE_DAYS, 3_000)
    place, day = np.append(place, [7] * 9 + [27] * 12), np.append(day, [364] * 21)
    before = cumulate(
        place.astype(np.int32), day.astype(np.int32), places=len(XY), days=BASELINE_DAYS
    )
    told = list(apart(hits(before, AROUND, 8.0), AROUND))
    assert sorted(touches(one, {27}, AROUND) for one in told) == [False, True]
    assert zone_of(told[0], AROUND).isdisjoint(zone_of(told[1], AROUND))


def test_a_year_without_reports_is_quiet() -> None:
    nothing = np.empty(0, dtype=np.int32)
    before = cumulate(nothing, nothing, places=len(XY), days=2 * BASELINE_DAYS)
    assert yearly_maximum(before, AROUND) == 0.0
    assert hits(before[:, : BASELINE_DAYS + 1], AROUND, 0.0) == []
