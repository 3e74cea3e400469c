"""The reference system of a file of areas, as somebody declares it on a command line.

Besides what ``parse_crs`` takes, a survey's own parameters come as a PROJ text with ``+towgs84`` or
``+nadgrids``, and WKT, which is long, as a file (``.prj``).
"""

from __future__ import annotations

from pathlib import Path

import pyproj
from pyproj.exceptions import CRSError

from gridsvc.errors import UnknownCrs
from gridsvc.spatial.crs import Crs, parse_crs

__all__ = ["declared_crs"]

# A .prj file is some hundred characters; more than this is another file.
_LONGEST_WKT = 20_000


def declared_crs(text: str) -> Crs:
    """Read wgs84, gcj02, bd09, EPSG:n, WKT, a PROJ text, or the path of a file that holds one.

    Raises UnknownCrs as ``parse_crs`` does; the systems without a way to WGS84 are taken when
    the text brings parameters of its own.
    """
    wanted = text.strip()
    if wanted.lower().endswith((".prj", ".wkt")):
        wanted = _content(Path(wanted))
    if not wanted.startswith("+"):
        return parse_crs(wanted)
    try:
        return parse_crs(pyproj.CRS.from_proj4(wanted).to_wkt())
    except CRSError as error:
        raise UnknownCrs(
            f"PROJ cannot read {wanted[:80]!r}: give a reference system as in '+proj=tmerc "
            "+lon_0=117 +x_0=500000 +ellps=krass +towgs84=dx,dy,dz,rx,ry,rz,s'.",
            field="crs",
        ) from error


def _content(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.read(_LONGEST_WKT).strip()
    except (OSError, UnicodeError) as error:
        raise UnknownCrs(
            f"The reference system cannot be read from {path} ({error}): give a file that holds "
            "its WKT.",
            field="crs",
        ) from error
