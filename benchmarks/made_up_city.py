"""A made-up city, drawn from a seed: streets, walls, a river, blocks, buildings and parts.

What is true of it is known from how it is made: communities are a coverage, no street and no wall
runs through a building, buildings do not overlap (some touch: rows of courtyards), and the border
of a community cuts exactly those buildings that were put astride it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

__all__ = ["City", "chessboard", "in_beijing", "make_city"]

Objects = NDArray[np.object_]

# Metres per degree around the city, to 0.1 %.
_EAST, _NORTH = 85_390.0, 111_030.0
_ROAD_M, _WALL_M = 7.0, 3.0


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """Object arrays in WGS84.

    ``communities``: Polygons, a coverage. ``lines``: LineStrings (streets, walls, a river).
    ``buildings``: Polygons; the last ``astride`` of them stand on a border. ``parts``: Points.
    """

    communities: Objects
    lines: Objects
    buildings: Objects
    parts: Objects
    astride: int


def in_beijing(shapes: Objects) -> Objects:
    """Bring drawings in metres to Beijing (WGS84)."""
    moved: Objects = shapely.transform(
        shapes, lambda xy: np.round(xy / [_EAST, _NORTH] + [116.4, 39.9], 9)
    )
    return moved


def chessboard(rows: int, columns: int, side_m: float = 100.0) -> City:
    """One community of square blocks with streets between them: its unit grids are the blocks.

    Each block holds four houses of 20 x 20 m and five parts.
    """
    width, height = columns * side_m, rows * side_m
    lines = [LineString([(x * side_m, 0), (x * side_m, height)]) for x in range(1, columns)]
    lines += [LineString([(0, y * side_m), (width, y * side_m)]) for y in range(1, rows)]
    houses, parts = [], []
    for x in range(columns):
        for y in range(rows):
            for dx, dy in ((15, 15), (65, 15), (15, 65), (65, 65)):
                west, south = x * side_m + dx, y * side_m + dy
                houses.append(shapely.box(west, south, west + 20, south + 20))
                parts.append(shapely.Point(west + 10, south + 27))
            parts.append(shapely.Point(x * side_m + 50, y * side_m + 50))
    return City(
        in_beijing(np.array([shapely.box(0, 0, width, height)])),
        in_beijing(np.array(lines)),
        in_beijing(np.array(houses)),
        in_beijing(np.array(parts)),
        0,
    )


def make_city(seed: int, rows: int, columns: int, side_m: float = 560.0) -> City:
    """Draw a city of rows x columns communities, each about ``side_m`` x ``side_m``."""
    random = np.random.default_rng(seed)
    corners = (
        np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0)), axis=-1) * side_m
        + random.uniform(-0.12, 0.12, (rows + 1, columns + 1, 2)) * side_m
    )
    communities: list[Polygon] = []
    lines: list[LineString] = []
    houses: list[Polygon] = []
    river = _river(random, columns * side_m, rows * side_m)
    lines.append(river)
    for row in range(rows):
        for column in range(columns):
            quad = np.array(
                [
                    corners[row, column],
                    corners[row, column + 1],
                    corners[row + 1, column + 1],
                    corners[row + 1, column],
                ]
            )
            communities.append(Polygon(quad))
            blocks: list[NDArray[np.float64]] = []
            _split(random, quad, float(random.choice([9e3, 15e3, 25e3, 40e3])), blocks, lines)
            for block in blocks:
                houses += _block(random, Polygon(block), lines)
    for row in range(rows + 1):
        lines += [LineString(corners[row, k : k + 2]) for k in range(columns)]
    for column in range(columns + 1):
        lines += [LineString(corners[k : k + 2, column]) for k in range(rows)]
    kept = np.array(houses)
    kept = kept[~shapely.dwithin(kept, river, 12.0)]
    kept = kept[~_hits_earlier(kept, lines)]
    astride = _astride(random, corners, kept)
    parts = _parts(random, lines, shapely.union_all(communities))
    return City(
        in_beijing(np.array(communities)),
        in_beijing(np.array(lines)),
        in_beijing(np.concatenate([kept, astride])),
        in_beijing(parts),
        len(astride),
    )


def _river(random: np.random.Generator, width: float, height: float) -> LineString:
    x = np.arange(-100.0, width + 100.0, 15.0)
    swing, phase = random.uniform(0.05, 0.12) * height + 60, random.uniform(0, 6.28)
    y = height * random.uniform(0.3, 0.7) + swing * np.sin(x / 420.0 + phase)
    return LineString(np.column_stack([x, y]))


def _half(
    ring: NDArray[np.float64], at: NDArray[np.float64], normal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The part of a convex ring on one side of a line, where its normal points, and its ends."""
    kept, ends = [], []
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        da, db = float((a - at) @ normal), float((b - at) @ normal)
        if da >= 0:
            kept.append(a)
        if da * db < 0:
            ends.append(a + da / (da - db) * (b - a))
            kept.append(ends[-1])
    return np.array(kept), ends


def _split(
    random: np.random.Generator,
    ring: NDArray[np.float64],
    size: float,
    blocks: list[NDArray[np.float64]],
    lines: list[LineString],
) -> None:
    """Split a convex block across its longer side until it is no larger than ``size``."""
    shape = Polygon(ring)
    if shape.area < size * random.uniform(1.0, 1.9):
        blocks.append(ring)
        return
    sides = np.roll(ring, -1, axis=0) - ring
    along = sides[np.argmax(np.hypot(*sides.T))]
    turn = random.normal(0.0, 0.06)
    normal = along / np.hypot(*along)
    normal = np.array(
        [
            normal[0] * math.cos(turn) - normal[1] * math.sin(turn),
            normal[0] * math.sin(turn) + normal[1] * math.cos(turn),
        ]
    )
    reach = ring @ normal
    where = reach.min() + random.uniform(0.36, 0.64) * (reach.max() - reach.min())
    middle = np.array(shape.centroid.coords[0])
    at = middle + (where - middle @ normal) * normal
    first, ends = _half(ring, at, normal)
    second, _ = _half(ring, at, -normal)
    lines.append(LineString(ends))
    _split(random, first, size, blocks, lines)
    _split(random, second, size, blocks, lines)


def _block(random: np.random.Generator, block: Polygon, lines: list[LineString]) -> list[Polygon]:
    """Houses of one block; some blocks are walled, some are parks."""
    room = shapely.buffer(block, -_ROAD_M, join_style="mitre")
    if room.is_empty or room.area < 1_500:
        return []
    if random.random() < 0.3:
        lines.append(LineString(room.exterior.coords))
        room = shapely.buffer(room, -_WALL_M, join_style="mitre")
    kind = random.choice(
        ["slabs", "courtyards", "towers", "mall", "park"], p=[0.44, 0.24, 0.16, 0.04, 0.12]
    )
    if kind == "park" or room.is_empty:
        return []
    if kind == "mall":
        return [shapely.buffer(room, -6.0, join_style="mitre")] if room.area < 14_000 else []
    wide, deep, gap_x, gap_y = {
        "slabs": (random.uniform(22, 45), 11.0, 7.0, random.uniform(13, 22)),
        "courtyards": (13.0, 16.0, 0.0, 5.0),
        "towers": (22.0, 22.0, 20.0, 22.0),
    }[str(kind)]
    box = shapely.oriented_envelope(room)
    a, b, c = np.array(box.exterior.coords)[:3]
    if np.hypot(*(b - a)) < np.hypot(*(c - b)):
        a, b, c = b, c, np.array(box.exterior.coords)[3]
    east, north = (b - a) / np.hypot(*(b - a)), (c - b) / np.hypot(*(c - b))
    columns = int((np.hypot(*(b - a)) + gap_x) / (wide + gap_x))
    rows = int((np.hypot(*(c - b)) + gap_y) / (deep + gap_y))
    houses = []
    for row in range(rows):
        for column in range(columns):
            corner = a + column * (wide + gap_x) * east + row * (deep + gap_y) * north
            ring = [
                corner,
                corner + wide * east,
                corner + wide * east + deep * north,
                corner + deep * north,
            ]
            houses.append(Polygon(np.round(ring, 3)))
    return [house for house in houses if room.contains(house) and random.random() < 0.96]


def _hits_earlier(houses: Objects, lines: list[LineString]) -> NDArray[np.bool_]:
    hit = np.zeros(len(houses), dtype=bool)
    hit[shapely.STRtree(houses).query(np.array(lines), predicate="intersects")[1]] = True
    return hit


def _astride(random: np.random.Generator, corners: NDArray[np.float64], houses: Objects) -> Objects:
    """Some houses on inner borders of communities, clear of all others."""
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    made = []
    for _ in range(rows * columns):
        row, column = int(random.integers(0, rows)), int(random.integers(1, columns + 1))
        if column == columns:
            continue
        a, b = corners[row, column], corners[row + 1, column]
        x, y = a + random.uniform(0.2, 0.8) * (b - a)
        made.append(shapely.box(x - 8, y - 6, x + 8, y + 6))
    if not made:
        return np.empty(0, dtype=object)
    every = np.array(made)
    near = shapely.STRtree(np.concatenate([houses, every])).query(
        every, predicate="dwithin", distance=1.0
    )
    return np.asarray(every[np.bincount(near[0], minlength=len(every)) == 1])


def _parts(random: np.random.Generator, lines: list[LineString], city: Polygon) -> Objects:
    """Lamps and covers every 20 to 40 m along the lines, a few metres beside them."""
    spots = []
    for line in lines:
        far = np.cumsum(random.uniform(20, 40, int(line.length / 30) + 1))
        far = far[far < line.length]
        xy = shapely.get_coordinates(shapely.line_interpolate_point(line, far))
        spots.append(xy + random.uniform(-4, 4, xy.shape))
    points = shapely.points(np.concatenate(spots))
    return np.asarray(points[shapely.contains(city, points)])
