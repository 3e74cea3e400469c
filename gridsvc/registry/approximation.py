"""Streets and communities where nobody publishes their borders: approximate, and marked so.

Inside each real district the streets are drawn around the places where their names and the names of
their communities are found (data/boundaries/beijing_centres.csv), and inside each street its
communities in the same way; where no name is found, in shares that are about equal. The result is
made for a first start and for trying; a city's own files replace it (``import areas``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadFile
from gridsvc.registry.districts import Division
from gridsvc.spatial.coverage import match_edges
from gridsvc.spatial.partition import partition
from gridsvc.spatial.plane import MetricPlane
from gridsvc.tables import table

# Measured against real street polygons of inner Beijing (data/boundaries/README.md).
STREET_ACCURACY_M = 400.0
COMMUNITY_ACCURACY_M = 400.0

# Streets differ in size more than communities of one street do: the smallest and largest area of a
# child, in equal shares. The street limits agree best with the real streets of the inner city.
_STREET_LIMITS = (0.2, 6.0)
_COMMUNITY_LIMITS = (0.3, 3.0)
# A centre that is farther outside its parent than this is another place of the same name, or the
# parent's border is too far off for it to help.
_STRAY_M = 500.0


@dataclass(frozen=True, slots=True)
class Centre:
    """Where an area's name is found: degrees (WGS84), and how many points or names support it."""

    lon: float
    lat: float
    points: int


@dataclass(frozen=True, slots=True)
class ApproximateArea:
    """A street (9 digits) or community (12 digits) with a made-up border: MultiPolygon, WGS84."""

    code: str
    name: str
    parent: str
    geometry: shapely.MultiPolygon
    accuracy_m: float
    approximate: bool = True


class ParentArea(Protocol):
    """Anything with a code and an area: a District or an ApproximateArea."""

    @property
    def code(self) -> str:
        """Six or nine digits."""

    @property
    def geometry(self) -> shapely.MultiPolygon:
        """The area, WGS84."""


def read_centres(folder: Path) -> dict[str, Centre]:
    """Read the centres of streets and communities, by code.

    ``folder`` holds beijing_centres.csv, as data/boundaries does. Raises BadFile with the line
    number for a row that does not fit.
    """
    path = folder / "beijing_centres.csv"
    if not path.is_file():
        raise BadFile(f"The table of centres is not at {path}; set GRIDSVC_BOUNDARIES_DIR.")
    centres: dict[str, Centre] = {}
    for row in table(path, ["code", "lon", "lat", "points"], None):
        try:
            centre = Centre(float(row["lon"]), float(row["lat"]), int(row["points"]))
        except ValueError:
            raise BadFile(
                f"{row.where}: {row} is not a centre; code, lon, lat (degrees) and points are"
                " needed."
            ) from None
        centres[row["code"]] = centre
    return centres


def approximate_streets(
    districts: Sequence[ParentArea],
    centres: Mapping[str, Centre],
    divisions: Sequence[Division],
    *,
    plane: MetricPlane,
) -> list[ApproximateArea]:
    """Draw the streets of the given districts, by code: a valid coverage of them.

    ``divisions`` names the streets; those without a centre get a share where there is room. Every
    street lies in its district and keeps the district's vertices exactly.
    """
    return _approximate(
        "street", districts, centres, divisions, STREET_ACCURACY_M, _STREET_LIMITS, plane
    )


def approximate_communities(
    streets: Sequence[ParentArea],
    centres: Mapping[str, Centre],
    divisions: Sequence[Division],
    *,
    plane: MetricPlane,
) -> list[ApproximateArea]:
    """Draw the communities of the given streets, by code: a valid coverage of them.

    As ``approximate_streets``, one level down.
    """
    return _approximate(
        "community", streets, centres, divisions, COMMUNITY_ACCURACY_M, _COMMUNITY_LIMITS, plane
    )


def _approximate(
    level: str,
    parents: Sequence[ParentArea],
    centres: Mapping[str, Centre],
    divisions: Sequence[Division],
    accuracy_m: float,
    limits: tuple[float, float],
    plane: MetricPlane,
) -> list[ApproximateArea]:
    members: dict[str, list[Division]] = defaultdict(list)
    for division in sorted(divisions, key=lambda division: division.code):
        if division.level == level and division.parent is not None:
            members[division.parent].append(division)
    drawn: list[Division] = []
    geometries: list[shapely.MultiPolygon] = []
    for parent in sorted(parents, key=lambda parent: parent.code):
        children = members[parent.code]
        if children:
            seeds = _seeds(parent.geometry, [centres.get(child.code) for child in children], plane)
            least, most = limits
            geometries += partition(parent.geometry, seeds, plane=plane, least=least, most=most)
            drawn += children
    return [
        ApproximateArea(child.code, child.name, child.parent or "", geometry, accuracy_m)
        for child, geometry in zip(drawn, match_edges(geometries), strict=True)
    ]


def _seeds(
    parent: shapely.MultiPolygon, centres: Sequence[Centre | None], plane: MetricPlane
) -> NDArray[np.float64]:
    """Centres as lon and lat (n, 2); NaN where there is none, or only one that lies far outside."""
    lonlat = np.array([(c.lon, c.lat) if c else (np.nan, np.nan) for c in centres])
    known = np.flatnonzero(~np.isnan(lonlat[:, 0]))
    apart_m = shapely.distance(plane.project(parent), plane.project(shapely.points(lonlat[known])))
    lonlat[known[apart_m > _STRAY_M]] = np.nan
    return lonlat
