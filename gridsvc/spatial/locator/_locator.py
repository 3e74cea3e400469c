"""The locator of one level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gridsvc.errors import BadCoordinate
from gridsvc.spatial.locator._build import build_index
from gridsvc.spatial.locator._file import read_index, write_index
from gridsvc.spatial.locator._raster import claims_at, claims_many, locate_at, locate_many, word_of
from gridsvc.spatial.locator._rings import check_areas


class Locator:
    """Which areas of one level a point touches; read-only and safe to share between threads.

    Areas are known by their index in the order given, which is code order: the smallest index is
    the smallest code. A point touches an area when GEOS `intersects` says so: inside, on an edge,
    or on a vertex. Points are never snapped. A coordinate that is not a number, or outside all
    areas, touches nothing.
    """

    def __init__(
        self,
        header: NDArray[np.float64],
        words: NDArray[np.int32],
        edges: NDArray[np.float64],
        codes: tuple[str, ...],
    ) -> None:
        self._header = header
        self._words = words
        self._edges = edges
        self._codes = codes

    @classmethod
    def build(cls, geometries: Sequence[Any], codes: Sequence[str]) -> Locator:
        """Index `geometries`: n valid polygons or multipolygons (holes allowed), WGS84 lon/lat.

        `codes`: n strings, one for each. Areas may overlap and leave gaps. Raises `BadGeometry`,
        naming the first area that is empty, invalid, of another kind or out of range, and
        `TooLarge` if there are more than fit (some 15 million areas of the size of unit grids).
        """
        shapes = check_areas(geometries, codes)
        if not len(shapes):
            nothing = np.array([1.0, 1.0, -1.0, -1.0] + [0.0] * 12)
            return cls(nothing, np.empty(0, np.int32), np.empty((0, 4)), ())
        header, words, edges = build_index(shapes, float(shapely.area(shapes).sum()))
        return cls(header, words, edges, tuple(str(code) for code in codes))

    @classmethod
    def open(cls, path: Path | str) -> Locator:
        """Open a saved index, memory-mapped, so that all processes share one copy of it.

        Every byte is checked against the checksums first. Raises `DamagedIndex` if the file is
        missing, damaged, cut short, of another version, or no index at all.
        """
        return cls(*read_index(Path(path)))

    def save(self, path: Path | str) -> None:
        """Write the index to `path`, whole or not at all; an older file there is replaced.

        Processes that have the older file open keep it until they open the path again.
        """
        write_index(Path(path), self._header, self._words, self._edges, self._codes)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the areas, by index."""
        return self._codes

    @property
    def nbytes(self) -> int:
        """The size of the index without its codes, in bytes."""
        return int(self._words.nbytes + self._edges.nbytes + self._header.nbytes)

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
        """The index of the primary area of each point, -1 for none: int32, shaped as `lon`.

        `lon`, `lat`: WGS84 degrees, of one shape. The primary is the smallest index among the areas
        that the point touches. Raises `BadCoordinate` if the shapes differ.
        """
        xs, ys = _points(lon, lat)
        out = np.empty(xs.shape, np.int32)
        if xs.size and self._words.size:
            locate_many(
                self._header, self._words, self._edges, xs.ravel(), ys.ravel(), out.reshape(-1)
            )
        else:
            out.fill(-1)
        return out

    def locate_one(self, lon: float, lat: float) -> int:
        """The index of the primary area of one point (WGS84 degrees), -1 for none."""
        return int(locate_at(self._header, self._words, self._edges, float(lon), float(lat)))

    def claims(self, lon: float, lat: float) -> list[int]:
        """The indexes of all areas that one point (WGS84 degrees) touches, rising."""
        word = word_of(self._header, self._words, float(lon), float(lat))
        if word >= -1:  # the cell lies in one area, or in none
            return [word] if word >= 0 else []
        found = np.empty(16, np.int32)
        count = claims_at(self._header, self._words, self._edges, float(lon), float(lat), found)
        if count > found.size:
            found = np.empty(count, np.int32)
            claims_at(self._header, self._words, self._edges, float(lon), float(lat), found)
        indexes: list[int] = found[:count].tolist()
        return indexes

    def claims_many(
        self, lon: ArrayLike, lat: ArrayLike
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All areas that each of n points touches: `(offsets, indexes)`.

        The areas of point i are `indexes[offsets[i]:offsets[i + 1]]`, rising; offsets have the
        shape (n + 1,) and are int64, indexes int32. `lon`, `lat`: WGS84 degrees, n
        each. Raises `BadCoordinate` if n differs.
        """
        xs, ys = _points(lon, lat)
        xs, ys = xs.ravel(), ys.ravel()
        offsets = np.zeros(xs.size + 1, np.int64)
        found = np.empty(2 * xs.size + 16, np.int32)
        for _ in range(2):
            claims_many(self._header, self._words, self._edges, xs, ys, offsets, found)
            if offsets[-1] <= found.size:
                break
            found = np.empty(offsets[-1], np.int32)
        return offsets, found[: offsets[-1]].copy()


def _points(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    xs = np.ascontiguousarray(lon, dtype=np.float64)
    ys = np.ascontiguousarray(lat, dtype=np.float64)
    if xs.shape != ys.shape:
        raise BadCoordinate(
            f"lon has the shape {xs.shape} and lat {ys.shape}; give as many of one as of the other."
        )
    return xs, ys
