"""`python -m benchmarks`: compare, measure, and write docs/benchmarks.md with its pictures."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks import locator
from benchmarks.borders import borders
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.fixtures import LEVELS, make
from benchmarks.growth import size
from benchmarks.race import alone, one_core, race
from benchmarks.report import Run, write

_ROOT = Path(__file__).resolve().parent.parent
_SIZES = (1_000, 8_000, 50_000, 138_000, 400_000, 1_600_000)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--areas", type=int, default=138_000, help="unit grids (138,000)")
    parser.add_argument("--points", type=int, default=5_000_000, help="random points (5,000,000)")
    parser.add_argument("--stratum", type=int, default=250_000, help="points of other strata")
    parser.add_argument("--limit", type=float, default=6.0, help="seconds for one timing (6)")
    parser.add_argument("--largest", type=int, default=max(_SIZES), help="largest size of growth")
    parser.add_argument("--guard", type=float, default=600.0, help="seconds; then no new growth")
    parser.add_argument("--only", nargs="*", help="tools to compare with (all)")
    parser.add_argument("--no-levels", action="store_true", help="leave the real levels out")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "benchmarks.md")
    return parser.parse_args()


def main() -> None:
    """Run everything and write the page.

    Ends with an error if a tool disagrees with the locator anywhere but on a border, where SedonaDB
    has an idea of its own.
    """
    chosen = _arguments()
    tell = Console(stderr=True, highlight=False).print
    begun = time.monotonic()
    cores = os.cpu_count() or 1
    one_core()
    notes = []
    folder = Path(tempfile.mkdtemp(prefix="gridsvc-bench-"))
    try:
        tell(f"Making {chosen.areas:,} areas and {chosen.points:,} points ...")
        fixture = alone(make, folder, chosen.areas, chosen.points, chosen.stratum)
        built = alone(locator.build, fixture)
        tell(f"{'gridsvc':34} {built.rates['random'] / 1e6:8.2f} M points/s")
        results = []
        for contender in CONTENDERS:
            if chosen.only is not None and contender.tool not in chosen.only:
                continue
            if missing := contender.missing():
                notes.append(f"{contender.name} is left out: {missing} is not installed.")
                continue
            result = alone(race, contender.name, fixture, chosen.limit)
            tell(f"{result.name:34} {result.rates['random'] / 1e6:8.2f} M points/s")
            results.append(result)
        again = alone(race, OURS.name, fixture, 5.0).rates["random"]
        tell(f"{'gridsvc, again':34} {again / 1e6:8.2f} M points/s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    levels = []
    for name in () if chosen.no_levels else LEVELS:
        levels.append(alone(locator.level, name, chosen.points // 5))
        tell(f"{name}: {levels[-1].areas:,} areas built in {levels[-1].build_s:.1f} s")
    near = None if chosen.no_levels else alone(borders, chosen.points // 10)
    sizes = []
    for count in _SIZES:
        if count > chosen.largest:
            break
        if time.monotonic() - begun > chosen.guard:
            notes.append(f"Growth stops before {count:,} areas: the run's time was used up.")
            break
        sizes.append(alone(size, count, min(chosen.points, 2_000_000), 200_000))
        tell(f"{sizes[-1].areas:,} areas built in {sizes[-1].build_s:.1f} s")
    run = Run(
        command=("make", "bench") if len(sys.argv) == 1 else ("python", "-m", "benchmarks"),
        limit_s=chosen.limit,
        built=built,
        again=again,
        results=results,
        levels=levels,
        borders=near,
        sizes=sizes,
        notes=notes,
        seconds=time.monotonic() - begun,
        cores=cores,
    )
    write(run, chosen.page)
    wrong = [f"{one.areas:,} areas" for one in sizes if one.differences]
    for result in results:
        wrong += [f"{result.name}, {key}" for key, count in result.differences.items() if count]
    for name in wrong:
        tell(f"Another answer than the locator's: {name}")
    tell(f"Wrote {chosen.page} in {run.seconds / 60:.1f} minutes.")
    if any(not name.endswith("on border") for name in wrong):
        sys.exit(1)


if __name__ == "__main__":
    main()
