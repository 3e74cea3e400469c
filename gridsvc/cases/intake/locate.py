"""Finds the place of a report: as given, of the part that it names, or inside its footprint."""

from __future__ import annotations

from dataclasses import dataclass

from geoalchemy2.shape import to_shape
from pyproj import Geod
from sqlalchemy.orm import Session

from gridsvc.cases.intake.model import GivenPoint, NewReport
from gridsvc.errors import AmbiguousCode, BadInput, NotFound
from gridsvc.registry.bodies.service import AssetOwner
from gridsvc.registry.codes.service import look_up
from gridsvc.registry.parts.models import Part
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place_inside
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

__all__ = ["Located", "asset_of", "locate_report"]

_GEOD = Geod(ellps="WGS84")
#: A reporter may stand this far from the part that he names, beyond all accuracies.
_BESIDE_PART_M = 100.0
#: How well a part's position is known, by its position class (A, B, C), in metres.
_PART_ACCURACY_M = {"A": 0.5, "B": 1.0, "C": 10.0}


@dataclass(frozen=True, slots=True)
class Located:
    """Where a report is: its placement (WGS84, accuracy in metres), and the part it names."""

    placement: Placement
    part: Part | None


@dataclass(frozen=True, slots=True)
class _Place:
    lon: float
    lat: float
    accuracy_m: float


def locate_report(session: Session, atlas: Atlas, settings: Settings, new: NewReport) -> Located:
    """Place a report.

    Raises BadCoordinate, UnknownCrs, OutsideCity, NotFound or AmbiguousCode for a part's code,
    BadInput for a report without a place and for a location that cannot be the part's.
    """
    part = None if new.part is None else _part(session, *new.part)
    here = _where(settings, new, part)
    return Located(place_inside(atlas, here.lon, here.lat, here.accuracy_m), part)


def asset_of(part: Part | None) -> AssetOwner | None:
    """The bodies that stand behind a part; None without one."""
    if part is None:
        return None
    return AssetOwner(part.code, part.owner_body, part.maintainer_body, part.competent_body)


def _part(session: Session, district: str | None, code: str) -> Part:
    matches = look_up(session, code, district).matches
    bearers = [match.district_code for match in matches if match.kind == "part"]
    if not bearers:
        raise NotFound(
            f"{code} is a unit grid's code, not a part's; report its place instead.",
            field="part.code",
        )
    if len(bearers) > 1:
        raise AmbiguousCode(
            f"Parts of several districts have the code {code}: {', '.join(bearers)};"
            " say which in part.district.",
            field="part.district",
            districts=bearers,
        )
    code = next(match.code for match in matches if match.kind == "part")
    part = find(session, bearers[0], code)
    if part is None:
        raise AssertionError(f"part {code} was found and is gone")
    return part


def _where(settings: Settings, new: NewReport, part: Part | None) -> _Place:
    """The report's point in WGS84: as given, else the part's, else one inside the footprint."""
    given = None if new.point is None else _given(new.point, settings.report_accuracy_m)
    if part is not None:
        point = to_shape(part.geometry).representative_point()
        there = _Place(point.x, point.y, _PART_ACCURACY_M[part.position_class])
        if given is None:
            return there
        _check_at_part(given, there, part)
    if given is not None:
        return given
    if new.footprint is not None:
        point = new.footprint.geometry.representative_point()
        return _Place(point.x, point.y, settings.report_accuracy_m)
    raise BadInput(
        "The report has no place; give 'location', 'part' or 'footprint'.", field="location"
    )


def _check_at_part(given: _Place, there: _Place, part: Part) -> None:
    """Refuse a location that cannot be the part's: one of the two is a mistake."""
    metres = _GEOD.inv(given.lon, given.lat, there.lon, there.lat)[2]
    if metres > given.accuracy_m + there.accuracy_m + _BESIDE_PART_M:
        raise BadInput(
            f"The location lies {metres:,.0f} m from part {part.code} of {part.district_code};"
            " check the part's code, or report the location alone.",
            field="location",
        )


def _given(point: GivenPoint, default_m: float) -> _Place:
    x, y = check_lon_lat(point.x, point.y, point.crs)
    lon, lat = to_wgs84(x, y, point.crs)
    return _Place(lon, lat, default_m if point.accuracy_m is None else point.accuracy_m)
