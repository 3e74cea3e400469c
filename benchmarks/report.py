"""docs/benchmarks.md and its pictures."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import NAVIGATION, borders
from benchmarks.borders import Borders
from benchmarks.contenders import CONTENDERS
from benchmarks.fixtures import STRATA
from benchmarks.growth import Size
from benchmarks.locator import Built, Level
from benchmarks.race import Result

__all__ = ["Run", "best_by_tool", "write"]

_OURS, _OTHERS = "#c8553d", "#5b7a8c"
_FONT: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run found out. `notes`: what was left out and why."""

    command: Sequence[str]
    limit_s: float
    built: Built
    again: float
    results: Sequence[Result]
    levels: Sequence[Level]
    borders: Borders | None
    sizes: Sequence[Size]
    notes: Sequence[str]
    seconds: float
    cores: int


def _rate(value: float) -> str:
    return f"{value / 1e6:.1f} M" if value >= 9.95e6 else f"{value / 1e6:.2f} M"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _memory_gb() -> int:
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return round(kilobytes / 2**20)


def _versions(results: Sequence[Result]) -> str:
    tools = {result.name for result in results}
    used = {"numpy", "numba", "shapely"}
    for contender in CONTENDERS:
        if contender.name in tools:
            used.update(contender.packages)
    import shapely

    named = [f"{name} {version(name)}" for name in sorted(used)]
    return f"Python {platform.python_version()}, GEOS {shapely.geos_version_string}, " + ", ".join(
        named
    )


def best_by_tool(results: Sequence[Result]) -> list[Result]:
    """The way of each tool that was fastest on random points, the fastest tool first."""
    best: dict[str, Result] = {}
    for result in sorted(results, key=lambda one: -one.rates["random"]):
        best.setdefault(result.tool, result)
    return list(best.values())


def write(run: Run, page: Path) -> None:
    """Write the page and, beside it, images/benchmark_*.png."""
    images = page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    _draw_race(run, images / "benchmark_race.png")
    _draw_growth(run, images / "benchmark_growth.png")
    page.write_text(_page(run), encoding="utf-8")


def _where_others_lead(run: Run) -> str:
    found = []
    for result in run.results:
        for stratum in STRATA:
            if result.rates[stratum] > run.built.rates[stratum]:
                found.append(f"{result.name} answers '{stratum}' points faster")
    last = run.sizes[-1] if run.sizes else None
    if last and last.tree_build_s < last.build_s:
        found.append(
            f"shapely's STRtree is built in {last.tree_build_s:.2f} s for {last.areas:,} areas, "
            f"the locator in {last.build_s:.1f} s: for a handful of points and areas that are used "
            f"once, the tree is ready sooner. The locator has caught up after "
            f"{_caught_up(last):,.0f} points"
        )
    best = best_by_tool(run.results)[0] if run.results else None
    if best:
        found.append(
            "all others answer any predicate between any geometries, and the databases keep what "
            "they index; the locator answers this one question"
        )
    return "\n".join(f"- {one}." for one in found)


def _caught_up(size: Size) -> float:
    return (size.build_s - size.tree_build_s) / (1.0 / size.tree_rate - 1.0 / size.rate)


def _borders(found: Borders) -> str:
    rows = [
        [f"one point, median, '{stratum}'", f"{found.one_us[stratum]:.1f} µs", "30 µs"]
        for stratum in borders.STRATA
    ]
    rows += [
        [f"many points, '{stratum}'", f"{_rate(found.rates[stratum])}/s", "0.3 M/s"]
        for stratum in borders.STRATA
    ]
    return f"""
## Borders

For points of Beijing: metres to the nearest border, and every neighbour within
{borders.REACH_M:.0f} m with its metres, in two levels together ({" and ".join(borders.ASKED)}).
The look-up of the point's own area and claims is included. Tests hold the metres to 0.1 % of
geodesics found by brute force.

{_table(["", "measured", "goal"], rows)}
"""


def _page(run: Run) -> str:
    built = run.built
    ours = built.rates["random"]
    best = best_by_tool(run.results)
    rows = [
        [
            "**gridsvc Locator**",
            *(f"**{_rate(built.rates[stratum])}**" for stratum in STRATA),
            "",
            "",
        ]
    ]
    for result in sorted(run.results, key=lambda one: -one.rates["random"]):
        rows.append(
            [
                result.name,
                *(_rate(result.rates[stratum]) for stratum in STRATA),
                f"{ours / result.rates['random']:.0f}",
                f"{result.points:,}",
            ]
        )
    wrong = {
        result.name: {key: count for key, count in result.differences.items() if count}
        for result in run.results
    }
    same = sorted(name for name, counts in wrong.items() if not counts)
    differing = [
        f"- {name}: "
        + ", ".join(f"{count:,} of the '{key}' points" for key, count in counts.items())
        for name, counts in wrong.items()
        if counts
    ]
    agreement = f"The same answer on every point of every stratum: {'; '.join(same)}."
    if differing:
        agreement += "\n\nAnother primary area than GEOS `intersects` gives:\n\n" + "\n".join(
            differing
        )
    fastest = (
        f"**{ours / best[0].rates['random']:.0f} times** the best of the others ({best[0].name})"
        if best
        else "with no other tool installed to compare with"
    )
    costs = [
        ["build", f"{built.build_s:.1f} s", "10 s"],
        ["memory while building, beyond the areas themselves", f"{built.peak_mb:.0f} MB", "500 MB"],
        ["index in memory", f"{built.index_mb:.0f} MB", ""],
        ["index file", f"{built.file_mb:.0f} MB", ""],
        ["opening it, every byte checked", f"{built.open_ms:.0f} ms", "50 ms"],
        ["`locate_one`, median of 100,000", f"{built.one_us:.2f} µs", "3 µs"],
        ["`claims`, median of 100,000", f"{built.claims_us:.2f} µs", ""],
        ["random reads from a table of the same size: the limit", _rate(built.gather) + "/s", ""],
        ["share of the limit that `locate` reaches", f"{ours / built.gather:.0%}", ""],
        ["the same points again at the end of the run", _rate(run.again) + "/s", ""],
    ]
    levels = [
        [
            level.name,
            f"{level.areas:,}",
            f"{level.vertices:,}",
            f"{level.build_s:.2f} s",
            f"{level.index_mb:.0f} MB",
            *(_rate(level.rates[stratum]) for stratum in STRATA),
        ]
        for level in run.levels
    ]
    sizes = [
        [
            f"{size.areas:,}",
            f"{size.build_s:.2f} s",
            f"{size.build_s / size.areas * 1e6:.0f} µs",
            f"{size.peak_mb:.0f} MB",
            f"{size.index_mb:.0f} MB",
            _rate(size.rate),
            _rate(size.tree_rate),
            f"{size.differences}",
        ]
        for size in run.sizes
    ]
    notes = "\n".join(f"- {note}" for note in run.notes)
    limit = f"{run.limit_s:.0f} s"
    today = datetime.now(UTC).date().isoformat()
    return f"""{NAVIGATION}

# Point to area: the locator beside what people use

Written by `{shlex.join(run.command)}` on {today} in {run.seconds / 60:.0f} minutes; do not edit.
Machine: {_cpu()}, {run.cores} cores of which one is used, {_memory_gb()} GB, {platform.system()}.
{_versions(run.results)}.

{built.areas:,} Voronoi cells of about 7 vertices ({built.vertices:,} in all) fill the box around
Beijing's six inner districts, which have 138,000 unit grids at 10,000 m² each; uniform random
points, one core. The locator answers {_rate(ours)} of them a second, {fastest}.

![Points a second of each tool](images/benchmark_race.png)

## Points a second

{_table(["", *STRATA, "times slower, random", "random points"], rows)}

How it is measured: all tools get the same areas and points in one run, one after the other, each
alone in a fresh process on one core. The index over the areas, point geometries and loaded tables
are ready before the clock starts; an index over the points is made inside it. DuckDB and SedonaDB
make their join's index in the query each time, as they do for a user, and give an Arrow table;
PostGIS (unlogged tables, no fsync, no parallel workers, 2 GB of buffers) only sums inside the
server. The fastest of several runs counts. Slow tools get as many of the random points as they
answer in {limit} ("random points"), and evenly chosen ones of the other strata.

'sorted': by rows and longitude. 'interior': 10 m and more from any border. 'near border': within
1 m. 'on border': vertices and midpoints of edges.

{agreement}

## What the locator costs

{_table(["", "measured", "goal"], costs)}

## Where another tool is better

{_where_others_lead(run)}

## Growth

![Look-up and build time against the number of areas](images/benchmark_growth.png)

Cells of the same density over a growing extent, up to all of Beijing at 10,000 m².

{
        _table(
            [
                "areas",
                "build",
                "per area",
                "memory while building",
                "index",
                "points/s",
                "STRtree points/s",
                "differences",
            ],
            sizes,
        )
    }

A look-up gets dearer as the index outgrows the processor's caches: what a point costs then is the
reading of its cell, its record and its edges from memory. So points are looked up in chunks of 256,
in loops that each ask for the memory that the next one reads, and an index is built in pages of
2 MB. Measured in turns on 2026-11-27, beside other work, M points/s of the fastest tenth of calls
with 50,000 random points:

| areas | waiting for memory | asking ahead | and large pages | and points sorted by block |
|---:|---:|---:|---:|---:|
| 138,000 | 39.7 | 66.7 | 93.3 | 147.9 |
| 1,600,000 | 16.6 | 38.6 | 53.7 | 76.4 |

The last column leaves out the sorting itself, which must move each point and its answer and costs
more than the 4 to 6 ns that it saves: points in random order stay in it. Large pages alone change
little (17.3 at 1,600,000), chunks of 1,024 are slower than 256 (49.5), and cells a third as large
take 1.8 times the memory.

## Real levels

{_table(["", "areas", "vertices", "build", "index", *STRATA], levels)}
{_borders(run.borders) if run.borders else ""}
{f"## Notes{chr(10)}{chr(10)}{notes}{chr(10)}" if notes else ""}"""


def _draw_race(run: Run, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    best = best_by_tool(run.results)[::-1]
    names = [result.tool for result in best] + ["gridsvc Locator"]
    rates = [result.rates["random"] for result in best] + [run.built.rates["random"]]
    with pyplot.rc_context(_FONT):
        figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(names) + 1.2), layout="constrained")
        bars = axes.barh(names, rates, color=[_OTHERS] * len(best) + [_OURS])
        axes.bar_label(bars, [f"{_rate(rate)}" for rate in rates], padding=4)
        axes.axvline(run.built.gather, color="0.5", linestyle=":", linewidth=1)
        axes.annotate(
            "bare random reads",
            (run.built.gather, -0.3),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color="0.4",
        )
        axes.set_xlim(0, max([run.built.gather, *rates]) * 1.08)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:.0f} M")
        axes.set_xlabel(f"random points per second, {run.built.areas:,} areas, one core")
        figure.savefig(path, dpi=130)
        pyplot.close(figure)


def _draw_growth(run: Run, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    areas = [size.areas for size in run.sizes]
    with pyplot.rc_context(_FONT):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        left.plot(areas, [1e9 / size.rate for size in run.sizes], "o-", color=_OURS)
        left.plot(areas, [1e9 / size.tree_rate for size in run.sizes], "o-", color=_OTHERS)
        left.set_title("nanoseconds for one of many random points")
        right.plot(areas, [size.build_s for size in run.sizes], "o-", color=_OURS)
        right.plot(areas, [size.tree_build_s for size in run.sizes], "o-", color=_OTHERS)
        right.set_title("seconds to build")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("areas")
            axes.grid(which="major", color="0.9")
            axes.legend(["gridsvc Locator", "shapely STRtree"], frameon=False)
        figure.savefig(path, dpi=130)
        pyplot.close(figure)
