"""Keeps the places that were found by words, and asks for another look at them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session, sessionmaker

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.looking_back import repository
from gridsvc.cases.systems.looking_back.models import RecurringList
from gridsvc.cases.systems.looking_back.service import KeptPlace, NewList, keep_list, look_back
from gridsvc.city import City
from gridsvc.db.base import transaction
from gridsvc.foresight.words.service import Found
from gridsvc.registry.placement.store import Atlas


def keep_found(occasion: Occasion, found: Found, *, name: str, least: int) -> RecurringList:
    """Keep the places with at least so many reports, or with unsolved ones. Raises BadInput."""
    places = [
        KeptPlace(
            lon=place.lon,
            lat=place.lat,
            reports=len(place.reports),
            unsolved=place.unsolved,
            case_district=place.reports[-1].district_code,
            case_id=place.reports[-1].case_id,
        )
        for place in found.places
        if len(place.reports) >= least or place.unsolved
    ]
    asked = found.asked
    groups = tuple(concept.name for concept in found.query.concepts)
    new = NewList(asked.area, name, groups, asked.span.since, asked.span.until, places)
    return keep_list(occasion, new)


def look_back_everywhere(
    sessions: sessionmaker[Session], city: City, atlas: Atlas, *, now: dt.datetime
) -> int:
    """Ask for another look wherever a season is near, in small transactions; at how many places."""
    made = 0
    with transaction(sessions) as session:
        lists = repository.kept_lists(session)
    for id in lists:
        while True:
            with transaction(sessions) as session:
                asked = look_back(session, city, atlas, id, now=now)
            made += asked
            if not asked:
                break
    return made
