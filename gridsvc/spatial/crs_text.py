"""What the WKT of a reference system may say: PROJ runs more of it than describes a system.

A bound system can name a file of parameters, an extension a PROJ text, a method a pipeline, and
PROJ opens the path that stands there, be it a pipe or another user's file. So only words that
describe a system are let through, and what leads elsewhere is refused before PROJ sees it.
"""

from __future__ import annotations

import re
from enum import IntEnum

from gridsvc.errors import UnknownCrs


class Parameters(IntEnum):
    """What a system may bring to get to WGS84.

    ``PLAIN``: nothing but seven numbers (TOWGS84), what strangers may send; ``NUMBERS``: also bound
    systems with numbers, as files have them; ``FILES``: also grids, of whoever runs the service.
    """

    PLAIN = 0
    NUMBERS = 1
    FILES = 2


#: What describes the systems of EPSG is shorter than this.
_LONGEST = {Parameters.PLAIN: 6_000, Parameters.NUMBERS: 20_000, Parameters.FILES: 20_000}

_ROOT_NAMES = """
GEOGCS PROJCS COMPD_CS GEOGCRS GEOGRAPHICCRS GEODCRS GEODETICCRS PROJCRS PROJECTEDCRS COMPOUNDCRS
"""
_NAMES = """
ANCHOR ANCHOREPOCH ANGLEUNIT ANGULARUNIT AREA AUTHORITY AXIS BASEGEODCRS BASEGEOGCRS BBOX BEARING
CITATION CONVERSION CS DATUM DYNAMIC ELLIPSOID ENSEMBLE ENSEMBLEACCURACY FRAMEEPOCH GEODETICDATUM ID
LENGTHUNIT MEMBER MERIDIAN METHOD ORDER PARAMETER PARAMETRICUNIT PRIMEM PRIMEMERIDIAN PROJECTION
SCALEUNIT SCOPE SPHEROID TIMEUNIT TOWGS84 TRF UNIT URI USAGE VDATUM VERSION VERTCRS VERTCS VERT_CS
VERTICALCRS VERTICALDATUM VERTICALEXTENT VERT_DATUM
"""
_ROOTS = frozenset(_ROOT_NAMES.split())
_WORDS = _ROOTS | frozenset(_NAMES.split())
_BOUND_ROOTS = frozenset({"BOUNDCRS"})
_BOUND_WORDS = _BOUND_ROOTS | frozenset(
    {"ABRIDGEDTRANSFORMATION", "ABRIDGEDCOORDINATEOPERATION", "SOURCECRS", "TARGETCRS"}
)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*[\[(]")
#: What is left without the quoted parts: words, numbers and brackets.
_BARE = re.compile(r"[\sA-Za-z0-9_.,+\-\[\]()]*")
#: Methods are EPSG's or ESRI's by name; PROJ takes its own texts there as well.
_METHOD = re.compile(r'\b(?:METHOD|PROJECTION)\s*[\[(]\s*"\s*(?:PROJ\b|[^"]*[=+|])', re.IGNORECASE)
#: How GDAL writes the sphere of web maps in WKT 1; no other extension is read.
_WEB_MAPS = re.compile(
    r'EXTENSION\["PROJ4","\+proj=merc \+a=6378137 \+b=6378137 \+lat_ts=0(?:\.0)? \+lon_0=0(?:\.0)?'
    r' \+x_0=0(?:\.0)? \+y_0=0 \+k=1(?:\.0)? \+units=m \+nadgrids=@null \+wktext \+no_defs"\]'
)


def check_wkt(text: str, allowed: Parameters) -> None:
    """Refuse a WKT that is too long, or more than a description of a system. Raises UnknownCrs."""
    most = _LONGEST[allowed]
    if len(text) > most:
        raise UnknownCrs(
            f"The coordinate reference system has {len(text):,} characters; at most {most:,} are"
            " read. Send EPSG:n, or its WKT without remarks.",
            field="crs",
        )
    if allowed is Parameters.FILES:
        return
    read = _WEB_MAPS.sub('ID["EPSG",3857]', text)
    bare = _QUOTED.sub("0", read)
    words = [word.upper() for word in _WORD.findall(bare)]
    bound = allowed is Parameters.NUMBERS
    known, roots = (_WORDS | _BOUND_WORDS, _ROOTS | _BOUND_ROOTS) if bound else (_WORDS, _ROOTS)
    odd = next((word for word in words if word not in known), None)
    if not words or words[0] not in roots or not bare.strip().upper().startswith(words[0]):
        odd = words[0] if words else bare[:20]
    if odd is None and (_METHOD.search(read) or not _BARE.fullmatch(bare)):
        odd = "a text for PROJ"
    if odd is not None:
        raise UnknownCrs(
            f"The coordinate reference system holds {odd[:40]}, which is more than a plain system:"
            " send wgs84, gcj02, bd09, EPSG:n or WKT without bound systems, operations, grids and"
            " files.",
            field="crs",
        )
