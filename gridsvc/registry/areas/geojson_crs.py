"""The reference system that a GeoJSON file names in its old member ``crs``, read as it is written.

GDAL takes a name that it does not know for WGS84 without a word, which would move a file that says
"GCJ-02" by 500 m.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyproj
from pyproj.exceptions import CRSError

from gridsvc.registry.areas.file_format import head_of

__all__ = ["crs_of_geojson"]

# Writers put the member before the features.
_HEAD_BYTES = 65_536
_MEMBER = re.compile(r'"crs"\s*:\s*')


def crs_of_geojson(path: Path) -> str | None:
    """What the member ``crs`` names where PROJ does not know it; None where GDAL may be believed.

    A member that is no name (a link to somewhere else) is given as its JSON.
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
        pyproj.CRS.from_user_input(name)
    except CRSError:
        return name
    return None
