"""A GPS track matched to the lines that somebody walked: from where to where along each.

The track is cut into steps of two metres; each belongs to the line that is nearest within reach,
and counts where it goes along that line: whoever crosses a lane has not patrolled it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.ellipsoid import Floats, distance_m, length_m
from gridsvc.spatial.plane import metres_per_degree

_STEP_M = 2.0
#: A step goes along a line where it gets so much of its own length ahead on it: within 60°.
_ALONG = 0.5
#: What ends and begins again within this is one stretch: a fix that GPS threw off.
_SAME_M = 6.0
#: A shorter stretch is a crossing at an angle, or chance.
_SHORTEST_M = 10.0


@dataclass(frozen=True, slots=True)
class Fix:
    """Where somebody was (WGS84) at a moment."""

    lon: float
    lat: float
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """How near a track must come (m), how long fixes may lie apart (s), how fast it may go."""

    match_m: float
    longest_gap_s: float
    fastest_kmh: float


@dataclass(frozen=True, slots=True)
class Walked:
    """What was walked: by line, stretches in metres along it; ``walked_m`` is the whole track.

    ``left_out`` are pairs of fixes too far apart in time or too fast for a patrol.
    """

    stretches: dict[int, list[tuple[float, float]]]
    walked_m: float
    left_out: int


def match_track(fixes: Sequence[Fix], lines: Sequence[Any], terms: Terms) -> Walked:
    """Match fixes in the order of their time to lines (WGS84 LineStrings)."""
    if len(fixes) < 2 or not len(lines):
        return Walked({}, 0.0, 0)
    lon0, lat0 = fixes[0].lon, fixes[0].lat
    scale = np.array(metres_per_degree(lat0))
    flat = shapely.transform(
        np.asarray(lines, dtype=object), lambda xy: (xy - [lon0, lat0]) * scale
    )
    true_m = np.asarray(length_m(np.asarray(lines, dtype=object)))
    stretch = true_m / shapely.length(flat)
    steps, walked_m, left_out = _steps(fixes, terms, (lon0, lat0), scale)
    if not len(steps):
        return Walked({}, walked_m, left_out)
    middles = shapely.points(steps.mean(axis=1))
    tree = shapely.STRtree(flat)
    of_step, of_line = tree.query_nearest(middles, max_distance=terms.match_m, all_matches=False)
    begin = shapely.line_locate_point(flat[of_line], shapely.points(steps[of_step, 0]))
    end = shapely.line_locate_point(flat[of_line], shapely.points(steps[of_step, 1]))
    lengths = np.hypot(*(steps[of_step, 1] - steps[of_step, 0]).T)
    along = np.abs(end - begin) >= _ALONG * lengths
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for line, one, other in zip(
        of_line[along].tolist(), begin[along].tolist(), end[along].tolist(), strict=True
    ):
        scale_m = float(stretch[line])
        found[line].append((min(one, other) * scale_m, max(one, other) * scale_m))
    joined = {line: _joined(sorted(pieces)) for line, pieces in found.items()}
    return Walked({line: it for line, it in joined.items() if it}, walked_m, left_out)


def _steps(
    fixes: Sequence[Fix], terms: Terms, origin: tuple[float, float], scale: Floats
) -> tuple[Floats, float, int]:
    """The steps of a track in metres around its first fix, float64 (n, 2, 2), and its length."""
    xy = (np.array([(fix.lon, fix.lat) for fix in fixes]) - origin) * scale
    seconds = np.array([fix.at.timestamp() for fix in fixes])
    took = np.diff(seconds)
    lon, lat = np.array([(fix.lon, fix.lat) for fix in fixes]).T
    metres = np.asarray(distance_m(lon[:-1], lat[:-1], lon[1:], lat[1:]))
    fits = (took > 0) & (took <= terms.longest_gap_s) & (metres * 3.6 <= terms.fastest_kmh * took)
    pieces = [np.zeros((0, 2, 2))]
    for n in np.flatnonzero(fits & (metres > 0)).tolist():
        count = max(1, int(np.ceil(metres[n] / _STEP_M)))
        shares = np.linspace(0, 1, count + 1)[:, None]
        points = xy[n] + shares * (xy[n + 1] - xy[n])
        pieces.append(np.stack([points[:-1], points[1:]], axis=1))
    return np.concatenate(pieces), float(metres[fits].sum()), int((~fits).sum())


def _joined(pieces: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for low, high in pieces:
        if joined and low - joined[-1][1] <= _SAME_M:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return [one for one in joined if one[1] - one[0] >= _SHORTEST_M]
