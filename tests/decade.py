"""A made-up decade of children: births that fall, families who move, new housing here and there."""

from __future__ import annotations

import numpy as np

from gridsvc.city.care import OLDEST
from gridsvc.foresight.demand.cohorts import History

STREETS, YEARS, FIRST = 24, 12, 2015


def decade(seed: int, streets: int = STREETS, years: int = YEARS) -> History:
    """Counts that follow each other: who was 2 last year and did not move is 3 now."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(80, 900, streets)
    leaning = rng.normal(0.0, 0.02, streets)
    housing = {
        int(s): int(rng.integers(1, years)) for s in rng.permutation(streets)[: streets // 4]
    }
    ages = OLDEST + 1
    residents = np.zeros((years, streets, ages))
    moves, births = np.zeros_like(residents), np.zeros((years, streets))
    now = rng.poisson(np.repeat(base[:, None], ages, axis=1)).astype(float)
    for year in range(years):
        births[year] = rng.poisson(base * 0.95 ** max(year - 2, 0))
        before = np.column_stack([births[year], now[:, :-1]])
        rate = leaning[:, None] + rng.normal(0.0, 0.015, (streets, ages))
        for street, opened in housing.items():
            if opened <= year < opened + 2:
                rate[street] += 0.12
        moves[year] = np.maximum(rng.poisson(before * (1 + rate)), 0) - before
        now = before + moves[year]
        residents[year] = now
    codes = tuple(f"110102{n:03d}" for n in range(1, streets + 1))
    return History(tuple(range(FIRST, FIRST + years)), codes, residents, moves, births)
