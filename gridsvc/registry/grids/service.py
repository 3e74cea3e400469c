"""Districts get their unit grids: cut from the communities in force, numbered, stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.codes import GridId, Level, LocalCode, Thing, level_of, next_local_code
from gridsvc.errors import BadCode, CodesExhausted, Conflict, NotFound
from gridsvc.registry.areas import repository as areas
from gridsvc.registry.areas.models import Edition, EditionState
from gridsvc.registry.areas.service import edition_in_force
from gridsvc.registry.grids import repository
from gridsvc.spatial.gridding import CommunityGrid, grid_communities

__all__ = ["EnlargedCommunity", "GridBuild", "build_grids"]

_SERIALS = 999


@dataclass(frozen=True, slots=True)
class EnlargedCommunity:
    """A community with more ground than its serials can number, and the size of its cells."""

    code: str
    name: str
    cells: int
    nominal_m2: float


@dataclass(frozen=True, slots=True)
class GridBuild:
    """What a build made.

    ``counts``: unit grids by district. ``worst_compactness`` and ``mean_compactness``:
    Polsby-Popper, 4 pi area / perimeter² (a square has 0.785). ``worst_squareness``: short side
    over long side of the smallest rectangle around a cell. ``smallest_m2`` to ``largest_m2``: all
    cells. ``spread``: the largest difference from the nominal size, as a share of it, and
    ``outside_tolerance``: how many cells differ by more than 10 %, which only a community too small
    for it has. ``enlarged``: communities whose cells are larger, because 999 serials were too few.
    """

    edition_id: str
    communities_edition_id: str
    counts: dict[str, int]
    communities: int
    worst_compactness: float
    mean_compactness: float
    worst_squareness: float
    smallest_m2: float
    largest_m2: float
    spread: float
    outside_tolerance: int
    enlarged: tuple[EnlargedCommunity, ...]
    seconds: float

    @property
    def total(self) -> int:
        """Unit grids of all districts."""
        return sum(self.counts.values())


def build_grids(
    session: Session,
    districts: Sequence[str],
    *,
    progress: Callable[[str], None] | None = None,
    today: dt.date | None = None,
) -> GridBuild:
    """Cut the communities in force of whole districts into unit grids and store them.

    Serials begin at 1 in each community, 8-digit codes at 00001 in each street, in the order of
    communities and serials; where void grids (or a city's own codes) hold numbers already, both go
    on after the highest. The same communities give the same codes and polygons. All districts of
    one call share the vertices of their common border. ``today`` (UTC when None) is the first date.

    Raises BadCode for what is no district, NotFound when no communities are in force there,
    Conflict when a district has valid grids, CodesExhausted when numbers or serials run out.
    """
    started = time.perf_counter()
    tell = progress or (lambda _: None)
    wanted = sorted(set(districts))
    for district in wanted:
        if level_of(district) is not Level.DISTRICT:
            raise BadCode(
                f"{district} is the code of a {level_of(district)}: unit grids are built for whole "
                "districts, with 6 digits.",
                field="districts",
            )
    if not wanted:
        raise BadCode("No district was given: name at least one.", field="districts")
    first_date = today or dt.datetime.now(dt.UTC).date()
    repository.lock_districts(session, wanted)
    for district, count in repository.gridded_districts(session, wanted).items():
        raise Conflict(
            f"District {district} has {count:,} valid unit grids, and their codes are identities: "
            "leave it out, or make its grids void, with a reason, before it is built anew.",
            field="districts",
        )
    source = edition_in_force(session, Level.COMMUNITY)
    names = areas.codes_in(session, source.id)
    codes, shapes = areas.geometries_in(session, source.id, wanted)
    for district in wanted:
        if not any(code.startswith(district) for code in codes):
            raise NotFound(
                f"The edition {source.id!r} has no communities in district {district}: load them "
                "with 'gridsvc import areas'.",
                field="districts",
            )
    serials = _merged(repository.highest_serials(session, district) for district in wanted)
    room = _SERIALS - max((serials.get(code, 0) for code in codes), default=0)
    if room < 1:
        full = max(codes, key=lambda code: serials.get(code, 0))
        raise CodesExhausted(
            f"Community {full} has given all {_SERIALS} serials, and a serial is never used again: "
            "split it into two codes first."
        )
    tell(f"Cutting {len(codes):,} communities into unit grids.")
    grids = grid_communities(list(shapes), max_cells=room)
    numbered = list(_numbered(session, wanted, codes, grids, serials))
    tell(f"Storing {len(numbered):,} unit grids.")
    edition_id = _new_edition(session, wanted, source, first_date)
    _store(session, edition_id, first_date, codes, grids, numbered)
    return _measured(edition_id, source.id, wanted, codes, names, grids, started)


@dataclass(frozen=True, slots=True)
class _Number:
    """The identity of a cell: its 8-digit code and its national one."""

    local: LocalCode
    national: GridId


def _numbered(
    session: Session,
    districts: Sequence[str],
    codes: Sequence[str],
    grids: Sequence[CommunityGrid],
    serials: dict[str, int],
) -> Iterator[_Number]:
    """Identities of all cells, in the order of communities and serials."""
    highest = {
        district + street: number
        for district in districts
        for street, number in repository.highest_numbers(session, district).items()
    }
    for code, grid in zip(codes, grids, strict=True):
        street = code[:9]
        before = serials.get(code, 0)
        for position in range(len(grid.cells)):
            local = next_local_code(street, Thing.UNIT_GRID, highest.get(street))
            highest[street] = local.number
            yield _Number(local, GridId(code, before + position + 1))


def _new_edition(
    session: Session, districts: Sequence[str], source: Edition, first_date: dt.date
) -> str:
    """One edition for each build, in force at once beside those of other districts."""
    which = hashlib.sha256(" ".join(districts).encode()).hexdigest()[:8]
    stem = f"unit_grid-{first_date.isoformat()}-{which}"
    edition_id, build = stem, 1
    while areas.edition(session, edition_id) is not None:
        build += 1
        edition_id = f"{stem}-{build}"
    session.add(
        Edition(
            id=edition_id,
            level="unit_grid",
            title=f"Unit grids of {', '.join(districts)}",
            source=f"Cut by gridsvc from the communities of {source.id}",
            licence=source.licence,
            accuracy_m=source.accuracy_m,
            approximate=source.approximate,
            state=EditionState.ACTIVE,
            effective_from=dt.datetime.combine(first_date, dt.time(), tzinfo=dt.UTC),
            effective_to=None,
            loaded_at=dt.datetime.now(dt.UTC),
            audit=None,
        )
    )
    session.flush()
    return edition_id


def _store(
    session: Session,
    edition_id: str,
    first_date: dt.date,
    codes: Sequence[str],
    grids: Sequence[CommunityGrid],
    numbered: Sequence[_Number],
) -> None:
    cells = np.array([cell for grid in grids for cell in grid.cells], dtype=object)
    blobs = shapely.to_wkb(shapely.set_srid(cells, 4326), hex=True, include_srid=True)
    sizes = np.concatenate([grid.area_m2 for grid in grids]).tolist()
    compactness = np.concatenate([grid.compactness for grid in grids]).tolist()
    nominal = [grid.nominal_m2 for grid in grids for _ in grid.cells]
    community = [code for code, grid in zip(codes, grids, strict=True) for _ in grid.cells]
    repository.copy_grids(
        session,
        (
            (
                code[:6],
                number.local,
                edition_id,
                code[:9],
                code,
                number.national.serial,
                number.national.national_2026,
                number.national.national_2013,
                *measured,
                first_date,
            )
            for code, number, *measured in zip(
                community, numbered, blobs, sizes, nominal, compactness, strict=True
            )
        ),
    )
    repository.copy_national_ids(
        session,
        (
            (national, number.national.community[:6], number.local)
            for number in numbered
            for national in (number.national.national_2026, number.national.national_2013)
            if national is not None
        ),
    )


def _measured(
    edition_id: str,
    source_id: str,
    districts: Sequence[str],
    codes: Sequence[str],
    names: dict[str, str],
    grids: Sequence[CommunityGrid],
    started: float,
) -> GridBuild:
    sizes = np.concatenate([grid.area_m2 for grid in grids])
    nominal = np.concatenate([np.full(len(grid.cells), grid.nominal_m2) for grid in grids])
    compactness = np.concatenate([grid.compactness for grid in grids])
    return GridBuild(
        edition_id=edition_id,
        communities_edition_id=source_id,
        counts={
            district: sum(
                len(grid.cells)
                for code, grid in zip(codes, grids, strict=True)
                if code.startswith(district)
            )
            for district in districts
        },
        communities=len(codes),
        worst_compactness=float(compactness.min()),
        mean_compactness=float(compactness.mean()),
        worst_squareness=min(float(grid.squareness.min()) for grid in grids),
        smallest_m2=float(sizes.min()),
        largest_m2=float(sizes.max()),
        spread=float(np.abs(sizes / nominal - 1.0).max()),
        outside_tolerance=sum(grid.outside_tolerance for grid in grids),
        enlarged=tuple(
            EnlargedCommunity(code, names[code], len(grid.cells), grid.nominal_m2)
            for code, grid in zip(codes, grids, strict=True)
            if grid.enlarged
        ),
        seconds=time.perf_counter() - started,
    )


def _merged(parts: Iterator[dict[str, int]]) -> dict[str, int]:
    return {code: number for part in parts for code, number in part.items()}
