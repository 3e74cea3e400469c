"""`python -m benchmarks.audits`: how long an audit takes, and how much memory, as lines of a table.

349 streets against 16 districts, and unit grids by themselves: whole, and with one in twenty moved
by two metres. Each in a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from rich.console import Console

from benchmarks.fixtures import PLANE, unit_grids
from benchmarks.locator import measured
from benchmarks.race import alone, one_core
from gridsvc.registry.approximation import approximate_streets, read_centres
from gridsvc.registry.districts import read_districts, read_divisions
from gridsvc.settings import get_settings
from gridsvc.spatial.audit import audit_against, audit_areas

__all__ = ["Measured", "audited_grids", "audited_streets", "main"]

_GRIDS = 138_000
_MOVED_M, _METRES_A_DEGREE = 2.0, 85_000.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was audited, the faults, seconds by the clock and of the processor, and MB at the peak.

    ``peak_mb`` is what the audit took at the most beyond the areas themselves.
    """

    areas: str
    faults: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def audited_streets() -> Measured:
    """The approximate streets of Beijing by themselves and against the real districts."""
    districts = read_districts()
    streets = approximate_streets(
        districts,
        read_centres(get_settings().boundaries_dir),
        read_divisions(get_settings().boundaries_dir),
        plane=PLANE,
    )
    places = {it.code: place for place, it in enumerate(districts)}
    own = [places[it.code[:6]] for it in streets]
    shapes, above = [it.geometry for it in streets], [it.geometry for it in districts]

    def both() -> int:
        alone = audit_areas(shapes, plane=PLANE)
        return len(alone.faults) + len(audit_against(shapes, above, own, plane=PLANE).faults)

    return _timed(f"{len(shapes)} streets against {len(above)} districts", both)


def audited_grids(count: int, moved: float) -> Measured:
    """Made-up unit grids by themselves, of which this share is moved by two metres."""
    cells = unit_grids(count, seed=1)
    chosen = np.random.default_rng(2).random(count) < moved
    east = (_MOVED_M / _METRES_A_DEGREE, 0.0)
    cells[chosen] = shapely.transform(cells[chosen], lambda xy: np.add(xy, east))

    def alone_audited() -> int:
        return len(audit_areas(list(cells), plane=PLANE).faults)

    words = f", {moved:.0%} of them moved by {_MOVED_M:g} m" if moved else ""
    return _timed(f"{count:,} unit grids{words}", alone_audited)


def _timed(areas: str, audit: Callable[[], int]) -> Measured:
    # What is compiled or loaded once is no part of it.
    audit_areas(list(unit_grids(20, seed=1)), plane=PLANE)
    cpu = time.process_time()
    faults, wall_s, peak_mb = measured(audit)
    return Measured(areas, faults, wall_s, time.process_time() - cpu, peak_mb)


def main() -> None:
    """Print the lines."""
    one_core()
    results = [
        alone(audited_streets),
        alone(audited_grids, _GRIDS, 0.0),
        alone(audited_grids, _GRIDS, 0.05),
    ]
    tell = Console(highlight=False, soft_wrap=True).print
    for it in results:
        tell(
            f"| {it.areas} | {it.faults:,} | {it.wall_s:.1f} s | {it.cpu_s:.1f} s |"
            f" {it.peak_mb:,.0f} MB |"
        )


if __name__ == "__main__":
    main()
