"""A small made-up city around one border: two districts, two streets in each, bodies, duties.

The border between the districts 110102 (west) and 110106 (east) runs along 116.32 degrees east;
the streets meet along 39.89 degrees north. Every street is one community of two unit grids.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.city.classes import STANDARD
from gridsvc.db.base import uuid7
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.bodies.models import Agreement, AgreementDuty, Body, Duty
from gridsvc.registry.classes.service import load_classes
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.models import Part
from tests import cities

SINCE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
WEST, EAST = "110102", "110106"
#: South-west, north-west, south-east and north-east; the first two are neighbours of the last.
LEAD, LEAD_NORTH, OTHER, OTHER_NORTH = "110102020", "110102007", "110106002", "110106001"
BORDER_LON, MIDDLE_LAT = 116.32, 39.89
#: One degree of longitude and of latitude here, in metres; for offsets of some metres.
LON_M, LAT_M = 85_480.0, 111_030.0
#: Illegal building: the duty of the street. Rubbish: the department's. Noise: nobody's.
BUILDING, RUBBISH, NOISE = "06001", "06010", "06028"
COVER, LAMP = "01002", "01037"
WATER = "BJ-WATER"
#: A part with an owner in the west; one without; one code that both districts have.
OWNED, UNOWNED, SHARED = "02010001", "02010002", "02010003"


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box whose vertices stand every half hundredth of a degree, as its neighbours' do."""
    return shapely.segmentize(shapely.box(west, south, east, north), 0.005)


DISTRICTS = [
    NewArea(WEST, "西城区", box(116.30, 39.88, 116.32, 39.90)),
    NewArea(EAST, "丰台区", box(116.32, 39.88, 116.34, 39.90)),
]
STREETS = [
    NewArea(LEAD, "广安门外街道", box(116.30, 39.88, 116.32, 39.89)),
    NewArea(LEAD_NORTH, "椿树街道", box(116.30, 39.89, 116.32, 39.90)),
    NewArea(OTHER, "太平桥街道", box(116.32, 39.88, 116.34, 39.89)),
    NewArea(OTHER_NORTH, "右安门街道", box(116.32, 39.89, 116.34, 39.90)),
]
COMMUNITIES = [NewArea(f"{s.code}001", f"{s.name}一社区", s.geometry) for s in STREETS]


def beside_border(metres_east: float, metres_north: float = -555.0) -> dict[str, float]:
    """A place so far east of the border (west when negative) and north of the middle."""
    return {
        "lon": BORDER_LON + metres_east / LON_M,
        "lat": MIDDLE_LAT + metres_north / LAT_M,
    }


def astride(west_m: float = 15.0, east_m: float = 11.0, north_m: float = -555.0) -> dict[str, Any]:
    """The outline of a building of 14 m by so many metres west and east of the border."""
    low, high = beside_border(-west_m, north_m), beside_border(east_m, north_m + 14.0)
    return dict(shapely.geometry.mapping(shapely.box(*low.values(), *high.values())))


def make_city(session: Session) -> None:
    """Everything, in force since 2020; the caller commits."""
    for level, drawn in (("district", DISTRICTS), ("street", STREETS), ("community", COMMUNITIES)):
        load_edition(
            session,
            id=f"{level}-2020",
            level=level,
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=5.0,
            approximate=False,
            effective_from=SINCE,
            areas=drawn,
            at=cities.now(),
        )
        activate_edition(
            session, f"{level}-2020", without_audit="made up for a test", at=cities.now()
        )
    load_classes(session)
    _add_grids(session)
    _add_bodies(session)
    for district, code, owner in (
        (WEST, OWNED, WATER),
        (WEST, UNOWNED, None),
        (WEST, SHARED, None),
        (EAST, SHARED, None),
    ):
        session.add(part(district, code, owner))
    session.flush()


def _add_grids(session: Session) -> None:
    session.add(
        Edition(
            id="grids-2020",
            level="unit_grid",
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=0.0,
            approximate=False,
            state="active",
            effective_from=SINCE,
            effective_to=None,
            loaded_at=SINCE,
            audit=None,
        )
    )
    session.flush()
    for area in STREETS:
        west, south, east, north = area.geometry.bounds
        middle = (west + east) / 2
        for serial, half in enumerate(((west, middle), (middle, east)), 1):
            session.add(
                UnitGrid(
                    district_code=area.code[:6],
                    code=f"{area.code[6:]}{serial:05d}",
                    edition_id="grids-2020",
                    street_code=area.code,
                    community_code=f"{area.code}001",
                    serial=serial,
                    national_id=f"{area.code}001{serial:03d}",
                    national_id_2013=None,
                    geometry=from_shape(shapely.box(half[0], south, half[1], north), srid=4326),
                    area_m2=474_000.0,
                    nominal_m2=10_000,
                    compactness=0.78,
                    first_date=SINCE.date(),
                    end_date=None,
                    state="valid",
                    void_reason=None,
                    successor_code=None,
                )
            )


def body(code: str, name: str, kind: str, area: str) -> Body:
    return Body(code=code, name=name, kind=kind, area_code=area, webhook_url=None, source="test")


def duty(body_code: str, area: str, prefix: str, role: str = "lead", **more: Any) -> Duty:
    """A line of a duty list for events, in force since 2020."""
    fields = {"kind": "event", "valid_from": SINCE.date(), "valid_to": None} | more
    return Duty(
        id=uuid7(),
        body_code=body_code,
        area_code=area,
        standard=STANDARD,
        class_prefix=prefix,
        role=role,
        clause=f"{body_code} answers for {prefix or 'all'} in {area}",
        **fields,
    )


def _add_bodies(session: Session) -> None:
    for area in STREETS:
        session.add(body(area.code, f"{area.name}办事处", "street", area.code))
    for district, name in ((WEST, "西城区"), (EAST, "丰台区")):
        session.add(body(f"{district}-CGJ", f"{name}城管执法局", "department", district))
        session.add(body(f"{district}-GZ", f"{name}规划分局", "department", district))
    session.add(body(WATER, "自来水集团", "company", "1101"))
    session.flush()
    for area in STREETS:
        session.add(duty(area.code, area.code, BUILDING))
    for district in (WEST, EAST):
        session.add(duty(f"{district}-CGJ", district, "0601"))
        session.add(duty(f"{district}-GZ", district, BUILDING, "assist"))
    session.flush()


def part(district: str, code: str, owner: str | None, class_code: str = COVER) -> Part:
    """A well-measured cover, 100 m inside its own district."""
    place = beside_border(-100.0 if district == WEST else 100.0)
    return Part(
        district_code=district,
        code=code,
        national_id=f"{district}{class_code}{code[2:]}",
        national_id_2013=None,
        standard=STANDARD,
        kind="part",
        class_code=class_code,
        name="污水井盖",
        geometry=from_shape(shapely.Point(place["lon"], place["lat"]), srid=4326),
        street_code=LEAD if district == WEST else OTHER,
        community_code=None,
        grid_code=None,
        state="intact",
        competent_body=f"{district}-CGJ",
        owner_body=owner,
        maintainer_body=None,
        position_class="A",
        first_date=SINCE.date(),
        change_date=None,
        source="made up for a test",
        note=None,
    )


def agree(
    session: Session,
    body_code: str,
    prefix: str,
    *,
    assist: str | None = None,
    east_m: float = 200.0,
) -> None:
    """An agreement for 200 m on both sides of the border, since 2020, about some events."""
    low, high = beside_border(-200.0, -1000.0), beside_border(east_m, 0.0)
    zone = shapely.MultiPolygon([shapely.box(*low.values(), *high.values())])
    agreement = Agreement(
        id=uuid7(),
        title="共治协议",
        zone=from_shape(zone, srid=4326),
        valid_from=SINCE.date(),
        valid_to=None,
    )
    session.add(agreement)
    session.flush()
    for code, role in ((body_code, "lead"), (assist, "assist")):
        if code is not None:
            session.add(
                AgreementDuty(
                    agreement_id=agreement.id,
                    body_code=code,
                    standard=STANDARD,
                    kind="event",
                    class_prefix=prefix,
                    role=role,
                )
            )
    session.flush()


#: Everything that an intake or a step can write to.
WRITTEN = (
    "report",
    "report_placement",
    "reporter",
    "receipt",
    "case_file",
    "whistle",
    "called_body",
    "trace",
    "message",
    "idempotency_key",
)


def counts(session: Session) -> dict[str, int]:
    """The number of rows in every table that cases are kept in."""
    session.rollback()
    query = " union all ".join(
        f"select '{table}', count(*) from {table}"  # noqa: S608 - names of our own tables
        for table in WRITTEN
    )
    return {row[0]: row[1] for row in session.execute(text(query))}
