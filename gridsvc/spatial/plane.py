"""Flat planes in metres: the city's own, in which areas are true, and one of a small place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.crs import Transform, check_lon_lat, transform_between, transform_geometry

Floats = NDArray[np.float64]

_WGS84_A = 6_378_137.0
_WGS84_E2 = 0.006_694_379_990_141_316


@dataclass(frozen=True, slots=True)
class MetricPlane:
    """The city's plane, centred at ``lon``, ``lat`` (WGS84 degrees): metres east and north.

    It is a Lambert azimuthal equal-area projection on the WGS84 ellipsoid.
    """

    lon: float
    lat: float

    @classmethod
    def at(cls, lon: float, lat: float) -> MetricPlane:
        """The plane of a city's centre. Raises BadCoordinate where there is no such place."""
        return cls(*check_lon_lat(lon, lat, field="city"))

    @property
    def crs(self) -> pyproj.CRS:
        """The reference system of the plane."""
        return _laea(self.lon, self.lat)

    def project(self, geometry: Any) -> Any:
        """Transform a WGS84 geometry, or an array of them, into the plane (metres)."""
        return transform_geometry(geometry, _transforms(self.lon, self.lat)[0])

    def unproject(self, geometry: Any) -> Any:
        """Transform a geometry of the plane, or an array of them, to WGS84 (degrees).

        PROJ's inverse is a series that ends 1 mm off: keep the vertices that came from WGS84.
        """
        return transform_geometry(geometry, _transforms(self.lon, self.lat)[1])


def _laea(lon: float, lat: float) -> pyproj.CRS:
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lon_0={lon!r} +lat_0={lat!r} +ellps=WGS84 +units=m +no_defs"
    )


@lru_cache(maxsize=8)
def _transforms(lon: float, lat: float) -> tuple[Transform, Transform]:
    plane, degrees = _laea(lon, lat), pyproj.CRS.from_epsg(4326)
    return transform_between(degrees, plane), transform_between(plane, degrees)


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """An affine image of degrees: straight lines in WGS84 stay straight in it.

    ``lon``, ``lat``: the centre (degrees); ``east``, ``north``: metres per degree there. It is
    true to scale at the centre and 0.01 % off for each kilometre north or south of it.
    """

    lon: float
    lat: float
    east: float
    north: float

    @classmethod
    def amid(cls, bounds: Sequence[float] | Floats) -> LocalPlane:
        """The plane at the middle of west, south, east, north (degrees)."""
        west, south, east, north = (float(bound) for bound in bounds)
        lat = (south + north) / 2
        return cls((west + east) / 2, lat, *metres_per_degree(lat))

    def project(self, geometry: Any) -> Any:
        """Transform a WGS84 geometry, or an array of them, into the plane (metres)."""
        return shapely.transform(
            geometry, lambda xy: (xy - [self.lon, self.lat]) * [self.east, self.north]
        )

    def lonlat(self, xy: Floats) -> Floats:
        """Transform points of the plane, float64 (n, 2), to degrees."""
        return np.asarray(xy / [self.east, self.north] + [self.lon, self.lat])


def metres_per_degree(lat: float) -> tuple[float, float]:
    """The length in metres of a degree of longitude and of latitude, at a latitude."""
    phi = math.radians(lat)
    curve = 1.0 - _WGS84_E2 * math.sin(phi) ** 2
    parallel = _WGS84_A / math.sqrt(curve) * math.cos(phi)
    meridian = _WGS84_A * (1.0 - _WGS84_E2) / curve**1.5
    return math.radians(parallel), math.radians(meridian)


def extent_m(geometry: Any) -> tuple[float, float]:
    """Metres from west to east and from south to north of a geometry (WGS84)."""
    west, south, east, north = shapely.bounds(geometry).tolist()
    lon_m, lat_m = metres_per_degree((south + north) / 2)
    return (east - west) * lon_m, (north - south) * lat_m


def surroundings(geometry: Any, margin_m: float) -> Any:
    """The box (WGS84) around a geometry, with a margin in metres on every side."""
    west, south, east, north = shapely.bounds(geometry).tolist()
    lon_m, lat_m = metres_per_degree((south + north) / 2)
    lon, lat = margin_m / lon_m, margin_m / lat_m
    return shapely.box(west - lon, south - lat, east + lon, north + lat)
