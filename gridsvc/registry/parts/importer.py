"""The one way into the register of parts: check every row, then load all rows or none.

Every row is checked before any is written, all faults are listed, and one of them is enough for
nothing to be loaded. What is sound goes into ``part`` and ``national_id`` by COPY inside the
caller's transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.errors import BadFile
from gridsvc.registry.classes.service import part_class_names
from gridsvc.registry.parts import repository
from gridsvc.registry.parts.checks import (
    Identifiers,
    ImportResult,
    RowFaults,
    check_attributes,
    check_bodies,
    check_geometries,
    check_identifiers,
    repeated,
)
from gridsvc.registry.parts.numbering import number_codes, number_ids
from gridsvc.registry.parts.placing import (
    District,
    Placed,
    Placer,
    district_of,
    explain_outside,
    own_placer,
)
from gridsvc.registry.parts.reading import RawParts

#: Called with the step that begins and the share of the work that is done, 0 to 1.
Progress = Callable[[str, float], None]


def import_parts(
    session: Session,
    raw: RawParts,
    *,
    city: City,
    district: str,
    now: dt.datetime,
    dry_run: bool = False,
    placer: Placer | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import parts that were read into a district's register; never commits.

    ``dry_run`` only checks. Rows without an 8-digit code get one of their street, rows with one
    keep it. A line or polygon is placed by a point on it. What names no class list or first day
    is of the city's list, and of its day ``now``.

    Bad rows are in the result, not raised. Raises BadFile when there are no rows, NotFound and
    BadCode for the district, UnknownClass when the class list is not loaded, CodesExhausted when
    numbers run out.
    """
    tell = progress or (lambda step, share: None)
    if not len(raw):
        raise BadFile(f"{raw.title} has no rows; there is nothing to import.")
    tell("check", 0.0)
    faults = RowFaults(len(raw))
    faults.refuse_each(raw.ragged)
    geometries = check_geometries(raw, faults)
    attributes = check_attributes(
        raw.columns, part_class_names(session, city.standard), city.day(now).isoformat(), faults
    )
    bodies = raw.columns[["competent_body", "owner_body", "maintainer_body"]]
    check_bodies(raw.columns, repository.body_codes(session, set(np.unique(bodies))), faults)
    identifiers = check_identifiers(raw.columns, district, faults)
    repository.lock_register(session, district)
    _check_taken(session, district, identifiers, faults)
    tell("place", 0.4)
    home = district_of(session, district, now)
    placed = _place(
        home, placer or own_placer(session, district, now), raw, geometries, identifiers, faults
    )
    without_grid = int((placed.grid_codes == "").sum())
    if faults.bad.any() or dry_run:
        listed = faults.listed(identifiers.codes, raw.lines)
        return ImportResult(len(raw), 0, listed, without_grid)
    tell("number", 0.6)
    codes = number_codes(session, district, placed.street_codes, identifiers.codes)
    ids, ids_2013 = number_ids(
        session,
        district,
        raw.columns["class_code"].to_numpy(dtype=object),
        identifiers.national_ids,
        identifiers.national_ids_2013,
    )
    _check_made(session, identifiers, ids_2013, faults)
    if faults.bad.any():
        listed = faults.listed(identifiers.codes, raw.lines)
        return ImportResult(len(raw), 0, listed, without_grid)
    tell("load", 0.7)
    rows = attributes.assign(
        district_code=district,
        code=codes,
        national_id=ids,
        national_id_2013=ids_2013,
        standard=city.standard,
        kind="part",
        geometry=shapely.to_wkb(shapely.set_srid(geometries, 4326), hex=True, include_srid=True),
        street_code=placed.street_codes,
        community_code=placed.community_codes,
        grid_code=placed.grid_codes,
        source=raw.columns["source"].replace("", raw.title),
        note=raw.columns["note"],
        **{name: bodies[name] for name in bodies},
    )
    repository.copy_rows(session, "part", rows)
    tell("load", 0.95)
    repository.copy_rows(session, "national_id", _id_rows(district, codes, ids, ids_2013))
    tell("done", 1.0)
    return ImportResult(len(raw), len(raw), (), without_grid, tuple(codes.tolist()))


def _check_taken(
    session: Session, district: str, identifiers: Identifiers, faults: RowFaults
) -> None:
    """Refuse codes and national ids that the register has given already."""
    codes = identifiers.codes
    owners = repository.owners_of_codes(session, district, codes[codes != ""].tolist())
    words = {"unit_grid": "a unit grid", "part": "a part"}
    faults.refuse_each(
        {
            row: f"the code {codes[row]} belongs to {words[owners[codes[row]]]} in the register"
            for row in _rows_in(codes, owners)
        }
    )
    for ids in (identifiers.national_ids, identifiers.national_ids_2013):
        known = repository.known_ids(session, ids[ids != ""].tolist())
        faults.refuse_each(
            {
                row: f"the national id {ids[row]} is already in the register"
                for row in _rows_in(ids, known)
            }
        )


def _check_made(
    session: Session, identifiers: Identifiers, ids_2013: NDArray[np.object_], faults: RowFaults
) -> None:
    """Refuse rows whose 17-digit id leads to a 16-digit one that something else bears."""
    led = (identifiers.national_ids != "") & (identifiers.national_ids_2013 == "")
    if not led.any():
        return
    taken = repository.known_ids(session, ids_2013[led & (ids_2013 != "")].tolist())
    clash = repeated(ids_2013, "the 16-digit national id") | {
        row: f"the 16-digit national id {ids_2013[row]} is already in the register"
        for row in _rows_in(ids_2013, taken)
    }
    faults.refuse_each(clash)


def _place(
    district: District,
    placer: Placer,
    raw: RawParts,
    geometries: NDArray[np.object_],
    identifiers: Identifiers,
    faults: RowFaults,
) -> Placed:
    """Place every row that has a geometry; refuse those outside the district."""
    present = np.flatnonzero(~shapely.is_missing(geometries))
    columns = [np.full(len(raw), "", dtype=width) for width in ("U9", "U12", "U8")]
    if present.size:
        lon, lat = _representative(geometries[present])
        inside = district.holds(lon, lat)
        outside = present[~inside]
        if outside.size:
            x, y = _representative(raw.geometries[outside])
            reasons = explain_outside(district, x, y, raw.crs)
            faults.refuse_each(dict(zip(outside.tolist(), reasons.tolist(), strict=True)))
        found = placer(lon, lat)
        codes = (found.street_codes, found.community_codes, found.grid_codes)
        for column, values in zip(columns, codes, strict=True):
            column[present] = values
        homeless = np.zeros(len(raw), dtype=bool)
        homeless[present[inside]] = True
        homeless &= (columns[0] == "") & (identifiers.codes == "")
        faults.refuse_where(
            homeless, "it lies in no street of the district and so needs an 8-digit code of its own"
        )
    return Placed(*columns)


def _representative(geometries: NDArray[np.object_]) -> tuple[Any, Any]:
    """A point on each geometry: itself for a point; x and y, float64."""
    points = geometries.copy()
    extended = shapely.get_type_id(points) != 0
    points[extended] = shapely.point_on_surface(points[extended])
    return shapely.get_x(points), shapely.get_y(points)


def _rows_in(values: NDArray[np.object_], known: Any) -> list[int]:
    if not known:
        return []
    return [int(row) for row in np.flatnonzero(pd.Series(values).isin(list(known)))]


def _id_rows(
    district: str,
    codes: NDArray[np.object_],
    ids: NDArray[np.object_],
    ids_2013: NDArray[np.object_],
) -> pd.DataFrame:
    has_2013 = ids_2013 != ""
    return pd.DataFrame(
        {
            "id": np.concatenate([ids, ids_2013[has_2013]]),
            "kind": "part",
            "district_code": district,
            "code": np.concatenate([codes, codes[has_2013]]),
        }
    )
