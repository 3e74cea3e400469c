"""The reference system of a file, as somebody declares it or as a GeoJSON file names it.

Besides what ``parse_crs`` takes, a survey's own parameters come as a PROJ text with ``+towgs84`` or
``+nadgrids``, and WKT, which is long, as a file (``.prj``). GDAL takes a name in the old member
``crs`` of GeoJSON that it does not know for WGS84 without a word, which would move a file that says
"GCJ-02" by 500 m; so that member is read here, as it is written.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyproj
from pyproj.exceptions import CRSError

from gridsvc.errors import UnknownCrs
from gridsvc.readers.formats import head_of
from gridsvc.spatial.crs import Crs, crs_of_file, parse_crs
from gridsvc.spatial.crs_text import Parameters

# A .prj file is some hundred characters; more than this is another file.
_LONGEST_WKT = 20_000
# Writers put the member before the features.
_HEAD_BYTES = 65_536
_MEMBER = re.compile(r'"crs"\s*:\s*')


def declared_crs(text: str) -> Crs:
    """Read wgs84, gcj02, bd09, EPSG:n, WKT, a PROJ text, or the path of a file that holds one.

    Raises UnknownCrs as ``parse_crs`` does; the systems without a way to WGS84 are taken when
    the text has its own parameters.
    """
    wanted = text.strip()
    if wanted.lower().endswith((".prj", ".wkt")):
        wanted = _content(Path(wanted))
    if not wanted.startswith("+"):
        return parse_crs(wanted, Parameters.FILES)
    try:
        return parse_crs(pyproj.CRS.from_proj4(wanted).to_wkt(), Parameters.FILES)
    except CRSError as error:
        raise UnknownCrs(
            f"PROJ cannot read {wanted[:80]!r}; give a reference system such as '+proj=tmerc"
            " +lon_0=117 +x_0=500000 +ellps=krass +towgs84=dx,dy,dz,rx,ry,rz,s'.",
            field="crs",
        ) from error


def crs_of_geojson(path: Path) -> str | None:
    """What the member ``crs`` names where PROJ does not know it; None where GDAL may be believed.

    A member that is not a name (a link to somewhere else) is given as its JSON.
    """
    head = head_of(path, _HEAD_BYTES).decode("utf-8", "replace").partition('"features"')[0]
    at = _MEMBER.search(head)
    if at is None:
        return None
    try:
        member, _ = json.JSONDecoder().raw_decode(head, at.end())
    except (ValueError, RecursionError):
        return None  # GDAL says better what is wrong with the file
    if member is None:
        return None
    try:
        name = str(member["properties"]["name"])
    except (KeyError, TypeError):
        return json.dumps(member)
    try:
        crs_of_file(name)
    except UnknownCrs:
        return name
    return None


def _content(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.read(_LONGEST_WKT).strip()
    except (OSError, UnicodeError) as error:
        raise UnknownCrs(
            f"The reference system cannot be read from {path} ({error}); give a file that holds"
            " its WKT.",
            field="crs",
        ) from error
