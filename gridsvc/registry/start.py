"""A first registry of Beijing: areas, classes, bodies and an example duty list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.registry.areas.beijing import load_beijing
from gridsvc.registry.bodies.service import load_example_bodies
from gridsvc.registry.classes.service import load_classes
from gridsvc.registry.districts import read_divisions

#: The day from which the example duty list counts: the class list's own.
_DUTIES_FROM = dt.date(2018, 1, 1)


def load_start(
    session: Session,
    city: City,
    *,
    now: dt.datetime,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Load what is not there yet; a second call changes nothing. Raises what its parts raise."""
    tell = progress or (lambda _: None)
    load_beijing(session, city, now=now, progress=progress)
    tell("Loading classes, bodies and the example duty list.")
    load_classes(session)
    divisions = read_divisions(city.settings.boundaries_dir)
    named = {
        level: {it.code: it.name for it in divisions if it.level == level}
        for level in ("street", "district")
    }
    load_example_bodies(session, named["street"], named["district"], day=_DUTIES_FROM)
