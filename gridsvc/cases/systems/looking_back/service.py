"""Recurring places come back as tasks before their season, to whom they belong now."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import Place, open_case, opening_by_rule
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.service import responsible_for
from gridsvc.cases.systems.looking_back import repository
from gridsvc.cases.systems.looking_back.models import LookBack, RecurringList, RecurringPlace
from gridsvc.cases.systems.looking_back.seasons import SEASONS, season_of
from gridsvc.cases.systems.tasks import TaskDone, TaskKind, new_task
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.placement.model import AreaRef, Placement
from gridsvc.registry.placement.service import place_inside
from gridsvc.registry.placement.store import Atlas
from gridsvc.registry.staff.model import Where

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))
#: Places of one transaction: each holds the lock of its newest case until its end.
_BATCH = 100
#: By which channel the case comes in that begins where a place was found again.
_CHANNEL = "patrol"
#: What somebody may find where they look again.
LASTED, AGAIN = "lasted", "again"


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """A place to be kept: its middle (WGS84), reports, unsolved ones, its newest case."""

    lon: float
    lat: float
    reports: int
    unsolved: int
    case_district: str
    case_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class NewList:
    """A list as somebody keeps it: its area, name, groups of words, days of the reports."""

    area: str
    name: str
    groups: tuple[str, ...]
    since: dt.date
    until: dt.date
    places: Sequence[KeptPlace]


def keep_list(occasion: Occasion, new: NewList) -> RecurringList:
    """Keep a list of places, which are looked at before each season. Raises BadInput."""
    session, district = occasion.session, new.area[:6]
    if not new.places:
        raise BadInput("No place has so many reports; nothing is kept.", field="least")
    kept = RecurringList(
        district_code=district,
        id=uuid7(),
        area_code=new.area,
        name=new.name,
        groups=list(new.groups),
        since=new.since,
        until=new.until,
        kept_by=occasion.caller.subject,
        kept_at=occasion.now,
        ended_at=None,
        end_reason=None,
    )
    session.add(kept)
    session.flush()
    session.add_all(
        RecurringPlace(
            district_code=district,
            list_id=kept.id,
            n=n,
            point=from_shape(Point(one.lon, one.lat), srid=4326),
            reports=one.reports,
            unsolved=one.unsolved,
            case_district=one.case_district,
            case_id=one.case_id,
        )
        for n, one in enumerate(new.places, 1)
    )
    session.flush()
    return kept


def visible_list(occasion: Occasion, id: uuid.UUID, *, lock: bool = False) -> RecurringList:
    """A list, for the staff of its area. Raises NotFound, NotAllowed."""
    kept = repository.list_by_id(occasion.session, id, lock=lock)
    if kept is None:
        raise NotFound(f"There is no list of recurring places {id}.")
    if not occasion.caller.covers(kept.area_code):
        raise NotAllowed(
            f"The list is of {kept.area_code}; a token for '{occasion.caller.area}' does not cover"
            " that."
        )
    return kept


def end_list(occasion: Occasion, id: uuid.UUID, *, reason: str) -> RecurringList:
    """Look at a list's places no more; tasks that were made stay. Raises StepRefused."""
    kept = visible_list(occasion, id, lock=True)
    if kept.ended_at is not None:
        raise StepRefused(f"The list was ended at {kept.ended_at.isoformat()}.")
    kept.ended_at, kept.end_reason = occasion.now, reason
    occasion.session.flush()
    return kept


def look_back(
    session: Session, city: City, atlas: Atlas, list_id: uuid.UUID, *, now: dt.datetime
) -> int:
    """Make tasks for the next places of a list whose season is near; gives for how many.

    0: all are made, or no season is near. Each place is looked at once before a season, however
    many workers run. A place whose newest case is open has somebody already, and gets no task.
    """
    occasion = Occasion(session, city, _SELF, now)
    kept = repository.list_by_id(session, list_id, lock=True)
    if kept is None or kept.ended_at is not None:
        return 0
    today, seasons = city.day(now), city.table(SEASONS)
    made = 0
    for before in sorted({due for one in seasons if (due := one.due(today)) is not None}):
        for place in repository.not_looked_at(session, kept, before, most=_BATCH):
            case = lock_case(session, place.case_id)
            season = season_of(seasons, kept.groups, case.class_code)
            if season is not None and season.due(today) == before:
                _make(occasion, atlas, kept, place, case, before)
                made += 1
    session.flush()
    return made


def hear_done(occasion: Occasion, event: TaskDone) -> None:
    """Whoever looked again says that it lasted, or that it is there again: then a case begins.

    The case goes to whoever answers there now, and its history is that of the place's newest case.
    Raises BadInput where a task of a list has no verdict.
    """
    session, task = occasion.session, event.task
    look = repository.look_back_of_task(session, task.id)
    if look is None:
        return
    if task.found is None:
        raise BadInput(
            f"Say in 'found' whether it has {LASTED}, or is there {AGAIN}.", field="found"
        )
    if task.found == AGAIN:
        place = repository.place_of_look_back(session, look)
        case = _open_again(occasion, look, place)
        look.outcome, look.case_id = AGAIN, case.id
        place.case_district, place.case_id = case.district_code, case.id
    else:
        look.outcome = LASTED
    session.flush()


def _make(
    occasion: Occasion,
    atlas: Atlas,
    kept: RecurringList,
    place: RecurringPlace,
    case: Case,
    before: dt.date,
) -> None:
    """The task of a place, and a word to whoever answers for it now."""
    at = to_shape(place.point)
    placed = place_inside(atlas, at.x, at.y, 0.0)
    responsible = responsible_for(occasion, placed, _key(case), None).lead.code
    areas = [None if one is None else one.code for one in (placed.street, placed.community)]
    assert placed.district is not None
    look = LookBack(
        district_code=kept.district_code,
        list_id=kept.id,
        n=place.n,
        before=before,
        made_at=occasion.now,
        task_id=None,
        area_district=placed.district.code,
        street_code=areas[0],
        community_code=areas[1],
        body_code=responsible,
        outcome=None,
        case_id=None,
    )
    occasion.session.add(look)
    if case.state == "open":
        return
    district = placed.district.code
    narrowest = next((code for code in reversed(areas) if code is not None), district)
    area = narrowest if narrowest.startswith(district) else district
    grid = None if placed.unit_grid is None else placed.unit_grid.code
    # A district's task belongs to a case of its own; the history of another's stays there.
    of_case = case if case.district_code == district else None
    task = new_task(occasion, TaskKind.REVISIT, Where(area, grid), case=of_case)
    task.made_by, task.point = SERVICE, place.point
    task.limit_at = occasion.city.calendar.begins(before)
    task.note = f"{kept.name} ×{place.reports}"
    look.task_id = task.id
    content = {
        "task_id": str(task.id),
        "kind": task.kind,
        "body": responsible,
        "area": area,
        "before": before.isoformat(),
        "reports": place.reports,
    }
    act = occasion.on(case)
    act.record("look_back", content, actor=SERVICE)
    act.tell([responsible], "look_back", content)


def _open_again(occasion: Occasion, look: LookBack, place: RecurringPlace) -> Case:
    session, at = occasion.session, to_shape(place.point)
    old = lock_case(session, place.case_id)
    placed = Placement(
        lon=at.x,
        lat=at.y,
        accuracy_m=0.0,
        district=AreaRef(look.area_district, ""),
        street=None if look.street_code is None else AreaRef(look.street_code, ""),
        community=None if look.community_code is None else AreaRef(look.community_code, ""),
        unit_grid=None,
        claims=(),
        conflict=None,
        border=None,
        editions=(),
    )
    key = _key(old)
    part = old.part_code if old.district_code == look.area_district else None
    here = Place(
        lon=at.x,
        lat=at.y,
        district=look.area_district,
        street=look.street_code,
        community=look.community_code,
        part_code=part,
        key=old.place_key,
    )
    responsible = responsible_for(occasion, placed, key, None)
    opening = opening_by_rule(occasion.city, _CHANNEL, key)
    case = open_case(occasion, here, key, opening, responsible)
    case.reopened_from = old.id
    session.flush()
    told = {"task_id": str(look.task_id), "reopened_from": str(old.id)}
    occasion.on(case).record("found_again", told)
    occasion.on(old).record("found_again", {"task_id": str(look.task_id), "into": str(case.id)})
    return case


def _key(case: Case) -> ClassKey:
    return ClassKey(case.standard, case.kind, case.class_code)
