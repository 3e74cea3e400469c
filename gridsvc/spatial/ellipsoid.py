"""True areas and lengths on the WGS84 ellipsoid of geometries in longitude and latitude.

An edge that is straight in degrees is a curve in every metric plane, so the area is taken on the
ellipsoid itself: the zone between the equator and a latitude has a closed form, and along an edge
it is integrated by four points of Gauss and Legendre, which leaves 1e-12 even for an edge of one
degree. (Zone of an ellipsoid of revolution: Snyder, Map Projections, USGS 1395, equation 3-12.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

Floats = NDArray[np.float64]

_A_M = 6_378_137.0
_F = 1 / 298.257223563
_E2 = _F * (2 - _F)
_E = _E2**0.5
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_GEOD = Geod(ellps="WGS84")


def area_m2(geometries: Any) -> Floats:
    """Areas on the WGS84 ellipsoid, in m²: float64, the shape of the input.

    ``geometries`` are polygons and multipolygons in WGS84 degrees, or an array of them; anything
    else counts as 0. Holes are taken off, overlaps inside one geometry count twice.
    """
    given = np.asarray(geometries, dtype=object)
    parts, of_part = shapely.get_parts(given.ravel(), return_index=True)
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, of_part = parts[polygons], of_part[polygons]
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    total = np.zeros(given.size)
    if len(rings):
        shells = np.diff(of_ring, prepend=-1) > 0
        areas = _ring_areas_m2(rings)
        np.add.at(total, of_part[of_ring], np.where(shells, areas, -areas))
    return total.reshape(given.shape)


def length_m(geometries: Any) -> Floats:
    """Lengths on the WGS84 ellipsoid, in metres: float64, the shape of the input.

    ``geometries`` are lines, rings and their collections in WGS84 degrees, or an array of them;
    points and polygons count as 0.
    """
    given = np.asarray(geometries, dtype=object)
    parts, of_part = shapely.get_parts(given.ravel(), return_index=True)
    lines = shapely.get_dimensions(parts) == 1
    xy, of_vertex = shapely.get_coordinates(parts[lines], return_index=True)
    start = np.flatnonzero(of_vertex[1:] == of_vertex[:-1])
    metres = distance_m(xy[start, 0], xy[start, 1], xy[start + 1, 0], xy[start + 1, 1])
    of_edge = of_part[lines][of_vertex[start]]
    total = np.bincount(of_edge, weights=metres, minlength=given.size)
    return np.asarray(total.reshape(given.shape), dtype=np.float64)


def distance_m(lon: Any, lat: Any, other_lon: Any, other_lat: Any) -> Any:
    """Metres between WGS84 points: a float for numbers, float64 of their shape for arrays."""
    return _GEOD.inv(lon, lat, other_lon, other_lat)[2]


def _ring_areas_m2(rings: NDArray[np.object_]) -> Floats:
    xy, of_vertex = shapely.get_coordinates(rings, return_index=True)
    lon, lat = np.radians(xy[:, 0]), np.radians(xy[:, 1])
    inside = of_vertex[1:] == of_vertex[:-1]
    # Counted from a latitude of the ring itself, so that small rings lose no digits.
    base = _zone_m2(lat[np.flatnonzero(np.diff(of_vertex, prepend=-1))])[of_vertex[:-1]]
    middle, half = (lat[1:] + lat[:-1]) / 2, (lat[1:] - lat[:-1]) / 2
    zone = np.zeros(len(middle))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        zone += weight / 2 * (_zone_m2(middle + half * node) - base)
    pieces = np.where(inside, (lon[1:] - lon[:-1]) * zone, 0.0)
    signed = np.bincount(of_vertex[:-1], weights=pieces, minlength=len(rings))
    return np.asarray(np.abs(signed), dtype=np.float64)


def _zone_m2(lat: Floats) -> Floats:
    """Area between the equator and a latitude (radians), for one radian of longitude."""
    sine = np.sin(lat)
    flat = sine / (1 - _E2 * sine * sine) + np.arctanh(_E * sine) / _E
    return np.asarray(_A_M * _A_M * (1 - _E2) / 2 * flat, dtype=np.float64)
