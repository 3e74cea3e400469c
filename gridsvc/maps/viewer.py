"""The web viewer: one page and its files, all from this package or from an installed one."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from gridsvc.city import City
from gridsvc.errors import MissingPrerequisite, NotFound
from gridsvc.layers.catalogue import DISTRICTS
from gridsvc.layers.repository import bounds
from gridsvc.maps.self_contained import installed

_STATIC = Path(__file__).parent / "static"
_FROM_MAPLIBRE = ("maplibre-gl.js", "maplibre-gl.css")

#: The browser itself refuses what would come from another host. MapLibre runs its workers from
#: blobs, and its style sheet and the markers carry inline styles and images.
CONTENT_POLICY = (
    "default-src 'self'; worker-src blob:; img-src 'self' data: blob:;"
    " style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self';"
    " frame-ancestors 'self'"
)

#: How far from the city's centre the map reaches before any district is loaded, in degrees.
_FALLBACK_LON, _FALLBACK_LAT = 1.05, 0.8


def viewer_page(connection: Connection, city: City, *, now: dt.datetime) -> str:
    """The page, looking at the whole city: west, south, east, north of its districts."""
    west, south, east, north = bounds(connection, DISTRICTS, city, now) or _around_centre(city)
    page = (_STATIC / "index.html").read_text(encoding="utf-8")
    return page.replace("{{bounds}}", json.dumps([[west, south], [east, north]]))


def _around_centre(city: City) -> tuple[float, float, float, float]:
    lon, lat = city.settings.city_lon, city.settings.city_lat
    return lon - _FALLBACK_LON, lat - _FALLBACK_LAT, lon + _FALLBACK_LON, lat + _FALLBACK_LAT


def asset(name: str) -> Path:
    """The file of that name. Raises NotFound, MissingPrerequisite without the package maplibre."""
    if name in _FROM_MAPLIBRE:
        return _maplibre_folder() / name
    if name not in _own_files():
        raise NotFound(f"The map has no file '{name}'.", field="name")
    return _STATIC / name


@cache
def _own_files() -> frozenset[str]:
    """The names of the viewer's files beside its page."""
    return frozenset(path.name for path in _STATIC.iterdir() if path.is_file()) - {"index.html"}


@cache
def _maplibre_folder() -> Path:
    # Not imported: its bindings need modules that the map does not.
    folder = installed("maplibre") / "srcjs"
    if not (folder / _FROM_MAPLIBRE[0]).is_file():
        raise MissingPrerequisite(
            "The map needs the package maplibre, which is not installed: pip install maplibre."
        )
    return folder
