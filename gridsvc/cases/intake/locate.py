"""Finds the place of a report: as given, of the part that it names, or inside its footprint."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from shapely.geometry import Point
from shapely.ops import nearest_points
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.opening import Place
from gridsvc.cases.intake.match import kinds_of
from gridsvc.cases.intake.model import GivenPoint, Located, NewReport
from gridsvc.errors import AmbiguousCode, BadInput, NotAllowed, NotFound
from gridsvc.registry.codes.service import look_up, similar_parts
from gridsvc.registry.parts.models import Part, PartState
from gridsvc.registry.parts.repository import find
from gridsvc.registry.parts.service import part_candidates
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place_inside, straddle
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.crs import check_lon_lat, to_wgs84
from gridsvc.spatial.ellipsoid import distance_m
from gridsvc.spatial.reading import Footprint

#: A reporter may stand this far from the part that they name, beyond all accuracies.
_BESIDE_PART_M = 100.0
#: So many parts are offered to choose from.
_MOST_PARTS = 20
PART_KIND = "part"
#: How well a part's position is known, by its position class (A, B, C), in metres.
_PART_ACCURACY_M = {"A": 0.5, "B": 1.0, "C": 10.0}
#: Roles that work at a place, and may settle where it is.
STAFF = frozenset({Role.GRID_WORKER, Role.STREET, Role.DISTRICT, Role.CITY, Role.ADMIN})
#: Roles that may write down what was reported earlier, in their own area.
_MAY_RECORD_LATER = {Role.STREET, Role.DISTRICT, Role.CITY, Role.ADMIN}
#: No report that anybody can still tell of is older.
_OLDEST_YEARS = 100


@dataclass(frozen=True, slots=True)
class _Point:
    lon: float
    lat: float
    accuracy_m: float


def locate(occasion: Occasion, atlas: Atlas, new: NewReport) -> Located:
    """Place a report, and say when it was made.

    Raises BadCoordinate, UnknownCrs, OutsideCity, NotFound or AmbiguousCode for a part's code,
    BadInput for a report without a place, and for a location that cannot be the part's or the
    footprint's, NotAllowed for a place outside a grid worker's own cells.
    """
    default_m, session = occasion.city.settings.report_accuracy_m, occasion.session
    beside = None if new.point is None else wgs84_of(new.point, default_m)[:2]
    part = None if new.part is None else named_part(session, *new.part, beside=beside)
    here = _where(session, default_m, new, part)
    placement = place_inside(atlas, here.lon, here.lat, here.accuracy_m)
    _check_rights(occasion.caller, placement, new)
    reported = _reported_at(occasion.caller, placement, new.received_at, occasion.now)
    shares = None
    if new.footprint is not None and "street" in atlas.areas:
        shares = straddle(occasion.session, atlas, new.footprint.geometry, "street")
    return Located(new, placement, part, reported, shares)


def place_of(placement: Placement, part: Part | None, key: str | None = None) -> Place:
    """The place of a case, with the part that it is about where that is the district's own.

    ``key`` is the form of its address.
    """
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    own = part is not None and part.district_code == placement.district.code
    return Place(
        lon=placement.lon,
        lat=placement.lat,
        district=placement.district.code,
        street=None if placement.street is None else placement.street.code,
        community=None if placement.community is None else placement.community.code,
        part_code=part.code if part is not None and own else None,
        key=key,
    )


def covers_place(caller: Caller, placement: Placement) -> bool:
    """Whether a place lies inside the area of a token."""
    areas = (placement.district, placement.street, placement.community)
    return caller.covers(*(None if area is None else area.code for area in areas))


def wgs84_of(point: GivenPoint, default_m: float) -> tuple[float, float, float]:
    """Longitude, latitude and accuracy in metres. Raises BadCoordinate, UnknownCrs."""
    x, y = check_lon_lat(point.x, point.y, point.crs)
    lon, lat = to_wgs84(x, y, point.crs)
    return lon, lat, default_m if point.accuracy_m is None else point.accuracy_m


def _check_rights(caller: Caller, placement: Placement, new: NewReport) -> None:
    """A grid worker reports inside their cells, whoever opens a case in their own area."""
    bound = caller.role is Role.GRID_WORKER
    if not (bound or new.procedure is not None) or covers_place(caller, placement):
        return
    if bound:
        raise NotAllowed(
            f"The place lies outside the grid worker's own cells ({caller.area}); whoever is"
            " responsible for its cell reports it.",
            field="location",
        )
    raise NotAllowed(
        f"The place lies outside {caller.area}, which the token covers; whoever is"
        " responsible there opens the case, or report it: POST /v1/reports.",
        field="location",
    )


def parts_meant(occasion: Occasion, located: Located) -> list[dict[str, Any]]:
    """The parts of a report's class that it may be about, nearest first; none where it names one.

    All within the accuracies of the report and of a part of position class C. Each with
    ``district_code``, ``code``, ``name`` and ``distance_m``.
    """
    key, here = located.new.key, located.placement
    if located.part is not None or PART_KIND not in kinds_of(key):
        return []
    day = occasion.city.day(occasion.now)
    found = part_candidates(
        occasion.session, here.lon, here.lat, here.accuracy_m, key.code, day=day
    )
    return [
        {
            "district_code": one.part.district_code,
            "code": one.part.code,
            "name": one.part.name,
            "distance_m": round(one.distance_m, 1),
        }
        for one in found
        if one.part.state != PartState.REMOVED
    ][:_MOST_PARTS]


def named_part(
    session: Session,
    district: str | None,
    code: str,
    *,
    beside: tuple[float, float] | None = None,
) -> Part:
    """The part that somebody names. Raises NotFound, which offers like codes, AmbiguousCode."""
    matches = look_up(session, code, district, beside=beside).matches
    bearers = [match.district_code for match in matches if match.kind == "part"]
    if not bearers:
        raise NotFound(
            f"{code} is the code of a unit grid, not of a part; report its place instead.",
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


def _where(session: Session, default_m: float, new: NewReport, part: Part | None) -> _Point:
    """The report's point in WGS84: as given, else the part's, else one inside the footprint."""
    given = None if new.point is None else _Point(*wgs84_of(new.point, default_m))
    if given is not None and new.footprint is not None:
        _check_at_footprint(given, new.footprint, default_m)
    if part is not None:
        point = to_shape(part.geometry).representative_point()
        there = _Point(point.x, point.y, _PART_ACCURACY_M[part.position_class])
        if given is None:
            return there
        check_at_part(session, (given.lon, given.lat), given.accuracy_m, part)
    if given is not None:
        return given
    if new.footprint is not None:
        point = new.footprint.geometry.representative_point()
        return _Point(point.x, point.y, default_m)
    raise BadInput(
        "The report has no place; give 'location', 'part' or 'footprint'.", field="location"
    )


def _check_at_footprint(given: _Point, footprint: Footprint, accuracy_m: float) -> None:
    """Refuse a location that cannot be the footprint's: the datum of one may be wrong."""
    here = Point(given.lon, given.lat)
    if shapely.intersects(here, footprint.geometry):
        return
    nearest = nearest_points(footprint.geometry, here)[0]
    metres = distance_m(given.lon, given.lat, nearest.x, nearest.y)
    most = given.accuracy_m + accuracy_m
    if metres > most:
        raise BadInput(
            f"The footprint lies {metres:,.0f} m from the location, farther than the accuracies"
            f" of both allow ({most:,.0f} m); check the CRS of each ('crs', 'footprint_crs'), or"
            " put the location on the footprint.",
            field="footprint",
        )


def check_at_part(
    session: Session, here: tuple[float, float], accuracy_m: float, part: Part
) -> None:
    """Refuse a location (WGS84) that cannot be the part's: one of the two is a mistake.

    Raises BadInput, which offers the parts with like codes, the nearest first.
    """
    there = to_shape(part.geometry).representative_point()
    metres = distance_m(*here, there.x, there.y)
    if metres > accuracy_m + _PART_ACCURACY_M[part.position_class] + _BESIDE_PART_M:
        raise BadInput(
            f"The location lies {metres:,.0f} m from part {part.code} of {part.district_code};"
            " check the part's code, or report the location alone.",
            field="location",
            similar=similar_parts(session, part.code, part.district_code, here),
        )


def _reported_at(
    caller: Caller, placement: Placement, received_at: dt.datetime | None, now: dt.datetime
) -> dt.datetime:
    """When a person reported: now, or earlier if staff of the place says so.

    Raises BadInput for a time in the future, without an offset, or beyond memory; NotAllowed
    for other callers, and for places outside the token's area.
    """
    if received_at is None:
        return now
    field = "received_at"
    if caller.role not in _MAY_RECORD_LATER:
        raise NotAllowed(
            f"A token of role {caller.role.value} reports what it sees now; earlier reports are"
            " recorded by a street, a district, the city or admin.",
            field=field,
        )
    if not covers_place(caller, placement):
        raise NotAllowed(
            f"The place lies outside {caller.area}, which the token covers; earlier reports are"
            " recorded by the staff of the place.",
            field=field,
        )
    if received_at.tzinfo is None:
        raise BadInput("'received_at' has no time zone; add 'Z' or an offset.", field=field)
    if received_at > now:
        raise BadInput(
            f"'received_at' is {received_at.isoformat()}, which lies in the future.", field=field
        )
    if received_at.year < now.year - _OLDEST_YEARS:
        raise BadInput(
            f"'received_at' is {received_at.isoformat()}, more than {_OLDEST_YEARS} years ago.",
            field=field,
        )
    return received_at.astimezone(dt.UTC)
