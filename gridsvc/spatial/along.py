"""What a line passes: the stretches of it inside each area, in metres from where it begins.

Every edge of the line is cut by itself, so that a line that crosses or retraces itself is told as
it is travelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadGeometry, OutsideCity, TooLarge
from gridsvc.spatial.ellipsoid import area_m2, distance_m, length_m
from gridsvc.spatial.plane import Floats, MetricPlane
from gridsvc.spatial.polygons import multipolygon_of, simple_parts

#: A line drawn finer than this is not a plan for people.
MOST_VERTICES = 20_000
#: A longer line is a plan of a whole region; whoever asks cuts it.
MOST_M = 200_000.0
#: So much ground may lie within the width of a line, which bounds how many cells are looked at.
MOST_CORRIDOR_M2 = 50e6
# The plane of a city has no place opposite, and is torn far away; no country is so wide.
_FARTHEST_M = 5_000_000.0
# Straight in degrees and straight in the plane part by less than 1 mm on edges of this length.
_EDGE_DEG = 0.002
# What ends and begins again within this is one stretch: rounding at a vertex.
_SAME_PLACE_M = 1e-3

#: From and to, in metres along the line.
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Way:
    """A line as it is travelled, in WGS84: n edges, each with its metres from the beginning.

    Of a line in several pieces one begins where the one before it ended, without the gap. The
    ``corridor`` lies within half the width on both sides, and ends where the line does.
    """

    line: Any
    edges: NDArray[np.object_]
    starts_m: Floats
    lengths_m: Floats
    width_m: float
    corridor: shapely.MultiPolygon
    plane: MetricPlane

    @property
    def length_m(self) -> float:
        """The whole length on the ellipsoid."""
        return float(self.lengths_m.sum())

    def at(self, metres: float) -> tuple[float, float]:
        """Longitude and latitude of the place so many metres from the beginning."""
        edge = int(np.searchsorted(self.starts_m, metres, side="right")) - 1
        share = (metres - self.starts_m[edge]) / self.lengths_m[edge]
        place = shapely.line_interpolate_point(self.edges[edge], share, normalized=True)
        return float(place.x), float(place.y)


@dataclass(frozen=True, slots=True)
class Passed:
    """What of an area a line and its corridor hold.

    ``stretches`` of the line inside it, in order; none where only the corridor reaches it, which
    does so nearest at ``from_m``.
    """

    stretches: tuple[Stretch, ...]
    from_m: float
    corridor_m2: float

    @property
    def metres(self) -> float:
        """Metres of the line inside."""
        return sum(end - start for start, end in self.stretches)


def way_of(line: Any, width_m: float, plane: MetricPlane, *, field: str = "line") -> Way:
    """Travel a WGS84 line from its first vertex to its last.

    Raises BadGeometry, OutsideCity, TooLarge.
    """
    kind = line.geom_type
    if kind not in ("LineString", "MultiLineString"):
        raise BadGeometry(
            f"The line is a {kind}; send a LineString or MultiLineString.", field=field
        )
    if shapely.get_num_coordinates(line) > MOST_VERTICES:
        raise TooLarge(
            f"The line has more than {MOST_VERTICES:,} vertices; simplify it, or send it in"
            " pieces.",
            field=field,
        )
    whole_m = float(length_m(line))
    if whole_m <= 0:
        raise BadGeometry("The line has no length; send two places at least.", field=field)
    if whole_m > MOST_M:
        raise TooLarge(
            f"The line is {whole_m / 1000:,.0f} km long, and at most {MOST_M / 1000:,.0f} km are"
            " read; send it in pieces.",
            field=field,
        )
    xy = shapely.get_coordinates(line)
    if float(_distances_m(xy, plane).max()) > _FARTHEST_M:
        raise OutsideCity("The line meets none of the service's districts.", field=field)
    fine = shapely.segmentize(line, _EDGE_DEG)
    # Of an area in square metres no more is asked than of the city's equal-area plane.
    band = shapely.buffer(plane.project(fine), width_m / 2, cap_style="flat")
    corridor_m2 = float(shapely.area(band))
    if corridor_m2 > MOST_CORRIDOR_M2:
        raise TooLarge(
            f"The line and its width cover {corridor_m2 / 1e6:,.1f} km², and at most"
            f" {MOST_CORRIDOR_M2 / 1e6:,.0f} km² are read; narrow it, or send it in pieces.",
            field=field,
        )
    xy, of_part = shapely.get_coordinates(shapely.get_parts(fine), return_index=True)
    inner = np.flatnonzero(of_part[1:] == of_part[:-1])
    lengths = distance_m(xy[inner, 0], xy[inner, 1], xy[inner + 1, 0], xy[inner + 1, 1])
    kept = lengths > 0
    inner, lengths = inner[kept], lengths[kept]
    return Way(
        line=line,
        edges=shapely.linestrings(np.stack([xy[inner], xy[inner + 1]], axis=1)),
        starts_m=np.concatenate([[0.0], np.cumsum(lengths)[:-1]]),
        lengths_m=lengths,
        width_m=width_m,
        corridor=multipolygon_of(plane.unproject(band)),
        plane=plane,
    )


def passed(way: Way, areas: Sequence[Any]) -> list[Passed | None]:
    """What the way passes of each area (valid polygons, WGS84); None where it passes none of it.

    A line on the border of two areas is inside both.
    """
    shapes = np.asarray(areas, dtype=object)
    stretches = _stretches(way, shapes)
    grounds_m2 = area_m2(shapely.intersection(shapes, way.corridor))
    found: list[Passed | None] = []
    for area, inside, ground_m2 in zip(shapes, stretches, grounds_m2.tolist(), strict=True):
        if inside:
            found.append(Passed(inside, inside[0][0], ground_m2))
        elif ground_m2 > 0:
            found.append(Passed((), _nearest_m(way, area), ground_m2))
        else:
            found.append(None)
    return found


def counted(stretches: Sequence[Stretch]) -> tuple[float, float]:
    """Metres that at least one of the stretches holds, and metres that more than one does."""
    ends = sorted([(start, 1) for start, _ in stretches] + [(end, -1) for _, end in stretches])
    once = more = before = 0.0
    holding = 0
    for metres, change in ends:
        once += (metres - before) * (holding > 0)
        more += (metres - before) * (holding > 1)
        holding, before = holding + change, metres
    return once, more


def _distances_m(xy: Floats, plane: MetricPlane) -> Floats:
    centre = np.full(len(xy), plane.lon), np.full(len(xy), plane.lat)
    return np.asarray(distance_m(xy[:, 0], xy[:, 1], *centre), dtype=np.float64)


def _stretches(way: Way, areas: NDArray[np.object_]) -> list[tuple[Stretch, ...]]:
    area, edge = shapely.STRtree(way.edges).query(areas, predicate="intersects")
    pieces = shapely.intersection(way.edges[edge], areas[area])
    of_area: list[list[Stretch]] = [[] for _ in areas]
    for k, of_edge, piece in zip(area.tolist(), edge.tolist(), pieces, strict=True):
        for part in simple_parts(piece):
            if shapely.get_dimensions(part) != 1:
                continue
            ends = shapely.line_locate_point(
                way.edges[of_edge], shapely.get_point(part, [0, -1]), normalized=True
            )
            along = way.starts_m[of_edge] + np.sort(ends) * way.lengths_m[of_edge]
            of_area[k].append((float(along[0]), float(along[1])))
    return [_joined(sorted(one)) for one in of_area]


def _joined(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Sorted stretches, those that touch made one; specks left out."""
    joined: list[Stretch] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] <= _SAME_PLACE_M:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(one for one in joined if one[1] - one[0] > _SAME_PLACE_M)


def _nearest_m(way: Way, area: Any) -> float:
    """Where along the line an area that only the corridor reaches is nearest, first if often."""
    ground = way.plane.project(shapely.intersection(area, way.corridor))
    edges = way.plane.project(way.edges)
    distances = shapely.distance(edges, ground)
    edge = int(np.argmax(distances <= distances.min() + _SAME_PLACE_M))
    nearest = shapely.get_point(shapely.shortest_line(edges[edge], ground), 0)
    share = shapely.line_locate_point(edges[edge], nearest, normalized=True)
    return float(way.starts_m[edge] + share * way.lengths_m[edge])
