"""Counts of residents, births and moves from CSV, and places: all rows come in, or none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.city.care import CARE, OLDEST
from gridsvc.registry.bodies.importer import (
    Imported,
    astray_rows,
    need,
    nothing,
    read_day,
    read_rows,
)
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.residents import repository
from gridsvc.spatial.crs import check_lon_lat

_YEARS = range(1990, 2101)


def import_residents(session: Session, path: Path) -> Imported:
    """Residents on August 31: district, grid, year, age, residents; ages up to 6.

    What is known of a grid, year and age takes the new number. Raises BadFile.
    """

    def read(row: dict[str, str]) -> dict[str, object]:
        return {
            "district_code": row["district"],
            "grid_code": row["grid"],
            "year": _number(row, "year", _YEARS),
            "age": _number(row, "age", range(OLDEST + 1)),
            "residents": _number(row, "residents"),
        }

    keys = ("district_code", "grid_code", "year", "age")
    rows, faults = read_rows(
        path, (["district", "grid", "year", "age", "residents"], []), read, keys
    )
    known = repository.grid_streets(session, {str(row["district_code"]) for _, row in rows})

    def wrong(row: dict[str, object]) -> str | None:
        key = (str(row["district_code"]), str(row["grid_code"]))
        return None if key in known else f"there is no unit grid {key[1]} in {key[0]}"

    return _kept(session, repository.write_residents, rows, faults, wrong)


def import_births(session: Session, path: Path, *, now: dt.datetime) -> Imported:
    """Births in the year to August 31: street, year, births. Raises BadFile."""

    def read(row: dict[str, str]) -> dict[str, object]:
        more = {"year": _number(row, "year", _YEARS), "births": _number(row, "births")}
        return {"district_code": row["street"][:6], "street_code": row["street"], **more}

    rows, faults = read_rows(
        path, (["street", "year", "births"], []), read, ("street_code", "year")
    )
    streets = active_areas(session, "street", "", now)
    return _kept(session, repository.write_births, rows, faults, _no_street(streets))


def import_moves(session: Session, path: Path, *, now: dt.datetime) -> Imported:
    """Moves in the year to August 31: street, year, age, came, went. Raises BadFile."""

    def read(row: dict[str, str]) -> dict[str, object]:
        return {
            "district_code": row["street"][:6],
            "street_code": row["street"],
            "year": _number(row, "year", _YEARS),
            "age": _number(row, "age", range(OLDEST + 1)),
            "came": _number(row, "came"),
            "went": _number(row, "went"),
        }

    keys = ("street_code", "year", "age")
    rows, faults = read_rows(path, (["street", "year", "age", "came", "went"], []), read, keys)
    streets = active_areas(session, "street", "", now)
    return _kept(session, repository.write_moves, rows, faults, _no_street(streets))


def import_care_places(session: Session, path: Path, *, city: City, now: dt.datetime) -> Imported:
    """Places: district, code, name, kind, lon, lat, seats, reach_m, valid_from; may have valid_to.

    Raises BadFile.
    """
    kinds = city.table(CARE)

    def read(row: dict[str, str]) -> dict[str, object]:
        need(0 < len(row["code"]) <= 20, "code", row["code"])
        need(0 < len(row["name"]) <= 200, "name", row["name"])
        need(row["kind"] in kinds, "kind", row["kind"], f"one of {', '.join(kinds)}")
        lon, lat, reach_m = (_real(row, name) for name in ("lon", "lat", "reach_m"))
        need(0 < reach_m <= 20_000, "reach_m", row["reach_m"], "above 0 and at most 20,000")
        check_lon_lat(lon, lat, field="lon")
        until = row["valid_to"]
        return {
            "district_code": row["district"],
            "code": row["code"],
            "name": row["name"],
            "kind": row["kind"],
            "point": f"SRID=4326;POINT({lon!r} {lat!r})",
            "seats": _number(row, "seats"),
            "reach_m": reach_m,
            "valid_from": read_day(row["valid_from"], "valid_from"),
            "valid_to": read_day(until, "valid_to") if until else None,
        }

    names = ["district", "code", "name", "kind", "lon", "lat", "seats", "reach_m", "valid_from"]
    rows, faults = read_rows(path, (names, ["valid_to"]), read, ("district_code", "code"))
    districts = active_areas(session, "district", "", now)

    def wrong(row: dict[str, object]) -> str | None:
        code = str(row["district_code"])
        return None if code in districts else f"there is no district {code}"

    return _kept(session, repository.write_care_places, rows, faults, wrong)


def _kept(session: Session, write: Any, rows: Any, faults: Any, wrong: Any) -> Imported:
    astray = astray_rows(rows, wrong)
    if faults or astray:
        return nothing(rows, faults, astray)
    known = write(session, [row for _, row in rows])
    return Imported(len(rows), len(rows) - known, known, ())


def _no_street(streets: Collection[str]) -> Any:
    def wrong(row: dict[str, object]) -> str | None:
        code = str(row["street_code"])
        return None if code in streets else f"there is no street {code}"

    return wrong


def _number(row: dict[str, str], name: str, among: range = range(10_000_000)) -> int:
    value = row[name]
    whole = value.isascii() and value.isdigit() and len(value) <= 7
    wanted = f"a whole number from {among.start} to {among.stop - 1}"
    need(whole and int(value) in among, name, value, wanted)
    return int(value)


def _real(row: dict[str, str], name: str) -> float:
    try:
        return float(row[name])
    except ValueError:
        need(False, name, row[name], "a number")
        raise
