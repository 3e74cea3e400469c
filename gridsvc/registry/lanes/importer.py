"""Imports lanes from a vector file: lines with code, name and street; all of them, or none."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.errors import BadFile, GridsvcError
from gridsvc.readers.limits import ReadOptions
from gridsvc.readers.vector_file import Feature, read_vector_file
from gridsvc.registry.bodies.importer import Imported, RefusedRow
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.editions.repository import edition_in_force
from gridsvc.registry.lanes import repository
from gridsvc.registry.lanes.rules import LANE_RULES
from gridsvc.spatial.ellipsoid import length_m
from gridsvc.spatial.reading import check_sound

_COLUMNS = ("code", "name", "street")
#: A segment is beside a street in which, or on whose border, so much of it runs.
_BESIDE = 0.5
_SHORTEST_M = 1.0


def import_lanes(
    session: Session,
    path: Path,
    options: ReadOptions,
    *,
    city: City,
    district: str,
    now: dt.datetime,
    on: dt.date | None = None,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Imported:
    """Enter the segments of a file; ``mapping`` names its columns for code, name and street.

    New ones hold from the day ``on``, today if None. A known code is written anew; one that has
    been patrolled keeps its line. A segment must run beside the street that is to keep it. Raises
    BadFile, and what reading raises.
    """
    repository.lock_lanes(session, district)
    edition = edition_in_force(session, "street", now)
    if edition is None:
        raise BadFile("No edition of the streets is in force; import and activate one first.")
    theirs = {ours: (mapping or {}).get(ours, ours) for ours in _COLUMNS}
    read = read_vector_file(path, tuple(theirs.values()), options, crs=crs)
    faults: list[RefusedRow] = []
    rows: list[tuple[int, dict[str, Any]]] = []
    for feature in read.features:
        try:
            rows.append((feature.number, _row(feature, theirs, district)))
        except GridsvcError as error:
            faults.append(RefusedRow(feature.number, error.detail))
    faults += _twice(rows)
    faults += _astray(session, city, edition, rows)
    known = {
        one.code: one
        for one in repository.segments_of(session, district, [row["code"] for _, row in rows])
    }
    walked = repository.patrolled_codes(session, district, known)
    for number, row in rows:
        old = known.get(row["code"])
        if old is None or row["code"] not in walked:
            continue
        if not shapely.equals_exact(to_shape(old.geometry), row["shape"], 1e-9):
            faults.append(
                RefusedRow(
                    number,
                    f"{row['code']} has been patrolled, and its line is another one now; give the"
                    " new line a new code",
                )
            )
    if faults:
        ordered = tuple(sorted(faults, key=lambda one: one.line))
        return Imported(len(read.features), 0, 0, ordered)
    today = city.day(now)
    entered = []
    for _, row in rows:
        shape, old = row.pop("shape"), known.get(row["code"])
        first = on or today if old is None else old.valid_from
        geometry = from_shape(shape, srid=4326)
        entered.append(
            {
                **row,
                "geometry": geometry,
                "valid_from": first,
                "valid_to": None,
                "source": path.name,
            }
        )
    repository.upsert_segments(session, entered)
    return Imported(len(rows), len(rows) - len(known), len(known), ())


def _row(feature: Feature, theirs: Mapping[str, str], district: str) -> dict[str, Any]:
    """The columns of a feature. Raises BadFile, and what an unsound geometry raises."""
    if feature.trouble is not None:
        raise BadFile(f"The line cannot be read: {feature.trouble}.")
    texts = {ours: (feature.texts.get(column) or "").strip() for ours, column in theirs.items()}
    for name, form in (
        ("code", r"[0-9A-Za-z-]{1,30}"),
        ("name", r".{1,100}"),
        ("street", rf"{district}[0-9]{{3}}"),
    ):
        if re.fullmatch(form, texts[name]) is None:
            raise BadFile(f"'{name}' of a segment is {texts[name][:60]!r}.")
    shape = check_sound(feature.number, feature.geometry, field="file")
    merged = shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape
    if merged.geom_type != "LineString":
        raise BadFile("It is not one line; divide it into segments.")
    metres = float(length_m(merged))
    if metres < _SHORTEST_M:
        raise BadFile(f"It is shorter than {_SHORTEST_M:g} m.")
    return {
        "district_code": district,
        "code": texts["code"],
        "name": texts["name"],
        "street_code": texts["street"],
        "length_m": metres,
        "shape": merged,
    }


def _twice(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[RefusedRow]:
    seen: dict[str, int] = {}
    return [
        RefusedRow(number, f"feature {first} has the code {row['code']} already")
        for number, row in rows
        if (first := seen.setdefault(row["code"], number)) != number
    ]


def _astray(
    session: Session, city: City, edition: Edition, rows: Sequence[tuple[int, dict[str, Any]]]
) -> list[RefusedRow]:
    """Enter beside which streets each segment runs; the rows of those that are not by theirs.

    On a border is within what the edition says its borders may be off, and no more than the reach
    of a report.
    """
    if not rows:
        return []
    wide = min(edition.accuracy_m, city.table(LANE_RULES).reach_m)
    lines = np.array([row["shape"] for _, row in rows], dtype=object)
    west, south, east, north = shapely.total_bounds(lines).tolist()
    streets = repository.streets_around(
        session, edition.id, (west - 0.01, south - 0.01, east + 0.01, north + 0.01)
    )
    flat = city.plane.project(lines)
    near: list[list[str]] = [[] for _ in rows]
    tree = shapely.STRtree(flat)
    for code, shape in streets:
        ground = shapely.buffer(city.plane.project(shape), max(wide, 0.01))
        found = tree.query(ground, predicate="intersects")
        inside = shapely.length(shapely.intersection(flat[found], ground))
        for at in found[inside >= _BESIDE * shapely.length(flat[found])].tolist():
            near[at].append(code)
    faults = []
    for (number, row), codes in zip(rows, near, strict=True):
        row["beside"] = codes
        if row["street_code"] not in codes:
            where = ", ".join(codes) or "none of the city"
            faults.append(
                RefusedRow(number, f"it runs in {where}, not beside {row['street_code']}")
            )
    return faults
