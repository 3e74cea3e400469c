"""Makes the demonstration's city ready: areas, unit grids, parts. What is there is kept."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api.clock import utc_now
from gridsvc.city import City
from gridsvc.db.base import transaction
from gridsvc.errors import BadFile
from gridsvc.registry.grids.service import build_grids
from gridsvc.registry.parts.census import made_up_census
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_of_table
from gridsvc.registry.start import load_start

#: Dongcheng, where unit grids began; Xicheng and Fengtai, between which the story plays.
GRIDDED = ("110101", "110102", "110106")
PARTS_IN = "110101"


def prepare_city(sessions: sessionmaker[Session], city: City, tell: Callable[[str], None]) -> None:
    """Load, cut and furnish the city, each stage in a transaction of its own."""
    now = utc_now()
    with transaction(sessions) as session:
        load_start(session, city, now=now, progress=tell)
    with transaction(sessions) as session:
        if not _count(session, "select count(*) from unit_grid"):
            build_grids(session, GRIDDED, progress=tell, calendar=city.calendar, now=now)
    with transaction(sessions) as session:
        if not _count(session, "select count(*) from part"):
            tell("Making up a census of parts.")
            census = made_up_census(session, city.plane, district=PARTS_IN, now=now)
            tell(f"Importing {len(census):,} parts.")
            result = import_parts(
                session, parts_of_table(census), city=city, district=PARTS_IN, now=now
            )
            if result.refused:
                raise BadFile(f"The census was refused: {result.refused[0]}.")
    with transaction(sessions) as session:
        session.execute(text("analyze"))


def count_city(session: Session) -> dict[str, int]:
    """How many of each there are, in force."""
    rows = session.execute(
        text(
            "select area.level, count(*) from area join edition on edition.id = edition_id"
            " where edition.state = 'active' group by area.level"
        )
    )
    areas = {row[0]: row[1] for row in rows}
    counts = {
        "districts": areas.get("district", 0),
        "streets": areas.get("street", 0),
        "communities": areas.get("community", 0),
    }
    counts["unit_grids"] = _count(session, "select count(*) from unit_grid where state = 'valid'")
    counts["parts"] = _count(session, "select count(*) from part")
    counts["reports"] = _count(session, "select count(*) from report")
    return counts


def _count(session: Session, query: str) -> int:
    return int(session.execute(text(query)).scalar_one())
