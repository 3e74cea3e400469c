"""Divide an area among seeds: a power diagram cut to the area, one connected child per seed.

Used where nobody publishes the real borders. Each child is the part of the area nearest to its
seed (a known centre, or a place found by moving to the middle of its own cell again and again),
with weights that keep children from being absurdly small or large beside their siblings. The
diagram is drawn in the city's metric plane; its lines are then transformed to WGS84 and noded there
with the area's own rings, so that the area keeps every vertex exactly and siblings share theirs bit
by bit. The same input gives the same output: nothing is random.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadGeometry
from gridsvc.spatial.plane import MetricPlane

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Sample points per child, rounds of moving and weighing, and the part of the wanted change of
# area (m²) that goes into a weight (m²) in one round: more of it swings, less is slow.
_SAMPLES, _ROUNDS, _STEP = 60, 50, 0.25
# Lines of the diagram are snapped to this grid, so that three cells meet in one point.
_GRID_M = 1e-3


def partition(
    parent: Any, seeds: Floats, *, plane: MetricPlane, least: float = 0.35, most: float = 4.0
) -> list[shapely.MultiPolygon]:
    """Divide ``parent`` (Polygon or MultiPolygon, WGS84) among n seeds.

    ``seeds``: float64 (n, 2), lon and lat; a row of NaN means that the centre is not known and may
    be anywhere. A child's area is kept between ``least`` and ``most`` times that of an equal share,
    as far as cells allow. Gives n MultiPolygons (WGS84) in the order of the seeds, which together
    are the parent and a valid coverage. Each child is one connected area, but that parts of the
    parent that hold no seed go whole to the nearest child. Raises BadGeometry for an empty or
    invalid parent, ValueError for no seeds.
    """
    if len(seeds) == 0:
        raise ValueError("an area is divided among at least one seed")
    if shapely.is_empty(parent) or not shapely.is_valid(parent) or shapely.area(parent) == 0:
        raise BadGeometry("The area to divide is empty or invalid; repair it first.")
    parts = list(shapely.get_parts(parent))
    known = np.asarray(seeds, dtype=np.float64)
    known = shapely.get_coordinates(plane.project(shapely.points(known)))
    home = _homes(plane.project(parts), known)
    children: list[Any] = [None] * len(seeds)
    for number, part in enumerate(parts):
        mine = np.flatnonzero(home == number)
        if len(mine):
            divided = _divide(part, known[mine], least, most, plane)
            for child, polygon in zip(mine, divided, strict=True):
                children[child] = polygon
    found: list[list[Any]] = [[child] for child in children]
    for number in np.setdiff1d(np.arange(len(parts)), home):
        apart_m = shapely.distance(plane.project(children), plane.project(parts[number]))
        nearest = int(np.argmin(apart_m))
        found[nearest].append(parts[number])
    return [shapely.MultiPolygon(polygons) for polygons in found]


def _homes(flat: NDArray[np.object_], seeds: Floats) -> Ints:
    """The part that each seed belongs to: the nearest, or the one with most room per seed."""
    home = np.zeros(len(seeds), dtype=np.int64)
    if len(flat) == 1:
        return home
    lost = np.isnan(seeds[:, 0])
    for child in np.flatnonzero(~lost):
        home[child] = int(np.argmin(shapely.distance(flat, shapely.Point(seeds[child]))))
    room = shapely.area(flat)
    held = np.bincount(home[~lost], minlength=len(flat))
    for child in np.flatnonzero(lost):
        home[child] = int(np.argmax(room / (held + 1)))
        held[home[child]] += 1
    return home


def _divide(part: Any, seeds: Floats, least: float, most: float, plane: MetricPlane) -> list[Any]:
    """Polygons (WGS84) of one polygon, one for each seed (metric)."""
    if len(seeds) == 1:
        return [part]
    flat = plane.project(part)
    sites, weights = _settle(flat, seeds, least, most)
    faces = _faces(part, plane.unproject(_diagram(flat, sites, weights)))
    inner = shapely.get_coordinates(plane.project(shapely.point_on_surface(faces)))
    owner = _owner(inner, sites, weights)
    owner = _connect(faces, owner)
    children: list[Any] = [
        shapely.coverage_union_all(faces[owner == site]) if (owner == site).any() else None
        for site in range(len(sites))
    ]
    for site in range(len(sites)):
        if children[site] is None:
            # A seed in a corner may get no cell of its own: it gets half of the largest child.
            sizes = [0.0 if child is None else shapely.area(child) for child in children]
            largest = int(np.argmax(sizes))
            whole, unknown = shapely.get_parts(children[largest])[0], np.full((2, 2), np.nan)
            children[largest], children[site] = _divide(whole, unknown, 1, 1, plane)
    return [shapely.get_parts(child)[0] for child in children]


def _owner(points: Floats, sites: Floats, weights: Floats) -> Ints:
    """The site of least power, |point - site|² - weight, for each point (all metric)."""
    # |point|² is the same for all sites and is left out. No matrix product: its rounding, and with
    # it the owner of a point in the middle, would depend on the machine.
    power = points[:, 0, None] * sites[:, 0] + points[:, 1, None] * sites[:, 1]
    power *= -2.0
    power += (sites**2).sum(axis=1) - weights
    return np.asarray(np.argmin(power, axis=1), dtype=np.int64)


def _samples(flat: Any, wanted: int) -> Floats:
    west, south, east, north = shapely.bounds(flat)
    shapely.prepare(flat)
    step = np.sqrt(shapely.area(flat) / wanted)
    while True:
        x = np.arange(west + step / 2, east, step)
        y = np.arange(south + step / 2, north, step)
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        inside = grid[shapely.contains_xy(flat, grid[:, 0], grid[:, 1])]
        if len(inside) * 2 >= wanted:
            return np.asarray(inside, dtype=np.float64)
        step *= 0.7


def _settle(flat: Any, seeds: Floats, least: float, most: float) -> tuple[Floats, Floats]:
    """Sites and weights of the diagram: known seeds stay, the others find the middle."""
    samples = _samples(flat, _SAMPLES * len(seeds))
    cell_m2 = float(shapely.area(flat)) / len(samples)
    sites = seeds.copy()
    for later in range(1, len(sites)):
        # Two seeds in one place cannot be told apart: the later one may go where there is room.
        if (((sites[:later] - sites[later]) ** 2).sum(axis=1) < cell_m2).any():
            sites[later] = np.nan
    free = np.isnan(sites[:, 0])
    nearest = np.full(len(samples), np.inf)
    for site in np.flatnonzero(~free):
        nearest = np.minimum(nearest, ((samples - sites[site]) ** 2).sum(axis=1))
    for site in np.flatnonzero(free):
        sites[site] = samples[np.argmax(nearest)]
        nearest = np.minimum(nearest, ((samples - sites[site]) ** 2).sum(axis=1))
    weights = np.zeros(len(sites))
    equal_m2 = cell_m2 * len(samples) / len(sites)
    for _ in range(_ROUNDS):
        owner = _owner(samples, sites, weights)
        count = np.bincount(owner, minlength=len(sites))
        for axis in (0, 1):
            total = np.bincount(owner, samples[:, axis], minlength=len(sites))
            move = free & (count > 0)
            sites[move, axis] = total[move] / count[move]
        area_m2 = count * cell_m2
        weights += _STEP * (np.clip(area_m2, least * equal_m2, most * equal_m2) - area_m2)
        weights -= weights.mean()
    return sites, weights


def _diagram(flat: Any, sites: Floats, weights: Floats) -> Any:
    """The lines of the power diagram over the bounds of ``flat``, noded (metric)."""
    west, south, east, north = shapely.bounds(flat)
    margin = 0.1 * (east - west + north - south) + 100.0
    box = np.array(
        [
            (west - margin, south - margin),
            (east + margin, south - margin),
            (east + margin, north + margin),
            (west - margin, north + margin),
        ]
    )
    rings = []
    for site in range(len(sites)):
        cell = box
        normals = 2.0 * (sites - sites[site])
        limits = (sites**2).sum(axis=1) - weights
        limits -= limits[site]
        for other in np.argsort((normals**2).sum(axis=1), kind="stable"):
            if other != site and len(cell):
                cell = _clip(cell, normals[other], limits[other])
        if len(cell) > 2:
            rings.append(shapely.LinearRing(cell))
    return shapely.union_all(rings, grid_size=_GRID_M)


def _clip(cell: Floats, normal: Floats, limit: float) -> Floats:
    """The part of a convex polygon where normal · point <= limit."""
    beyond = cell @ normal - limit
    if (beyond <= 0).all():
        return cell
    kept: list[Floats] = []
    for here in range(len(cell)):
        then = (here + 1) % len(cell)
        if beyond[here] <= 0:
            kept.append(cell[here])
        if (beyond[here] <= 0) != (beyond[then] <= 0):
            share = beyond[here] / (beyond[here] - beyond[then])
            kept.append(cell[here] + share * (cell[then] - cell[here]))
    return np.array(kept).reshape(-1, 2)


def _faces(part: Any, lines: Any) -> NDArray[np.object_]:
    """The pieces into which lines cut a polygon, all in WGS84."""
    noded = shapely.union_all([shapely.boundary(part), lines])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(part)
    inside: NDArray[np.bool_] = shapely.contains(part, shapely.point_on_surface(faces))
    return np.asarray(faces[inside], dtype=object)


def _connect(faces: NDArray[np.object_], owner: Ints) -> Ints:
    """Leave each owner its largest face and give the others to the neighbour most bordered on."""
    area = shapely.area(faces)
    settled = np.zeros(len(faces), dtype=bool)
    for site in np.unique(owner):
        own = np.flatnonzero(owner == site)
        settled[own[np.argmax(area[own])]] = True
    if settled.all():
        return owner
    borders = _borders(faces)
    owner = owner.copy()
    while not settled.all():
        joined = {}
        for face in np.flatnonzero(~settled):
            shared: dict[int, float] = defaultdict(float)
            for other, length in borders[int(face)].items():
                if settled[other]:
                    shared[int(owner[other])] += length
            if shared:
                joined[face] = min(shared, key=lambda site: (-shared[site], site))
        if not joined:
            raise BadGeometry("The area to divide hangs together only by a point; repair it first.")
        for face, site in joined.items():
            owner[face], settled[face] = site, True
    return owner


def _borders(faces: NDArray[np.object_]) -> dict[int, dict[int, float]]:
    """Length of the border (degrees) between faces that share segments."""
    seen: dict[tuple[float, ...], int] = {}
    borders: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for face, polygon in enumerate(faces):
        for ring in shapely.get_rings(polygon):
            xy = shapely.get_coordinates(ring).tolist()
            for a, b in pairwise(xy):
                key = (*a, *b) if a <= b else (*b, *a)
                other = seen.setdefault(key, face)
                if other != face:
                    length = float(np.hypot(a[0] - b[0], a[1] - b[1]))
                    borders[face][other] += length
                    borders[other][face] += length
    return borders
