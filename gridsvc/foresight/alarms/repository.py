"""The queries of heat and alarms."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.systems.hot_spots.service import MEASURE
from gridsvc.city import City
from gridsvc.city.watches import Selection
from gridsvc.foresight.alarms.models import Alarm, AlarmScan
from gridsvc.foresight.places import Places

_DAYS_AT_ONCE = 30
_POINT = np.dtype([("lon", ">f8"), ("lat", ">f8")])
#: A selection's reports of a district.
_SELECTED = """
    from report r
    where r.district_code = :district and r.created_at >= :since and r.created_at < :until
    and r.withdrawn_at is null
    and (:every or exists (select from unnest(cast(:classes as text[])) wanted
        where starts_with(r.kind || ':' || r.class_code, wanted)))
    and (cast(:hour as int) is null
        or (cast(extract(hour from timezone(:zone, r.created_at)) as int) - :hour + 24) % 24
            < :hours)
"""
_MATTERS = (
    "with matter as (select distinct on (r.case_district, r.case_id, day) r.point,"  # noqa: S608 - our own
    " cast(timezone(:zone, r.created_at) as date) as day"
    + _SELECTED
    + "order by r.case_district, r.case_id, day, r.created_at, r.id)"
    " select day, string_agg(float8send(st_x(point)) || float8send(st_y(point)), '')"
    " from matter group by day"
)
_POINTS = (
    "select cast(timezone(:zone, r.created_at) as date) as day,"
    " string_agg(float8send(st_x(r.point)) || float8send(st_y(r.point)), '')"
    + _SELECTED
    + "group by day"
)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Where and when reports were: degrees WGS84, float64 (n,), and days from the first one on."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    day: NDArray[np.int32]


def matters(
    session: Session, city: City, district: str, of: Selection, first: dt.date, last: dt.date
) -> Points:
    """The reports of a district from a first to a last day of the city, by case and day.

    Several reports of one case on one day are one matter, at the place of the first: a hundred
    callers about one burst pipe are no hot place.
    """
    return _read(session, _MATTERS, _asked(city, district, of, first, last), first)


def points(
    session: Session, city: City, district: str, of: Selection, first: dt.date, last: dt.date
) -> Points:
    """Every report of a district from a first to a last day of the city."""
    return _read(session, _POINTS, _asked(city, district, of, first, last), first)


def grids_of(session: Session, district: str, street: str | None = None) -> Places:
    """The valid unit grids of a district, or of one street of it."""
    rows = session.execute(
        text(
            "select code, st_asbinary(geometry) from unit_grid where district_code = :district"
            " and state = 'valid' and (cast(:street as text) is null or street_code = :street)"
            " order by code"
        ),
        {"district": district, "street": street},
    ).all()
    shapes = shapely.from_wkb([bytes(wkb) for _, wkb in rows])
    return Places(tuple(code for code, _ in rows), np.asarray(shapes, dtype=object))


def commonest_class(
    session: Session,
    city: City,
    district: str,
    of: Selection,
    first: dt.date,
    last: dt.date,
    ground: shapely.Geometry,
) -> tuple[str, str, str, float, float]:
    """Standard, kind and code of most reports on some ground, and where one of them was."""
    found = session.execute(
        text(
            "select r.standard, r.kind, r.class_code,"
            " (array_agg(st_x(r.point) order by r.created_at desc, r.id))[1],"
            " (array_agg(st_y(r.point) order by r.created_at desc, r.id))[1]"
            + _SELECTED
            + " and st_intersects(r.point, st_geomfromwkb(:ground, 4326))"
            " group by 1, 2, 3 order by count(*) desc, 1, 2, 3 limit 1"
        ),
        _asked(city, district, of, first, last) | {"ground": shapely.to_wkb(ground)},
    ).one()
    standard, kind, code, lon, lat = found
    return standard, kind, code, lon, lat


def lock_scan(session: Session, district: str, watch: str) -> None:
    """Let nobody else scan a watch in a district until the commit."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtext('alarm ' || :watch), cast(:district as int))"),
        {"watch": watch, "district": district},
    )


def scan_of(session: Session, district: str, watch: str, day: dt.date) -> AlarmScan | None:
    """The scan of a day, if it was made."""
    return session.get(AlarmScan, (district, watch, day))


def last_scan(session: Session, district: str, watch: str, day: dt.date) -> AlarmScan | None:
    """The newest scan up to a day."""
    return session.scalar(
        select(AlarmScan)
        .where(AlarmScan.district_code == district, AlarmScan.watch == watch, AlarmScan.day <= day)
        .order_by(AlarmScan.day.desc())
        .limit(1)
    )


def scans_under(session: Session, area: str, day: dt.date) -> Sequence[AlarmScan]:
    """The newest scan up to a day of each watch in each district under an area."""
    newest = (
        select(AlarmScan.district_code, AlarmScan.watch, func.max(AlarmScan.day).label("day"))
        .where(AlarmScan.district_code.startswith(area[:6]), AlarmScan.day <= day)
        .group_by(AlarmScan.district_code, AlarmScan.watch)
        .subquery()
    )
    of_newest = and_(*(getattr(AlarmScan, one.name) == one for one in newest.c))
    return session.scalars(
        select(AlarmScan).join(newest, of_newest).order_by(AlarmScan.district_code, AlarmScan.watch)
    ).all()


def alarms_with_cases(
    session: Session, district: str, watch: str, since: dt.date
) -> Sequence[tuple[Alarm, Case]]:
    """The alarms of a watch that were hot on a day or later, or with an open case; newest first."""
    rows = session.execute(
        select(Alarm, Case)
        .join(Case, Case.id == Alarm.case_id)
        .where(
            Alarm.district_code == district,
            Alarm.watch == watch,
            or_(Alarm.last_day >= since, Case.state == "open"),
        )
        .order_by(Alarm.first_day.desc(), Alarm.id.desc())
    )
    return [(alarm, case) for alarm, case in rows]


def watched(session: Session, district: str, watch: str, step: str) -> Sequence[tuple[Alarm, Case]]:
    """The alarms of a watch whose open case is at a step."""
    rows = session.execute(
        select(Alarm, Case)
        .join(Case, Case.id == Alarm.case_id)
        .where(
            Alarm.district_code == district,
            Alarm.watch == watch,
            Case.state == "open",
            Case.step == step,
        )
        .order_by(Alarm.id)
    )
    return [(alarm, case) for alarm, case in rows]


def alarms_under(
    session: Session,
    area: str,
    *,
    watch: str | None = None,
    state: str | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    after: uuid.UUID | None = None,
    limit: int,
) -> Sequence[tuple[Alarm, Case]]:
    """The alarms of a district or street, the newest first, and their cases.

    ``since`` and ``until``: those that began from and to these days; ``state`` is that of the case.
    """
    wanted = [
        Alarm.district_code.startswith(area[:6]),
        Alarm.street_code == area if len(area) == 9 else None,
        Alarm.watch == watch if watch is not None else None,
        Case.state == state if state is not None else None,
        Alarm.first_day >= since if since is not None else None,
        Alarm.first_day <= until if until is not None else None,
        Alarm.id < after if after is not None else None,
    ]
    rows = session.execute(
        select(Alarm, Case)
        .join(Case, Case.id == Alarm.case_id)
        .where(*(one for one in wanted if one is not None))
        .order_by(Alarm.id.desc())
        .limit(limit)
    )
    return [(alarm, case) for alarm, case in rows]


def alarm_by_id(session: Session, id: uuid.UUID) -> tuple[Alarm, Case] | None:
    """An alarm and its case."""
    row = session.execute(
        select(Alarm, Case).join(Case, Case.id == Alarm.case_id).where(Alarm.id == id)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def measured_at(session: Session, cases: Sequence[Case]) -> dict[uuid.UUID, list[dt.datetime]]:
    """When measures were taken in cases, in their order."""
    rows = session.execute(
        select(TraceEntry.case_id, TraceEntry.at)
        .where(
            TraceEntry.district_code.in_({one.district_code for one in cases}),
            TraceEntry.case_id.in_([one.id for one in cases]),
            TraceEntry.action == MEASURE,
        )
        .order_by(TraceEntry.case_id, TraceEntry.n)
    )
    found: dict[uuid.UUID, list[dt.datetime]] = {}
    for case_id, at in rows:
        found.setdefault(case_id, []).append(at)
    return found


def _asked(
    city: City, district: str, of: Selection, first: dt.date, last: dt.date
) -> dict[str, Any]:
    begin, end = of.hours or (None, 0)
    return {
        "district": district,
        "since": city.calendar.begins(first),
        "until": city.calendar.begins(last + dt.timedelta(days=1)),
        "zone": city.calendar.zone.key,
        "every": not of.classes,
        "classes": list(of.classes),
        "hour": begin,
        "hours": 0 if begin is None else (end - begin - 1) % 24 + 1,
    }


def _read(session: Session, query: str, asked: dict[str, Any], first: dt.date) -> Points:
    """Points that come packed, one row a day: a row each takes ten times as long."""
    rows = session.execute(
        text(query),
        asked,
        execution_options={"stream_results": True, "max_row_buffer": _DAYS_AT_ONCE},
    )
    read = [(np.frombuffer(bytes(raw), dtype=_POINT), (day - first).days) for day, raw in rows]
    found = np.concatenate([np.empty(0, dtype=_POINT), *(one for one, _ in read)])
    day = np.repeat([n for _, n in read], [len(one) for one, _ in read]).astype(np.int32)
    return Points(found["lon"].astype(np.float64), found["lat"].astype(np.float64), day)
