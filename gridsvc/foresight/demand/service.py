"""The places for children that each street of a district needs two years ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.city.care import CARE, OLDEST, Care
from gridsvc.errors import BadInput, NotFound
from gridsvc.foresight.demand.cohorts import (
    LEAST_YEARS,
    Backtest,
    Expected,
    History,
    backtest,
    expect,
)
from gridsvc.foresight.demand.filling import Seats, without_seat
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.residents import repository

Floats = NDArray[np.float64]

#: Whoever plans a kindergarten now opens it then.
AHEAD = 2
#: August 31, by which children enter.
_COUNTED_ON = (8, 31)


@dataclass(frozen=True, slots=True)
class Figure:
    """What is expected, and the bounds of a 90 % interval; None without enough years."""

    expected: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class StreetNeed:
    """A street: children of the ages, those who come, seats in it, those who find none in reach."""

    code: str
    name: str
    children_now: int
    children: Figure
    coming: Figure
    seats: int
    needed: Figure


@dataclass(frozen=True, slots=True)
class Needs:
    """A district's forecast for August 31 of a year.

    ``history`` are the years that were counted, ``checked`` how forecasts of the past did, None
    where there are too few years.
    """

    district: str
    care: Care
    year: int
    history: tuple[int, ...]
    streets: tuple[StreetNeed, ...]
    places: int
    checked: Backtest | None

    @property
    def needed(self) -> float:
        """Places that the whole district lacks."""
        return sum(street.needed.expected for street in self.streets)


@dataclass(frozen=True, slots=True)
class _Grids:
    """Unit grids: the street of each (by position), points in the plane, children by age."""

    street: NDArray[np.int64]
    xy: Floats
    children: Floats


def needs(session: Session, city: City, district: str, kind: str, *, now: dt.datetime) -> Needs:
    """What a district needs. Raises BadInput for an unknown kind, NotFound without counts."""
    kinds = city.table(CARE)
    care = kinds.get(kind)
    if care is None:
        raise BadInput(
            f"There is no kind '{kind[:20]}'; there are {', '.join(kinds)}.", field="kind"
        )
    history, grids = _read(session, city, district)
    expected = expect(history, care.ages, AHEAD)
    # Those that there are then: what is planned counts, what closes before does not.
    year = history.years[-1] + AHEAD
    rows = repository.care_places(session, district, kind, dt.date(year, *_COUNTED_ON))
    points = shapely.points([(row[0], row[1]) for row in rows] or np.empty((0, 2)))
    places = Seats(
        shapely.get_coordinates(city.plane.project(points)),
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.float64),
    )
    names = active_areas(session, "street", district, now)
    located = _streets_of_places(places, grids)
    lacking = [
        None if children is None else _lacking(children * care.uptake, care, grids, places)
        for children in (expected.children, expected.low, expected.high)
    ]
    ages = list(care.ages)
    streets = tuple(
        StreetNeed(
            code=code,
            name=names.get(code, ""),
            children_now=int(history.residents[-1, n, ages].sum()),
            children=_figure(expected, n, 1.0),
            coming=_figure(expected, n, care.uptake),
            seats=int(places.seats[located == n].sum()),
            needed=_bounded(lacking, n),
        )
        for n, code in enumerate(history.streets)
    )
    return Needs(district, care, year, history.years, streets, len(rows), _checked(history, care))


def _read(session: Session, city: City, district: str) -> tuple[History, _Grids]:
    """What was counted, in years without a gap up to the last one. Raises NotFound."""
    points = repository.grid_points(session, district)
    street_of = {row[0]: row[1] for row in points}
    streets = tuple(sorted(set(street_of.values())))
    at = {code: n for n, code in enumerate(streets)}
    rows = [row for row in repository.residents_of(session, district) if row[1] in street_of]
    years = _without_gap({row[0] for row in rows})
    if len(years) < LEAST_YEARS:
        raise NotFound(
            f"The residents of {district} are known for {len(years)} years in a row; import"
            f" {LEAST_YEARS} at least ('gridsvc import residents')."
        )
    of_year = {year: n for n, year in enumerate(years)}
    shape = (len(years), len(streets), OLDEST + 1)
    residents, moves = np.zeros(shape), np.zeros(shape)
    grid_at = {row[0]: n for n, row in enumerate(points)}
    by_grid = np.zeros((len(points), OLDEST + 1))
    for year, grid, age, number in rows:
        if year in of_year:
            residents[of_year[year], at[street_of[grid]], age] += number
            if year == years[-1]:
                by_grid[grid_at[grid], age] += number
    for year, street, age, net in repository.moves_of(session, district):
        if year in of_year and street in at:
            moves[of_year[year], at[street], age] += net
    births = np.zeros(shape[:2])
    for year, street, number in repository.births_of(session, district):
        if year in of_year and street in at:
            births[of_year[year], at[street]] += number
    shapes = city.plane.project(shapely.points([(row[2], row[3]) for row in points]))
    grids = _Grids(
        np.array([at[row[1]] for row in points]), shapely.get_coordinates(shapes), by_grid
    )
    return History(years, streets, residents, moves, births), grids


def _without_gap(years: set[int]) -> tuple[int, ...]:
    found: list[int] = []
    year = max(years, default=0)
    while year in years:
        found.append(year)
        year -= 1
    return tuple(reversed(found))


def _lacking(coming: Floats, care: Care, grids: _Grids, places: Seats) -> Floats:
    """Of those who come in each street, how many find no seat in reach of their unit grid.

    They live where the children live now who will be of these ages then, or were born last.
    """
    now = sorted({max(age - AHEAD, 0) for age in care.ages})
    weight = grids.children[:, now].sum(axis=1)
    whole = np.bincount(grids.street, weights=weight, minlength=len(coming))
    even = np.bincount(grids.street, minlength=len(coming))
    share = np.where(
        whole[grids.street] > 0,
        weight / np.maximum(whole[grids.street], 1e-9),
        1 / np.maximum(even[grids.street], 1),
    )
    left = without_seat(coming[grids.street] * share, grids.xy, places)
    lacking = np.bincount(grids.street, weights=left, minlength=len(coming))
    return lacking.astype(np.float64)


def _streets_of_places(places: Seats, grids: _Grids) -> NDArray[np.int64]:
    """The street in which each place lies: that of the nearest unit grid."""
    if not len(places.seats):
        return np.empty(0, dtype=np.int64)
    nearest = shapely.STRtree(shapely.points(grids.xy)).nearest(shapely.points(places.xy))
    found: NDArray[np.int64] = grids.street[nearest]
    return found


def _figure(expected: Expected, n: int, share: float) -> Figure:
    bounds = [None if it is None else float(it[n]) * share for it in (expected.low, expected.high)]
    return Figure(float(expected.children[n]) * share, *bounds)


def _bounded(lacking: Sequence[Floats | None], n: int) -> Figure:
    """The need, between those of a district in which every street is at its bound."""
    middle, low, high = (None if it is None else float(it[n]) for it in lacking)
    assert middle is not None
    if low is None or high is None:
        return Figure(middle, None, None)
    # Where neighbours take fewer seats, a street can lack less than at its own upper bound.
    return Figure(middle, min(low, middle), max(high, middle))


def _checked(history: History, care: Care) -> Backtest | None:
    try:
        return backtest(history, care.ages, AHEAD, first=len(history.years) // 2)
    except ValueError:
        return None
