"""Areas and points, the same on every machine: made from a seed or from the packaged boundaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.registry.approximation import (
    approximate_communities,
    approximate_streets,
    read_centres,
)
from gridsvc.registry.districts import read_districts, read_divisions
from gridsvc.settings import get_settings
from gridsvc.spatial.plane import MetricPlane

__all__ = [
    "BOX",
    "LEVELS",
    "PLANE",
    "STRATA",
    "Fixture",
    "make",
    "mosaic",
    "random_points",
    "strata",
    "unit_grids",
]

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]

# Dongcheng, Xicheng, Chaoyang, Fengtai, Shijingshan and Haidian lie in this box: degrees, WGS84.
BOX = (116.0425, 39.7600, 116.6395, 40.1598)
#: The metric plane of Beijing, as the settings have it by default.
PLANE = MetricPlane.at(116.4, 40.2)
STRATA = ("random", "sorted", "interior", "near border", "on border")
_METRE = 1.0 / 111_200.0  # degrees of latitude
_NARROW = float(np.cos(np.radians(39.96)))  # a degree of longitude by one of latitude
_GRAIN = 2.0**32  # mosaics keep coordinates in this part of a degree (26 micrometres), exactly


@dataclass(frozen=True, slots=True)
class Fixture:
    """A folder with one set of areas and its points, read by each process for itself."""

    folder: Path

    def keep(self, areas: Shapes, points: dict[str, tuple[Floats, Floats]]) -> None:
        """Write areas and points."""
        self.folder.mkdir(parents=True, exist_ok=True)
        encoded = shapely.to_wkb(areas)
        lengths = np.fromiter((len(one) for one in encoded), np.int64, len(encoded))
        np.save(self.folder / "lengths.npy", lengths)
        (self.folder / "areas.wkb").write_bytes(b"".join(encoded))
        for stratum, (xs, ys) in points.items():
            np.save(self.folder / f"{stratum}.npy", np.stack([xs, ys]))

    def areas(self) -> Shapes:
        """The areas, in code order."""
        ends = np.cumsum(np.load(self.folder / "lengths.npy")).tolist()
        blob = (self.folder / "areas.wkb").read_bytes()
        starts = [0, *ends[:-1]]
        return np.asarray(shapely.from_wkb([blob[a:b] for a, b in zip(starts, ends, strict=True)]))

    def points(self, stratum: str) -> tuple[Floats, Floats]:
        """Longitudes and latitudes of a stratum."""
        xs, ys = np.load(self.folder / f"{stratum}.npy")
        return xs, ys

    def keep_answers(self, stratum: str, answers: NDArray[np.int32]) -> None:
        """Write what the locator says, to compare the others with."""
        np.save(self.folder / f"{stratum}.answers.npy", answers)

    def answers(self, stratum: str) -> NDArray[np.int32]:
        """The index of the primary area of each point of a stratum, -1 for none."""
        found: NDArray[np.int32] = np.load(self.folder / f"{stratum}.answers.npy")
        return found


def unit_grids(count: int, seed: int, box: tuple[float, float, float, float] = BOX) -> Shapes:
    """A coverage of `box` by `count` Voronoi cells, numbered by rows as a census would."""
    random = np.random.default_rng(seed)
    x0, y0, x1, y1 = box
    seeds = np.column_stack([random.uniform(x0, x1, count), random.uniform(y0, y1, count)])
    frame = shapely.box(x0, y0, x1, y1)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=frame))
    bounds = shapely.bounds(cells)
    beyond = (bounds[:, :2] < (x0, y0)).any(axis=1) | (bounds[:, 2:] > (x1, y1)).any(axis=1)
    cells[beyond] = shapely.intersection(cells[beyond], frame)
    rows = np.floor((bounds[:, 3] - y0) / (y1 - y0) * np.sqrt(count))
    ordered: Shapes = cells[np.lexsort((bounds[:, 0], rows))]
    return ordered


def mosaic(count: int, seed: int) -> Shapes:
    """About `count` cells of the density of unit grids: one patch laid side by side.

    The patch has up to 25,000 cells; its coordinates are rounded so that moving it is exact.
    """
    side = int(np.ceil(np.sqrt(count / 25_000)))
    patch = count // side**2
    x0, y0, x1, y1 = BOX
    share = np.sqrt(patch / 138_000)
    wide = np.round((x1 - x0) * share * _GRAIN) / _GRAIN
    high = np.round((y1 - y0) * share * _GRAIN) / _GRAIN
    start = np.floor(np.array([114.0, 38.5]) * _GRAIN) / _GRAIN
    cells = unit_grids(patch, seed, (start[0], start[1], start[0] + wide, start[1] + high))
    cells = shapely.transform(cells, lambda xy: np.round(xy * _GRAIN) / _GRAIN)
    cells = cells[shapely.is_valid(cells) & ~shapely.is_empty(cells)]

    def moved(column: int, row: int) -> Callable[[Floats], Floats]:
        offset = np.array([column * wide, row * high])
        return lambda xy: xy + offset

    tiles = [
        shapely.transform(cells, moved(column, row))
        for row in range(side)
        for column in range(side)
    ]
    return np.concatenate(tiles)


def random_points(areas: Shapes, count: int, seed: int) -> tuple[Floats, Floats]:
    """Uniform random points over the bounding box of the areas."""
    random = np.random.default_rng(seed)
    x0, y0, x1, y1 = shapely.total_bounds(areas)
    return random.uniform(x0, x1, count), random.uniform(y0, y1, count)


def strata(
    areas: Shapes, count: int, small: int, seed: int, clear_m: float = 10.0
) -> dict[str, tuple[Floats, Floats]]:
    """Points by stratum: `count` for 'random', `small` for each of the others.

    'sorted': uniform, by rows of about 50 m and by longitude in them. 'interior': at least
    `clear_m` from every border. 'near border': within one metre of a border. 'on border': vertices
    and midpoints of edges.
    """
    random = np.random.default_rng(seed)
    made = {"random": random_points(areas, count, seed + 1)}
    xs, ys = random_points(areas, small, seed + 2)
    order = np.lexsort((xs, np.floor(ys / (50 * _METRE))))
    made["sorted"] = xs[order], ys[order]
    rings = shapely.get_rings(shapely.get_parts(areas))
    ends = shapely.get_coordinates(rings)
    ring = np.repeat(np.arange(len(rings)), shapely.get_num_coordinates(rings))
    starts = np.flatnonzero(ring[:-1] == ring[1:])
    chosen = starts[random.integers(0, len(starts), small)]
    part = np.where(random.random(small) < 0.5, 0.0, 0.5)[:, None]
    on = ends[chosen] * (1.0 - part) + ends[chosen + 1] * part
    made["on border"] = on[:, 0].copy(), on[:, 1].copy()
    part = random.random(small)[:, None]
    near = ends[chosen] * (1.0 - part) + ends[chosen + 1] * part
    angle, reach = random.uniform(0, 2 * np.pi, small), random.random(small) * _METRE
    made["near border"] = (
        near[:, 0] + np.cos(angle) * reach / _NARROW,
        near[:, 1] + np.sin(angle) * reach,
    )
    made["interior"] = _interior(areas, small, random, clear_m * _METRE)
    return made


def make(folder: Path, areas: int, points: int, small: int) -> Fixture:
    """Write `areas` unit grids and their points by stratum into the folder."""
    fixture = Fixture(folder)
    cells = unit_grids(areas, seed=1)
    fixture.keep(cells, strata(cells, points, small, seed=2))
    return fixture


def _interior(
    areas: Shapes, count: int, random: np.random.Generator, clear: float
) -> tuple[Floats, Floats]:
    """Uniform points in areas, at least `clear` degrees of latitude from every border."""
    squeezed = shapely.transform(areas, lambda xy: xy * (_NARROW, 1.0))
    inner = shapely.buffer(squeezed, -clear, quad_segs=2)
    inner = inner[~shapely.is_empty(inner)]
    tree = shapely.STRtree(inner)
    x0, y0, x1, y1 = shapely.total_bounds(inner)
    kept: list[Floats] = []
    while sum(map(len, kept)) < count:
        points = np.column_stack([random.uniform(x0, x1, count), random.uniform(y0, y1, count)])
        inside = tree.query(shapely.points(points), predicate="intersects")[0]
        kept.append(points[np.unique(inside)])
    found = np.concatenate(kept)[:count]
    return found[:, 0] / _NARROW, found[:, 1].copy()


def _districts() -> Shapes:
    return np.array([one.geometry for one in read_districts()], dtype=object)


def _streets() -> Shapes:
    drawn = approximate_streets(
        read_districts(),
        read_centres(get_settings().boundaries_dir),
        read_divisions(get_settings().boundaries_dir),
        plane=PLANE,
    )
    return np.array([one.geometry for one in drawn], dtype=object)


def _communities() -> Shapes:
    centres, divisions = (
        read_centres(get_settings().boundaries_dir),
        read_divisions(get_settings().boundaries_dir),
    )
    streets = approximate_streets(read_districts(), centres, divisions, plane=PLANE)
    drawn = approximate_communities(streets, centres, divisions, plane=PLANE)
    return np.array([one.geometry for one in drawn], dtype=object)


def _nation() -> Shapes:
    shapes: Any = np.array([one.geometry for one in read_districts("")], dtype=object)
    bad = ~shapely.is_valid(shapes)
    shapes[bad] = [shapely.buffer(one, 0) for one in shapes[bad]]
    return np.asarray(shapes[~shapely.is_empty(shapes)])


LEVELS: dict[str, Callable[[], Shapes]] = {
    "districts of Beijing": _districts,
    "streets of Beijing (approximate)": _streets,
    "communities of Beijing (approximate)": _communities,
    "districts of China": _nation,
}
