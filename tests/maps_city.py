"""A small made-up city to look at: two districts, their streets, grids, parts and a joint case.

The border between 广安门外街道 (west) and 太平桥街道 (east) runs along 116.32° E.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import shapely
import uvicorn
from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.api.app import create_app
from gridsvc.cases.core.act import next_entry
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.bodies.models import Body
from gridsvc.registry.classes.service import STANDARD, load_classes
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.registry.parts.models import Part
from gridsvc.settings import Settings
from tests import cities

SINCE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
BLOWN = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
BORDER_LON, PLACE_LAT = 116.32, 39.885
CASE_ID = uuid.UUID("018f0000-0000-7000-8000-000000000001")
WHISTLE_ID = uuid.UUID("018f0000-0000-7000-8000-000000000002")
DISPUTE_ID = uuid.UUID("018f0000-0000-7000-8000-000000000003")
#: The middle of the ground that both streets claim, some 500 m west of the border.
DISPUTED = (116.31375, 39.88475)
ACTIONS = (
    "查勘现场",
    "约谈当事人",
    "切断水电",
    "清退承租人",
    "拆除二层",
    "拆除一层",
    "清运渣土",
)
SIDES = (("110102020", "广安门外街道"), ("110106002", "太平桥街道"))


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box whose edges share their vertices with the boxes beside it."""
    return shapely.segmentize(shapely.box(west, south, east, north), 0.005)


AREAS = {
    "district": [
        NewArea("110102", "西城区", box(116.30, 39.88, 116.32, 39.90)),
        NewArea("110106", "丰台区", box(116.32, 39.88, 116.34, 39.90)),
    ],
    "street": [
        NewArea("110102020", "广安门外街道", box(116.30, 39.88, 116.32, 39.89)),
        NewArea("110102007", "椿树街道", box(116.30, 39.89, 116.32, 39.90)),
        NewArea("110106002", "太平桥街道", box(116.32, 39.88, 116.34, 39.90)),
    ],
    "community": [
        NewArea("110102020001", "马连道社区居委会", box(116.30, 39.88, 116.32, 39.89)),
        NewArea("110102007001", "椿树园社区居委会", box(116.30, 39.89, 116.32, 39.90)),
        NewArea("110106002001", "太平桥社区居委会", box(116.32, 39.88, 116.33, 39.90)),
        NewArea("110106002002", "莲花池社区居委会", box(116.33, 39.88, 116.34, 39.90)),
    ],
}


def make_city(session: Session) -> None:
    """Everything, in force since 2020; the streets and communities are approximate."""
    for level, drawn in AREAS.items():
        _put_in_force(session, level, drawn)
    _edition_of_grids(session)
    _add_grids_and_parts(session)
    _add_joint_case(session)
    _add_dispute(session)
    session.commit()


def _put_in_force(session: Session, level: str, drawn: list[NewArea]) -> None:
    load_edition(
        session,
        id=f"{level}-2020",
        level=level,
        title="Made up",
        source="made up for a test",
        licence="CC0",
        accuracy_m=5.0 if level == "district" else 400.0,
        approximate=level != "district",
        effective_from=SINCE,
        areas=drawn,
        at=cities.now(),
    )
    activate_edition(session, f"{level}-2020", without_audit="made up for a test", at=cities.now())


def _edition_of_grids(session: Session) -> None:
    session.add(
        Edition(
            id="grids-2020",
            level="unit_grid",
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=0.0,
            approximate=True,
            state="active",
            effective_from=SINCE,
            effective_to=None,
            loaded_at=SINCE,
            audit=None,
        )
    )
    session.flush()


def _add_grids_and_parts(session: Session) -> None:
    """Ten by ten grids on each side of the border, and a lamp or a cover in each."""
    load_classes(session)
    for district, street, west in (
        ("110102", "110102020", BORDER_LON - 0.01),
        ("110106", "110106002", BORDER_LON),
    ):
        for n in range(100):
            row, column = divmod(n, 10)
            corner = (round(west + column * 0.001, 6), round(39.88 + row * 0.001, 6))
            shape = shapely.box(*corner, round(corner[0] + 0.001, 6), round(corner[1] + 0.001, 6))
            code = f"{street[6:]}{n + 1:05d}"
            session.add(
                UnitGrid(
                    district_code=district,
                    code=code,
                    edition_id="grids-2020",
                    street_code=street,
                    community_code=f"{street}001",
                    serial=n + 1,
                    national_id=f"{street}001{n + 1:03d}",
                    national_id_2013=None,
                    geometry=from_shape(shape, srid=4326),
                    area_m2=9471.3,
                    nominal_m2=10_000,
                    compactness=0.78,
                    first_date=SINCE.date(),
                    end_date=None,
                    state="valid",
                    void_reason=None,
                    successor_code=None,
                )
            )
            session.add(_part(district, street, code, n, shape.centroid))
    session.flush()


def _part(district: str, street: str, grid: str, n: int, point: shapely.Point) -> Part:
    lamp = n % 2 == 0
    return Part(
        district_code=district,
        code=f"{street[6:]}{10_000 + n}",
        national_id=f"{district}{'01037' if lamp else '01002'}{n + 1:06d}",
        national_id_2013=None,
        standard=STANDARD,
        kind="part",
        class_code="01037" if lamp else "01002",
        name="路灯" if lamp else "污水井盖",
        geometry=from_shape(point, srid=4326),
        street_code=street,
        community_code=f"{street}001",
        grid_code=grid,
        state="damaged" if n == 50 else "removed" if n == 9 else "intact",
        competent_body="XC-CG",
        owner_body=None,
        maintainer_body=None,
        position_class="A",
        first_date=SINCE.date(),
        change_date=None,
        source="made up for a test",
        note=None,
    )


def _add_joint_case(session: Session) -> None:
    """A building astride the border, whistled jointly, torn down in seven actions, closed."""
    for code, name in (*SIDES, ("XC-CG", "西城区城管执法局")):
        kind = "street" if code.isdecimal() else "department"
        area = code if code.isdecimal() else "110102"
        office = f"{name}办事处" if kind == "street" else name
        session.add(Body(code=code, name=office, kind=kind, area_code=area, source="made up"))
    place = from_shape(shapely.Point(BORDER_LON, PLACE_LAT), srid=4326)
    days = {"opened_at": BLOWN, "closed_at": BLOWN + dt.timedelta(days=70)}
    session.add(
        Case(
            district_code="110102",
            id=CASE_ID,
            procedure="joint",
            procedure_version=1,
            step="close",
            progress={"step": "close", "lead": "110102020", "repeats": 7},
            state="closed",
            standard=STANDARD,
            kind="event",
            class_code="06001",
            lead_body="110102020",
            participant_district="110106",
            part_code=None,
            point=place,
            limit_at=None,
            **days,
        )
    )
    session.flush()
    _add_reports(session)
    session.add(
        Whistle(
            district_code="110102",
            id=WHISTLE_ID,
            case_id=CASE_ID,
            kind="everyday",
            joint=True,
            ground="footprint",
            facts={
                "sides": [{"code": c, "name": f"{n}办事处", "kind": "street"} for c, n in SIDES]
            },
            demand={},
            caller_body="110102020",
            participant_district="110106",
            point=place,
            footprint=_building(),
            state="closed",
            blown_at=BLOWN,
            closed_at=days["closed_at"],
        )
    )
    session.flush()
    _add_called(session)
    for n, said in enumerate(ACTIONS):
        at = BLOWN + dt.timedelta(days=5 + n)
        session.add(
            next_entry(
                session.get_one(Case, ("110102", CASE_ID)),
                action="joint_action",
                actor="a street",
                content={"note": said},
                at=at,
                now=at,
                body_code=SIDES[n % 2][0],
            )
        )


def _add_dispute(session: Session) -> None:
    """Ground of some 45 by 55 m that both streets claim, under negotiation."""
    lon, lat = DISPUTED
    ground = shapely.box(lon - 0.00025, lat - 0.00025, lon + 0.00025, lat + 0.00025)
    session.add(
        Dispute(
            district_code="110102",
            id=DISPUTE_ID,
            participant_district="110106",
            kind="overlap",
            level="street",
            side_codes=[code for code, _ in SIDES],
            state="under_negotiation",
            geometry=from_shape(shapely.MultiPolygon([ground]), srid=4326),
            area_m2=2374.0,
            width_m=42.7,
            accuracy_m=5.0,
            edition_id="street-2020",
            parent_edition_id=None,
            terms=None,
            agreement_id=None,
            settled_by_edition=None,
            found_at=BLOWN,
            changed_at=BLOWN,
        )
    )
    session.flush()


def _side(code: str, name: str) -> dict[str, str]:
    return {"code": code, "name": f"{name}办事处", "kind": "street"}


def _building() -> WKBElement:
    lon, lat = BORDER_LON, PLACE_LAT
    building = shapely.box(lon - 0.0002, lat - 0.0001, lon + 0.0002, lat + 0.0001)
    return from_shape(shapely.MultiPolygon([building]), srid=4326)


def _add_reports(session: Session) -> None:
    lon, lat = BORDER_LON, PLACE_LAT
    for n, (district, off) in enumerate((("110102", -0.0003), ("110106", 0.0003))):
        session.add(
            Report(
                district_code=district,
                id=uuid.UUID(int=100 + n),
                receipt=f"R{n}",
                channel=("12345", "app")[n],
                standard=STANDARD,
                kind="event",
                class_code="06001",
                description="secret words of the reporter",
                given_x=None,
                given_y=None,
                given_crs=None,
                accuracy_m=20,
                point=from_shape(shapely.Point(lon + off, lat), srid=4326),
                footprint=_building(),
                part_code=None,
                needs_confirmation=False,
                case_district="110102",
                case_id=CASE_ID,
                joined=bool(n),
                created_at=BLOWN,
            )
        )


def _add_called(session: Session) -> None:
    for n, (code, role, late) in enumerate(
        (("110102020", "side", False), ("110106002", "side", False), ("XC-CG", "department", True))
    ):
        session.add(
            CalledBody(
                district_code="110102",
                whistle_id=WHISTLE_ID,
                body_code=code,
                called_from="110102020",
                role=role,
                task="",
                told_at=BLOWN,
                report_in_by=BLOWN + dt.timedelta(minutes=30),
                accepted_at=BLOWN,
                reported_in_at=BLOWN + dt.timedelta(minutes=41 if late else 12),
                reported_in_point=from_shape(
                    shapely.Point(BORDER_LON + 0.0002 * n, PLACE_LAT - 0.0002), srid=4326
                ),
                metres_off=22.4 + 10 * n,
                late=late,
                far=False,
                done_at=BLOWN + dt.timedelta(days=69),
                score=90 + n,
                scored_by="110102020",
            )
        )


@contextmanager
def served(database: str, var_dir: Path) -> Iterator[str]:
    """The whole service on a free port of this machine; gives its address."""
    app = create_app(Settings(DATABASE_URL=database, var_dir=var_dir))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server has not started"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
