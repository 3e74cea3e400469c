"""The roster of a street's enforcement centre (综合执法中心) as one page: who comes now."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from gridsvc.assessment.repository.names import areas_of_level
from gridsvc.city import City
from gridsvc.maps.self_contained import render_plain
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.postings.roster import roster
from gridsvc.registry.postings.rules import POSTING_RULES


def roster_page(session: Session, city: City, street: str, at: dt.datetime) -> str:
    """A street's roster at a moment as one self-contained HTML text."""
    people = roster(session, city, street, at)
    bodies = bodies_by_code(session, {one.body_code for one in people})
    return render_plain(
        "roster.html",
        street=street,
        name=areas_of_level(session, "street", at).get(street, ""),
        at=city.calendar.local(at),
        people=people,
        bodies=bodies,
        kinds=city.table(POSTING_RULES).kinds,
        come=sum(one.comes for one in people),
    )
