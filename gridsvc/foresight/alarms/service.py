"""Scans a day for hot places, raises alarms, opens their cases, orders again what came back."""

from __future__ import annotations

import datetime as dt
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import Opening, open_case
from gridsvc.cases.core.service import StepGiven, take_step
from gridsvc.cases.intake.locate import place_of
from gridsvc.cases.systems.hot_spots.service import ORDER_AGAIN, PROCEDURE, WATCH
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.city.watches import Watch
from gridsvc.db.base import uuid7
from gridsvc.errors import StepRefused
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.alarms.chronic import chronic
from gridsvc.foresight.alarms.models import Alarm, AlarmScan
from gridsvc.foresight.alarms.scan import (
    BASELINE_DAYS,
    SIZES,
    WINDOWS,
    Hit,
    Ints,
    apart,
    cumulate,
    hits,
    touches,
    zone_of,
)
from gridsvc.foresight.alarms.threshold import calibrate
from gridsvc.foresight.places import UNIT_GRID, Places, counted
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.editions.repository import codes_in, edition_in_force
from gridsvc.registry.placement.service import place_inside
from gridsvc.registry.placement.store import Atlas

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))
#: Without reports of so many days nobody knows what is usual.
HISTORY_DAYS = 90
#: A threshold holds for so long.
CALIBRATED_DAYS = 30


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """The reports that a scan looks at: places, what is around each, and each report's two."""

    places: Places
    around: Ints
    place: Ints
    day: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """What a scan of one day works on."""

    occasion: Occasion
    district: str
    watch: Watch
    day: dt.date
    counted: _Counted
    threshold: float
    atlas: Callable[[], Atlas]

    def begins(self, hit: Hit) -> dt.date:
        """The first day of a hit's window."""
        return self.day - dt.timedelta(days=hit.days - 1)


def districts_in_force(session: Session, now: dt.datetime) -> list[str]:
    """The codes of the districts in force, in their order."""
    edition = edition_in_force(session, "district", now)
    return [] if edition is None else sorted(codes_in(session, edition.id))


def scan_day(
    session: Session,
    city: City,
    district: str,
    watch: Watch,
    day: dt.date,
    atlas: Callable[[], Atlas],
    *,
    now: dt.datetime,
) -> AlarmScan:
    """Scan a day of a district by a watch: once, whoever asks again is told of that time.

    A zone that is hot raises an alarm, and the alarm opens a case; one that shares a place with an
    alarm of the last 14 days is that alarm still. A place that is watched after a measure, and is
    hot by days that lie behind it, is ordered again. ``atlas`` gives the atlas in force, and is
    asked only when there is an alarm.
    """
    repository.lock_scan(session, district, watch.name)
    made = repository.scan_of(session, district, watch.name, day)
    if made is not None:
        return made
    found = _count(session, city, district, watch, day)
    threshold, calibrated_on = _threshold(session, district, watch, day, found)
    raised = 0
    if threshold is not None:
        occasion = Occasion(session, city, _SELF, now)
        raised = _follow(_Scan(occasion, district, watch, day, found, threshold, atlas))
    listed = chronic(found.place, found.day, places=len(found.places.codes))
    scan = AlarmScan(
        district_code=district,
        watch=watch.name,
        day=day,
        cells=watch.places,
        places=len(found.places.codes),
        reports=len(found.place),
        alpha=watch.alpha,
        threshold=threshold,
        calibrated_on=calibrated_on,
        raised=raised,
        chronic=[
            {"place": found.places.codes[one.place], "count": one.count, "blocks": one.blocks}
            for one in listed
        ],
        made_at=now,
    )
    session.add(scan)
    session.flush()
    return scan


def _count(session: Session, city: City, district: str, watch: Watch, day: dt.date) -> _Counted:
    first = day - dt.timedelta(days=BASELINE_DAYS - 1)
    found = repository.matters(session, city, district, watch.selection, first, day)
    grids = repository.grids_of(session, district)
    places, number = counted(watch.places, grids, found.lon, found.lat)
    known = number >= 0
    around = places.around(city.plane, SIZES[-1])
    return _Counted(places, around, number[known], found.day[known])


def _threshold(
    session: Session, district: str, watch: Watch, day: dt.date, found: _Counted
) -> tuple[float | None, dt.date | None]:
    """The threshold of the last month's calibration, else of a new one; None: too little history.

    It is calibrated anew where the places or alpha are others.
    """
    if not len(found.day) or BASELINE_DAYS - 1 - int(found.day.min()) < HISTORY_DAYS:
        return None, None
    last = repository.last_scan(session, district, watch.name, day)
    if last is not None and last.threshold is not None and last.calibrated_on is not None:
        fresh = (day - last.calibrated_on).days < CALIBRATED_DAYS
        same_places = watch.places != UNIT_GRID or last.places == len(found.places.codes)
        same = (last.cells, last.alpha) == (watch.places, watch.alpha)
        if fresh and same and same_places:
            return last.threshold, last.calibrated_on
    seed = zlib.crc32(f"{district} {watch.name} {day}".encode())
    new = calibrate(found.place, found.day, found.around, alpha=watch.alpha, seed=seed)
    return new.value, day


def _follow(scan: _Scan) -> int:
    """What follows from the hits of a day; gives the number of new alarms."""
    session, found, day = scan.occasion.session, scan.counted, scan.day
    before = cumulate(found.place, found.day, places=len(found.places.codes), days=BASELINE_DAYS)
    every = hits(before, found.around, scan.threshold)
    index = {code: n for n, code in enumerate(found.places.codes)}
    since = day - dt.timedelta(days=WINDOWS[-1])
    known = [
        (alarm, case, {index[code] for code in alarm.places if code in index})
        for alarm, case in repository.alarms_with_cases(
            session, scan.district, scan.watch.name, since
        )
    ]
    new = []
    for hit in every:
        still = [alarm for alarm, case, its in known if _goes_on(scan, hit, case, its)]
        for alarm in still:
            alarm.last_day = max(alarm.last_day, day)
        if not still:
            new.append(hit)
    _order_again(scan, every, index)
    raised = list(apart(new, found.around))
    for hit in raised:
        again = next((alarm for alarm, _, its in known if touches(hit, its, found.around)), None)
        _raise_alarm(scan, hit, again)
    return len(raised)


def _goes_on(scan: _Scan, hit: Hit, case: Case, places: set[int]) -> bool:
    """Whether a hit is an alarm that is known: at one of its places, and not since its closing."""
    if not touches(hit, places, scan.counted.around):
        return False
    closed = None if case.closed_at is None else scan.occasion.city.day(case.closed_at)
    return closed is None or scan.begins(hit) <= closed


def _order_again(scan: _Scan, every: Sequence[Hit], index: dict[str, int]) -> None:
    """Order again where a place is hot by days behind the measure after which it is watched."""
    session, city = scan.occasion.session, scan.occasion.city
    for alarm, case in repository.watched(session, scan.district, scan.watch.name, WATCH):
        its = {index[code] for code in alarm.places if code in index}
        measured = city.day(case.step_since or case.opened_at)
        back = next(
            (
                hit
                for hit in every
                if scan.begins(hit) > measured and touches(hit, its, scan.counted.around)
            ),
            None,
        )
        if back is None:
            continue
        alarm.last_day = max(alarm.last_day, scan.day)
        note = f"反弹：{back.days} 天 {back.count} 件，预期 {back.expected:.1f} 件（{scan.day}）"
        try:
            take_step(scan.occasion, case.id, StepGiven(ORDER_AGAIN, None, note, {}, None))
        except StepRefused:  # somebody was quicker
            continue


def _raise_alarm(scan: _Scan, hit: Hit, again: Alarm | None) -> None:
    """Keep an alarm, and open its case at the newest report of its commonest class."""
    occasion, places = scan.occasion, scan.counted.places
    session, city = occasion.session, occasion.city
    numbers = sorted(zone_of(hit, scan.counted.around))
    codes = [places.codes[one] for one in numbers]
    ground = places.outline(numbers)
    standard, kind, code, lon, lat = repository.commonest_class(
        session, city, scan.district, scan.watch.selection, scan.begins(hit), scan.day, ground
    )
    key = ClassKey(standard, kind, code)
    placement = place_inside(scan.atlas(), lon, lat, 0.0)
    answers = find_responsible(session, placement, key=key, asset=None, day=city.day(occasion.now))
    alarm_id = uuid7()
    facts = {
        "alarm_id": str(alarm_id),
        "watch": scan.watch.name,
        "what": scan.watch.title_zh,
        "places": codes,
        "since": scan.begins(hit).isoformat(),
        "until": scan.day.isoformat(),
        "count": hit.count,
        "expected": round(hit.expected, 2),
        "again_of": None if again is None else str(again.id),
    }
    opening = Opening(
        city.procedures.newest(PROCEDURE), city.procedures.grade_for("alarm", key), told=facts
    )
    place = place_of(placement, None)
    case = open_case(occasion, place, key, opening, answers)
    occasion.on(case).record("alarm", facts, actor=SERVICE)
    session.add(
        Alarm(
            district_code=scan.district,
            id=alarm_id,
            watch=scan.watch.name,
            first_day=scan.day,
            last_day=scan.day,
            cells=scan.watch.places,
            places=codes,
            days=hit.days,
            count=hit.count,
            expected=hit.expected,
            statistic=hit.statistic,
            threshold=scan.threshold,
            alpha=scan.watch.alpha,
            point=from_shape(shapely.Point(lon, lat), srid=4326),
            geometry=from_shape(ground, srid=4326),
            street_code=place.street,
            community_code=place.community,
            standard=standard,
            kind=kind,
            class_code=code,
            case_id=case.id,
            again_of=None if again is None else again.id,
            made_at=occasion.now,
        )
    )
    session.flush()
