"""A made-up atlas for bulk work: Voronoi cells around 116.3 E, 39.9 N, in four levels."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import numpy as np
import shapely

from gridsvc.registry.placement.model import AreaRef, EditionRef, GridRef
from gridsvc.registry.placement.store import AreaLevel, Atlas, GridLevel
from gridsvc.spatial.border import BorderIndex
from gridsvc.spatial.locator import Locator

WEST, SOUTH, EAST, NORTH = 116.20, 39.80, 116.40, 40.00
ACCURACY_M = {"district": 5.0, "street": 20.0, "community": 60.0}
ADDED = ["district_code", "street_code", "community_code", "grid_code", "near_border"]
_FRAME = shapely.box(WEST, SOUTH, EAST, NORTH)
_SINCE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@lru_cache
def cells(count: int, seed: int) -> tuple[shapely.Polygon, ...]:
    """So many Voronoi cells that fill the frame but for a gap in the north-east."""
    rng = np.random.default_rng(seed)
    seeds = shapely.multipoints(
        np.column_stack((rng.uniform(WEST, EAST, count), rng.uniform(SOUTH, NORTH, count)))
    )
    drawn = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=_FRAME))
    gap = shapely.box(116.37, 39.97, 116.45, 40.05)
    return tuple(shapely.difference(shapely.intersection(drawn, _FRAME), gap))


@lru_cache
def shapes(level: str) -> tuple[tuple[str, ...], tuple[shapely.Polygon, ...]]:
    """Codes and shapes of a level, in code order."""
    count, seed = {"district": (4, 1), "street": (20, 2), "community": (80, 3)}.get(level, (400, 4))
    drawn = [shape for shape in cells(count, seed) if not shape.is_empty]
    digits = {"district": 6, "street": 9, "community": 12}.get(level, 8)
    codes = [str(11 * 10 ** (digits - 2) + 101 + i) for i in range(len(drawn))]
    return tuple(codes), tuple(drawn)


def make_atlas(stamp: str = "made-up") -> Atlas:
    """The atlas; levels do not nest, as real ones do not."""
    areas = {}
    for level, accuracy_m in ACCURACY_M.items():
        codes, drawn = shapes(level)
        locator = Locator.build(drawn, codes)
        borders = None
        if level != "community":
            borders = BorderIndex.build(drawn, codes, locator=locator)
        edition = EditionRef(f"{level}-1", level, accuracy_m, False, _SINCE)
        refs = tuple(AreaRef(code, f"区{code}") for code in codes)
        areas[level] = AreaLevel(edition, refs, locator, borders)
    codes, drawn = shapes("unit_grid")
    refs = tuple(
        GridRef("110101", code, f"110101{code}", "110101001001", 10_000.0) for code in codes
    )
    grids = GridLevel("grids-1 2024-01-01", refs, Locator.build(drawn, codes))
    return Atlas(stamp, areas, grids, EditionRef("grids-1", "unit_grid", 0.0, False, _SINCE))


def points(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in and around the frame, a tenth of them on vertices of the streets."""
    rng = np.random.default_rng(seed)
    lon = rng.uniform(WEST - 0.02, EAST + 0.02, count)
    lat = rng.uniform(SOUTH - 0.02, NORTH + 0.02, count)
    corners = shapely.get_coordinates(shapes("street")[1])
    chosen = corners[rng.integers(0, len(corners), count // 10)]
    lon[: len(chosen)], lat[: len(chosen)] = chosen[:, 0], chosen[:, 1]
    return lon, lat


def by_geos(level: str, lon: np.ndarray, lat: np.ndarray) -> list[str | None]:
    """The smallest code among the areas that GEOS says the points touch: brute force."""
    codes, drawn = shapes(level)
    here = shapely.points(lon, lat)
    found: list[str | None] = [None] * len(lon)
    for code, shape in reversed(list(zip(codes, drawn, strict=True))):
        shapely.prepare(shape)
        for row in np.flatnonzero(shapely.intersects(shape, here)).tolist():
            found[row] = code
    return found


def csv_text(lon: np.ndarray, lat: np.ndarray) -> str:
    """A CSV with two columns beside lon and lat, one of them quoted."""
    rows = [
        f'{i},{x!r},{y!r},"名 ""{i}"", a"'
        for i, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True))
    ]
    return "\n".join(["id,lon,lat,name", *rows]) + "\n"
