"""Identities of unit grids: 8-digit codes and national ids, none of them ever given twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.codes import GridId, LocalCode, Thing, next_local_code
from gridsvc.errors import CodesExhausted
from gridsvc.registry.grids import repository

__all__ = ["SERIALS", "GridNumber", "number_cells"]

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
    serials = {
        community: serial
        for district in districts
        for community, serial in repository.highest_serials(session, district).items()
    }
    numbers = []
    for community in communities:
        street = community[:9]
        local = next_local_code(street, Thing.UNIT_GRID, highest.get(street))
        highest[street] = local.number
        serial = serials.get(community, 0) + 1
        if serial > SERIALS:
            raise CodesExhausted(
                f"Community {community} has given all {SERIALS} serials, and a serial is never "
                "used again: split it into two codes first."
            )
        serials[community] = serial
        numbers.append(GridNumber(local, GridId(community, serial)))
    return numbers
