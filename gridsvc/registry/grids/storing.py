"""Writes new unit grids, with the edition that says where they come from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.city.calendar import Calendar
from gridsvc.codes import GridId, LocalCode, Thing, next_local_code
from gridsvc.errors import CodesExhausted
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.grids import repository
from gridsvc.spatial.gridding import CommunityGrid


@dataclass(frozen=True, slots=True, eq=False)
class NewCell:
    """A cell as it was cut: its community, its WGS84 polygon, m², Polsby-Popper, nominal m²."""

    community: str
    polygon: Any
    area_m2: float
    compactness: float
    nominal_m2: float


def cells_of(codes: Sequence[str], grids: Sequence[CommunityGrid]) -> list[NewCell]:
    """The cells of communities, in the order of communities and serials."""
    return [
        NewCell(code, polygon, size, compactness, grid.nominal_m2)
        for code, grid in zip(codes, grids, strict=True)
        for polygon, size, compactness in zip(
            grid.cells, grid.area_m2.tolist(), grid.compactness.tolist(), strict=True
        )
    ]


def new_edition(
    session: Session,
    districts: Sequence[str],
    source: Edition,
    calendar: Calendar,
    now: dt.datetime,
    *,
    what: str,
) -> str:
    """The id of a new edition of unit grids, in force at once beside the others.

    ``what`` is the beginning of its title; it counts from the beginning of the city's day.
    """
    first_date = calendar.day(now)
    which = hashlib.sha256(" ".join(districts).encode()).hexdigest()[:8]
    stem = f"unit_grid-{first_date.isoformat()}-{which}"
    edition_id, build = stem, 1
    while edition_repository.edition(session, edition_id) is not None:
        build += 1
        edition_id = f"{stem}-{build}"
    session.add(
        Edition(
            id=edition_id,
            level="unit_grid",
            title=f"{what} {', '.join(districts)}",
            source=f"Cut by gridsvc from the communities of {source.id}",
            licence=source.licence,
            accuracy_m=source.accuracy_m,
            approximate=source.approximate,
            state=EditionState.ACTIVE,
            effective_from=calendar.begins(first_date),
            effective_to=None,
            loaded_at=now,
            audit=None,
        )
    )
    session.flush()
    return edition_id


def store_cells(
    session: Session,
    edition_id: str,
    first_date: dt.date,
    cells: Sequence[NewCell],
    numbers: Sequence[GridNumber],
) -> None:
    """Write cells with their identities, one number for each, and register the national ids."""
    repository.copy_grids(
        session,
        (
            (
                cell.community[:6],
                number.local,
                edition_id,
                cell.community[:9],
                cell.community,
                number.national.serial,
                number.national.national_2026,
                number.national.national_2013,
                blob,
                cell.area_m2,
                cell.nominal_m2,
                cell.compactness,
                first_date,
            )
            for cell, number, blob in zip(
                cells, numbers, hexadecimal(cell.polygon for cell in cells), strict=True
            )
        ),
    )
    repository.copy_national_ids(
        session,
        (
            (national, number.national.community[:6], number.local)
            for number in numbers
            for national in (number.national.national_2026, number.national.national_2013)
            if national is not None
        ),
    )


def hexadecimal(polygons: Iterable[Any]) -> list[str]:
    """EWKB with the SRID 4326, in hexadecimal."""
    shapes = np.array(list(polygons), dtype=object)
    blobs = shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)
    return [str(blob) for blob in blobs]


#: A community has so many serials, from 1 on.
SERIALS = 999


@dataclass(frozen=True, slots=True)
class GridNumber:
    """The identity of a cell: its 8-digit code and its national one."""

    local: LocalCode
    national: GridId


def number_cells(session: Session, communities: Sequence[str]) -> list[GridNumber]:
    """The next free identities of new cells, one for each community code, in their order.

    Serials go on in each community, 8-digit codes in each street, after the highest ever given:
    void cells and a city's own codes count. The caller holds ``repository.lock_districts``.

    Raises CodesExhausted when a street's numbers or a community's serials run out.
    """
    districts = sorted({code[:6] for code in communities})
    highest = {
        district + street: number
        for district in districts
        for street, number in repository.highest_numbers(session, district).items()
    }
    serials = repository.highest_serials(session, districts)
    numbers = []
    for community in communities:
        street = community[:9]
        local = next_local_code(street, Thing.UNIT_GRID, highest.get(street))
        highest[street] = local.number
        serial = serials.get(community, 0) + 1
        if serial > SERIALS:
            raise CodesExhausted(
                f"Community {community} has given out all {SERIALS} serials, and a serial is never"
                " used again; split it into two codes first."
            )
        serials[community] = serial
        numbers.append(GridNumber(local, GridId(community, serial)))
    return numbers
