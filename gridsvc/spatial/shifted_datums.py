"""GCJ-02 and BD-09, the shifted datums of Chinese maps, in NumPy.

Both are published only as forward formulas, from WGS84 to the shifted place, so the way back is a
fixed-point iteration. They are applied wherever a system is declared, inside China or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

# The GCJ-02 formula's ellipsoid (Krasovsky 1940) and the frequency in BD-09's.
_GCJ_A = 6_378_245.0
_GCJ_E2 = 0.006_693_421_622_965_943
_BD_FREQUENCY = math.pi * 3000.0 / 180.0
# The first step undoes the shift (a few metres are left), and each further one divides the error
# by 50 or more: three of them reach 1e-6 m in Beijing, four all over China. (On the meridian 105
# the formula has a kink, and a few micrometres stay.)
_ITERATIONS = 5


def wgs84_to_gcj02(lon: Floats, lat: Floats) -> Pair:
    """Shift WGS84 (degrees, float64 arrays of one shape) to GCJ-02."""
    x, y = lon - 105.0, lat - 35.0
    pi_x, pi_y = np.pi * x, np.pi * y
    root, shared = np.sqrt(np.abs(x)), 20.0 * (np.sin(6.0 * pi_x) + np.sin(2.0 * pi_x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (shared + 20.0 * np.sin(pi_y) + 40.0 * np.sin(pi_y / 3.0)) * (2.0 / 3.0)
    north += (160.0 * np.sin(pi_y / 12.0) + 320.0 * np.sin(pi_y / 30.0)) * (2.0 / 3.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (shared + 20.0 * np.sin(pi_x) + 40.0 * np.sin(pi_x / 3.0)) * (2.0 / 3.0)
    east += (150.0 * np.sin(pi_x / 12.0) + 300.0 * np.sin(pi_x / 30.0)) * (2.0 / 3.0)
    phi = np.radians(lat)
    curve = 1.0 - _GCJ_E2 * np.sin(phi) ** 2
    meridian = _GCJ_A * (1.0 - _GCJ_E2) / curve**1.5
    parallel = _GCJ_A / np.sqrt(curve) * np.cos(phi)
    return lon + np.degrees(east / parallel), lat + np.degrees(north / meridian)


def _gcj02_to_bd09(x: Floats, y: Floats) -> Pair:
    radius = np.hypot(x, y) + 0.000_02 * np.sin(y * _BD_FREQUENCY)
    angle = np.arctan2(y, x) + 0.000_003 * np.cos(x * _BD_FREQUENCY)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def wgs84_to_bd09(lon: Floats, lat: Floats) -> Pair:
    """Shift WGS84 (degrees, float64 arrays of one shape) to BD-09."""
    return _gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def gcj02_to_wgs84(x: Floats, y: Floats) -> Pair:
    """Transform GCJ-02 (degrees, float64 arrays of one shape) to WGS84, within 1e-6 m."""
    return _invert(wgs84_to_gcj02, x, y, x, y)


def bd09_to_wgs84(x: Floats, y: Floats) -> Pair:
    """Transform BD-09 (degrees, float64 arrays of one shape) to WGS84, within 1e-6 m."""
    # The polar step undone with its own shift is right to about a metre: a good first guess.
    x0, y0 = x - 0.0065, y - 0.006
    radius = np.hypot(x0, y0) - 0.000_02 * np.sin(y0 * _BD_FREQUENCY)
    angle = np.arctan2(y0, x0) - 0.000_003 * np.cos(x0 * _BD_FREQUENCY)
    guess = radius * np.cos(angle), radius * np.sin(angle)
    return gcj02_to_wgs84(*_invert(_gcj02_to_bd09, x, y, *guess))


def _invert(
    forward: Callable[[Floats, Floats], Pair], x: Floats, y: Floats, lon: Floats, lat: Floats
) -> Pair:
    for _ in range(_ITERATIONS):
        image_x, image_y = forward(lon, lat)
        lon, lat = lon + (x - image_x), lat + (y - image_y)
    return lon, lat
