"""Districts get their unit grids: cut from the communities in force, numbered, stored."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from gridsvc.city.calendar import Calendar
from gridsvc.codes import Level, level_of
from gridsvc.errors import BadCode, CodesExhausted, Conflict, NotFound
from gridsvc.registry.areas import repository as areas
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.service import edition_in_force
from gridsvc.registry.grids import rebuild_repository, repository
from gridsvc.registry.grids.barriers import barrier_hashes
from gridsvc.registry.grids.measures import GridBuild, measured
from gridsvc.registry.grids.storing import SERIALS, cells_of, new_edition, number_cells, store_cells
from gridsvc.spatial.gridding_barriers import Barriers, grid_city


def build_grids(
    session: Session,
    districts: Sequence[str],
    *,
    barriers: Barriers | None = None,
    progress: Callable[[str], None] | None = None,
    calendar: Calendar,
    now: dt.datetime,
) -> GridBuild:
    """Cut the communities in force of whole districts into unit grids and store them.

    Serials begin at 1 in each community, 8-digit codes at 00001 in each street, in the order of
    communities and serials; where void grids (or a city's own codes) hold numbers already, both go
    on after the highest. The same communities and ``barriers`` give the same codes and polygons.
    All districts of one call share the vertices of their common border. The city's day of ``now``
    is the first date.

    Raises BadCode for what is not a district, NotFound when no communities are in force there,
    Conflict when a district has valid grids, CodesExhausted when numbers or serials run out.
    """
    started = time.perf_counter()
    tell = progress or (lambda _: None)
    wanted = checked_districts(districts)
    first_date = calendar.day(now)
    repository.lock_districts(session, wanted)
    for district, count in repository.gridded_districts(session, wanted).items():
        raise Conflict(
            f"District {district} has {count:,} valid unit grids, and their codes are identities;"
            " leave it out, or repair what changed with 'gridsvc grids rebuild'.",
            field="districts",
        )
    source = edition_in_force(session, Level.COMMUNITY, now)
    names = edition_repository.codes_in(session, source.id)
    codes, shapes = areas.geometries_in(session, source.id, wanted)
    for district in wanted:
        if not any(code.startswith(district) for code in codes):
            raise NotFound(
                f"The edition {source.id!r} has no communities in district {district}; load them"
                " with 'gridsvc import areas'.",
                field="districts",
            )
    room = _room(session, wanted, codes)
    tell(f"Cutting {len(codes):,} communities into unit grids.")
    grids = grid_city(list(shapes), barriers=barriers, max_cells=room, progress=telling(tell))
    cells = cells_of(codes, [city.grid for city in grids])
    numbers = number_cells(session, [cell.community for cell in cells])
    tell(f"Storing {len(cells):,} unit grids.")
    edition_id = new_edition(session, wanted, source, calendar, now, what="Unit grids of")
    store_cells(session, edition_id, first_date, cells, numbers)
    hashes = [None] * len(codes) if barriers is None else barrier_hashes(barriers, list(shapes))
    rebuild_repository.note_communities(session, source.id, dict(zip(codes, hashes, strict=True)))
    return measured(
        codes,
        names,
        grids,
        districts=wanted,
        edition_id=edition_id,
        communities_edition_id=source.id,
        seconds=time.perf_counter() - started,
    )


def checked_districts(districts: Sequence[str]) -> list[str]:
    """The districts, each once and in order. Raises BadCode for none, and for what is none."""
    wanted = sorted(set(districts))
    for district in wanted:
        if level_of(district) is not Level.DISTRICT:
            raise BadCode(
                f"{district} is the code of a {level_of(district)}; unit grids are built for whole"
                " districts, with 6 digits.",
                field="districts",
            )
    if not wanted:
        raise BadCode("No district was given; name at least one.", field="districts")
    return wanted


def telling(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """What tells, at every tenth, how many communities are done."""
    told = 0

    def done(count: int, total: int) -> None:
        nonlocal told
        tenth = 10 * count // max(total, 1)
        if tenth > told:
            told = tenth
            tell(f"{count:,} of {total:,} communities are cut.")

    return done


def _room(session: Session, districts: Sequence[str], codes: Sequence[str]) -> int:
    """How many cells every community has serials for."""
    serials = repository.highest_serials(session, districts)
    room = SERIALS - max((serials.get(code, 0) for code in codes), default=0)
    if room < 1:
        full = max(codes, key=lambda code: serials.get(code, 0))
        raise CodesExhausted(
            f"Community {full} has given out all {SERIALS} serials, and a serial is never used"
            " again; split it into two codes first."
        )
    return room
