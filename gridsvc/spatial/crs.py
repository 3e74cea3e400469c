"""Declared coordinates become WGS84, and WGS84 becomes the coordinates of a declared system.

Every coordinate that enters the service names its reference system: ``wgs84`` (when left out),
``gcj02``, ``bd09``, ``EPSG:n`` or WKT. Nothing is ever guessed from where a point lies: the usual
"is it in China" rectangle holds Seoul, Ulaanbaatar and Taipei as well. Order is always x, y: lon or
easting first.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError, ProjError
from pyproj.network import (  # type: ignore[attr-defined] # it hands on what Cython compiled
    set_network_enabled,
)

from gridsvc.errors import BadCoordinate, UnknownCrs
from gridsvc.spatial.crs_text import Parameters, check_wkt
from gridsvc.spatial.shifted_datums import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
#: Takes x and y (n,), gives x and y (n,); NaN where there is no image.
Transform = Callable[[Floats, Floats], Pair]

_HOW = "send wgs84, gcj02, bd09, EPSG:n or WKT"
_LOCAL_NAMES = {
    "wgs84": "wgs84",
    "wgs-84": "wgs84",
    "gcj02": "gcj02",
    "gcj-02": "gcj02",
    "bd09": "bd09",
    "bd-09": "bd09",
}
# Words and colons: what has signs of its own is a text that PROJ runs, and may lead to files.
_NAME = re.compile(r"[\w:.\- ]{1,200}")
# What PROJ needs lies beside it: a text that somebody sends makes it fetch nothing.
set_network_enabled(active=False)
# PROJ has only a ballpark step from these datums to WGS84, tens of metres off.
_BALLPARK_DATUMS = {"Beijing 1954": 4214, "Xian 1980": 4610, "New Beijing": 4555}
# WGS84, GRS80 and CGCS2000 share this half axis; a datum of another ellipsoid needs parameters.
_WGS84_AXIS_M, _AGREEING_AXIS_M = 6_378_137.0, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Crs:
    """A reference system that can be transformed to WGS84, made by ``parse_crs``.

    ``name`` is how messages call it; ``definition`` is None for wgs84, gcj02 and bd09.
    """

    name: str
    definition: pyproj.CRS | None = None

    @property
    def in_degrees(self) -> bool:
        """Whether its coordinates are longitude and latitude in degrees."""
        return self.definition is None or bool(self.definition.is_geographic)


def is_local(text: str) -> bool:
    """Whether a text is the name of a system that needs no PROJ: parsing it costs nothing."""
    return text in _LOCAL_NAMES


@lru_cache(maxsize=256)
def parse_crs(text: str, allowed: Parameters = Parameters.PLAIN) -> Crs:
    """Read the reference system that a text declares.

    Takes ``wgs84``, ``gcj02``, ``bd09`` (any case, with or without a hyphen), ``EPSG:n``, or WKT.
    Raises UnknownCrs for anything else, for systems that are not two-dimensional horizontal ones,
    and for Beijing 1954, Xian 1980 and New Beijing (4214, 4610, 4555 and what is projected from
    them; also unnamed datums of another ellipsoid), whose way to WGS84 is only a ballpark, unless
    the WKT has its own parameters (TOWGS84, and BOUNDCRS where that is ``allowed``). CGCS2000
    (EPSG:4490) agrees with WGS84 to centimetres and is taken as it is: PROJ's step between them is
    a no-op.
    """
    wanted = text.strip()
    local = _LOCAL_NAMES.get(wanted.lower())
    if local is not None:
        return Crs(local)
    epsg = re.fullmatch(r"epsg:(\d{1,9})", wanted.lower())
    if epsg is None and "[" not in wanted:
        raise UnknownCrs(
            f"The coordinate reference system {_shown(wanted)} is not known: {_HOW}.", field="crs"
        )
    if epsg is None:
        check_wkt(wanted, allowed)
    try:
        definition = (
            pyproj.CRS.from_epsg(int(epsg[1])) if epsg is not None else pyproj.CRS.from_wkt(wanted)
        )
    except CRSError:
        raise UnknownCrs(
            f"The coordinate reference system {_shown(wanted)} is not known to PROJ: {_HOW}.",
            field="crs",
        ) from None
    name = f"EPSG:{epsg[1]}" if epsg is not None else definition.name
    _refuse_unusable(name, definition)
    # Heights are dropped on the way in, so that a system with them is the one below it.
    flat = definition if definition.is_bound else definition.to_2d()
    return Crs("wgs84") if flat.to_epsg() == 4326 else Crs(name, definition)


def crs_of_file(told: str | Mapping[str, Any]) -> pyproj.CRS:
    """The system that a file names: AUTH:n or a URN, WKT, or PROJJSON; no text that PROJ would run.

    Raises UnknownCrs.
    """
    if isinstance(told, str) and told.lstrip().startswith("{"):
        try:
            told = json.loads(told)
        except (ValueError, RecursionError):
            told = ""
    try:
        if isinstance(told, Mapping):
            return pyproj.CRS.from_json_dict(dict(told))
        if "[" in told:
            check_wkt(told.strip(), Parameters.NUMBERS)
            return pyproj.CRS.from_wkt(told)
        if _NAME.fullmatch(told):
            return pyproj.CRS.from_user_input(told)
    except CRSError:
        pass
    raise UnknownCrs(
        f"The file calls its CRS {_shown(str(told))}, which is not known to PROJ: {_HOW}.",
        field="crs",
    )


def _refuse_unusable(name: str, definition: pyproj.CRS) -> None:
    plain = definition.source_crs if definition.is_bound else definition
    if plain is None or not (plain.is_geographic or plain.is_projected):
        raise UnknownCrs(
            f"{name} is not a horizontal reference system of longitude and latitude or easting and"
            f" northing: {_HOW}.",
            field="crs",
        )
    geodetic = plain.geodetic_crs
    datum = geodetic.datum.name if geodetic is not None and geodetic.datum is not None else ""
    if definition.is_bound and not _brings_nothing(definition):
        return
    if datum in _BALLPARK_DATUMS:
        raise UnknownCrs(
            f"{name} is based on {datum} (EPSG:{_BALLPARK_DATUMS[datum]}), from which only a"
            " ballpark transformation leads to WGS84, tens of metres off; send WKT with your own"
            " parameters (TOWGS84), or convert to CGCS2000 (EPSG:4490) first.",
            field="crs",
        )
    if geodetic is not None and _is_ballpark(geodetic):
        raise UnknownCrs(
            f"{name} is based on {datum or 'an unknown datum'} with the ellipsoid"
            f" {geodetic.ellipsoid.name if geodetic.ellipsoid else ''}, from which only a ballpark"
            " transformation leads to WGS84; send WKT with your own parameters (TOWGS84).",
            field="crs",
        )


def _brings_nothing(definition: pyproj.CRS) -> bool:
    """Whether the parameters of a bound system are all zero: programs write that for unknown."""
    step = definition.coordinate_operation
    return step is not None and bool(step.towgs84) and not any(step.towgs84)


def _is_ballpark(geodetic: pyproj.CRS) -> bool:
    """Whether PROJ has no way to WGS84, and the ellipsoid is none that agrees with it."""
    ellipsoid = geodetic.ellipsoid
    if ellipsoid is None or abs(ellipsoid.semi_major_metre - _WGS84_AXIS_M) < _AGREEING_AXIS_M:
        return False
    return "ballpark" in _transformer(geodetic, _longlat()).description.lower()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def known_crs(crs: str | Crs) -> Crs:
    """A system, parsed where it is a text. Raises UnknownCrs as ``parse_crs`` does."""
    return parse_crs(crs) if isinstance(crs, str) else crs


@overload
def to_wgs84(x: float, y: float, crs: str | Crs = "wgs84") -> tuple[float, float]: ...
@overload
def to_wgs84(x: ArrayLike, y: ArrayLike, crs: str | Crs = "wgs84") -> Pair: ...
def to_wgs84(x: Any, y: Any, crs: str | Crs = "wgs84") -> Any:
    """Longitude and latitude (WGS84, degrees) of coordinates in a declared system.

    ``x`` and ``y`` are two numbers or two arrays of one shape (lon or easting, lat or northing);
    the answer is two floats or two float64 arrays of that shape. A point that the system cannot
    express becomes NaN. Raises UnknownCrs as ``parse_crs`` does.
    """
    return _apply(_into_wgs84(known_crs(crs)), x, y)


@overload
def from_wgs84(lon: float, lat: float, crs: str | Crs) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str | Crs) -> Pair: ...
def from_wgs84(lon: Any, lat: Any, crs: str | Crs) -> Any:
    """Coordinates in a declared system of WGS84 longitudes and latitudes (degrees).

    Shapes, NaN and UnknownCrs as in ``to_wgs84``.
    """
    return _apply(_out_of_wgs84(known_crs(crs)), lon, lat)


def geometry_to_wgs84(geometry: Any, crs: str | Crs = "wgs84", *, field: str = "geometry") -> Any:
    """Transform every vertex of a shapely geometry (or of an array of them) to WGS84.

    Straight edges stay straight between the converted vertices. Raises BadCoordinate when a vertex
    has no image, UnknownCrs as ``parse_crs`` does.
    """
    known = known_crs(crs)
    if known.name == "wgs84":
        return geometry
    moved = transform_geometry(geometry, _into_wgs84(known))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise BadCoordinate(
            f"A vertex of the geometry lies outside what {known.name} can express; check that the"
            " coordinates are in the declared system, easting or longitude first.",
            field=field,
        )
    return moved


def check_lon_lat(
    lon: object, lat: object, crs: str | Crs = "wgs84", *, field: str = "location"
) -> tuple[float, float]:
    """Give two coordinates as floats, in the declared system, if they can be a place.

    Raises BadCoordinate for what is not a number, NaN, infinite or out of range, and says so when
    longitude and latitude seem to be swapped. Projected systems are checked by their image in
    WGS84. ``field`` is the dotted path that the error names.
    """
    known = known_crs(crs)
    x_name, y_name = ("lon", "lat") if known.in_degrees else ("easting", "northing")
    x = _number(lon, x_name, field)
    y = _number(lat, y_name, field)
    if not known.in_degrees:
        x_wgs84, y_wgs84 = to_wgs84(x, y, known)
        if not (math.isfinite(x_wgs84) and math.isfinite(y_wgs84)):
            raise BadCoordinate(
                f"easting {x:.15g}, northing {y:.15g} is not a place in {known.name}; send easting"
                " first, in the unit of that system.",
                field=field,
            )
        return x, y
    if abs(y) > 90 and abs(x) <= 90 and abs(y) <= 180:
        raise BadCoordinate(
            f"latitude {y:.15g} is out of range; latitude and longitude seem to be swapped: send"
            f" lon={y:.15g}, lat={x:.15g}.",
            field=field,
        )
    if abs(x) > 180:
        raise BadCoordinate(
            f"longitude {x:.15g} is out of range; send degrees from -180 to 180.",
            field=f"{field}.lon",
        )
    if abs(y) > 90:
        raise BadCoordinate(
            f"latitude {y:.15g} is out of range; send degrees from -90 to 90.",
            field=f"{field}.lat",
        )
    return x, y


def _number(value: object, name: str, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise BadCoordinate(
            f"{name} must be a number, but is {_shown(str(value))}.", field=f"{field}.{name}"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadCoordinate(
            f"{name} must be a finite number, but is {number}.", field=f"{field}.{name}"
        )
    return number


def transform_geometry(geometry: Any, transform: Transform) -> Any:
    """Move every vertex of a shapely geometry, or of an array of them."""

    def vertices(xy: Floats) -> Floats:
        return np.column_stack(transform(xy[:, 0], xy[:, 1])) if len(xy) else xy

    return shapely.transform(geometry, vertices)


def _apply(transform: Transform, x: Any, y: Any) -> Any:
    if transform is _unchanged and isinstance(x, float) and isinstance(y, float):
        return x, y  # one point, asked all day: arrays would cost more than the look-up
    xs = np.asarray(x, dtype=np.float64)
    ys = np.asarray(y, dtype=np.float64)
    if xs.shape != ys.shape:
        raise ValueError(f"x has shape {xs.shape}, y has {ys.shape}: they must be the same")
    out_x, out_y = transform(xs.ravel(), ys.ravel())
    if xs.ndim == 0:
        return float(out_x[0]), float(out_y[0])
    return out_x.reshape(xs.shape), out_y.reshape(xs.shape)


@lru_cache(maxsize=256)
def _into_wgs84(crs: Crs) -> Transform:
    if crs.definition is not None:
        return transform_between(crs.definition, _longlat())
    return {"wgs84": _unchanged, "gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}[crs.name]


@lru_cache(maxsize=256)
def _out_of_wgs84(crs: Crs) -> Transform:
    if crs.definition is not None:
        return transform_between(_longlat(), crs.definition)
    return {"wgs84": _unchanged, "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}[crs.name]


@lru_cache(maxsize=1)
def _longlat() -> pyproj.CRS:
    return pyproj.CRS.from_epsg(4326)


def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    """PROJ's way from one system to another. Raises UnknownCrs: some are of other planets."""
    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True)
    except ProjError as error:
        raise UnknownCrs(
            f"PROJ cannot transform {source.name} to {target.name}: {_HOW}.", field="crs"
        ) from error


def transform_between(source: pyproj.CRS, target: pyproj.CRS) -> Transform:
    """The transform from one system to another, x first. Raises UnknownCrs where PROJ has none."""
    # A pyproj Transformer keeps one PROJ context per thread, so it may be shared and kept. (The
    # caches above have keys of their own: hashing a pyproj CRS writes out its WKT each time.)
    transformer = _transformer(source, target)

    def transform(x: Floats, y: Floats) -> Pair:
        out_x, out_y = transformer.transform(x, y)
        out = np.asarray(out_x, dtype=np.float64), np.asarray(out_y, dtype=np.float64)
        lost = ~(np.isfinite(out[0]) & np.isfinite(out[1]))
        if lost.any():
            out[0][lost] = np.nan
            out[1][lost] = np.nan
        return out

    return transform


def _unchanged(x: Floats, y: Floats) -> Pair:
    return x.copy(), y.copy()
