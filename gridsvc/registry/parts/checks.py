"""The checks that every row of an import must pass, what they find, and the values they give."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from gridsvc.registry.parts.reading import STATES, RawParts
from gridsvc.spatial.crs import Crs, to_wgs84


@dataclass(frozen=True, slots=True)
class RowFault:
    """One reason why one row is refused.

    ``row`` counts the data rows from 1; ``line`` is the line of a CSV file, None elsewhere;
    ``code`` is the 8-digit code that the row gave, if any.
    """

    row: int
    code: str | None
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"row {self.row}" if self.line is None else f"row {self.row} (line {self.line})"
        return f"{where}{f', code {self.code}' if self.code else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: parts loaded, every fault by row, parts that lie in no unit grid.

    Any fault means that nothing was loaded; ``rows`` is what the source held.
    """

    rows: int
    loaded: int
    refused: tuple[RowFault, ...]
    without_grid: int
    codes: tuple[str, ...] = ()


class RowFaults:
    """Collects the reasons row by row; rows here count from 0."""

    def __init__(self, count: int) -> None:
        self._reasons: dict[int, list[str]] = {}
        self.bad: NDArray[np.bool_] = np.zeros(count, dtype=bool)

    def refuse(self, row: int, reason: str) -> None:
        """Add a reason for one row."""
        self._reasons.setdefault(row, []).append(reason)
        self.bad[row] = True

    def refuse_where(self, mask: ArrayLike, reason: str) -> None:
        """Add one reason for all rows where the mask (bool, n) holds."""
        for row in np.flatnonzero(mask).tolist():
            self.refuse(row, reason)

    def refuse_each(self, reasons: Mapping[int, str]) -> None:
        """Add a reason of its own for each row named."""
        for row, reason in reasons.items():
            self.refuse(row, reason)

    def listed(
        self, codes: NDArray[np.object_], lines: NDArray[np.int64] | None
    ) -> tuple[RowFault, ...]:
        """All faults in order of row, as a person counts rows."""
        return tuple(
            RowFault(
                row + 1, codes[row] or None, reason, None if lines is None else int(lines[row])
            )
            for row in sorted(self._reasons)
            for reason in self._reasons[row]
        )


_NAME_LENGTH = 30
_BODY_COLUMNS = ("competent_body", "owner_body", "maintainer_body")
#: Points, lines, polygons and their multiples, in GEOS's numbering.
_KINDS = (0, 1, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The identifiers that the rows came with (object, n each), '' for none."""

    codes: NDArray[np.object_]
    national_ids: NDArray[np.object_]
    national_ids_2013: NDArray[np.object_]


def check_geometries(raw: RawParts, faults: RowFaults) -> NDArray[np.object_]:
    """The geometries in WGS84 (object, n), None where a row has none that can be used."""
    faults.refuse_each(raw.faults)
    present = ~shapely.is_missing(raw.geometries)
    empty = present & shapely.is_empty(raw.geometries)
    faults.refuse_where(empty, "no geometry (it is empty)")
    foreign = present & ~np.isin(shapely.get_type_id(raw.geometries), _KINDS)
    faults.refuse_where(foreign, "the geometry is neither point, line nor polygon")
    broken = present & ~empty & ~foreign & ~shapely.is_valid(raw.geometries)
    faults.refuse_each(
        {
            int(row): f"the geometry is broken ({shapely.is_valid_reason(raw.geometries[row])})"
            for row in np.flatnonzero(broken)
        }
    )
    usable = np.flatnonzero(present & ~empty & ~foreign & ~broken)
    return _to_wgs84(raw, usable, faults)


def check_attributes(
    columns: pd.DataFrame, classes: Mapping[str, str], today: str, faults: RowFaults
) -> pd.DataFrame:
    """Names, states, dates and position classes as they are stored; defaults where none is given.

    A part without a name bears its class's, without a state is intact, without a position class
    is of the least, C, and without a first date begins ``today``.
    """
    class_code = columns["class_code"]
    for code in sorted(set(class_code) - classes.keys()):
        faults.refuse_where(class_code == code, _unknown_class(code, classes))
    state = columns["state"].str.lower().replace("", "intact").map(STATES)
    for row in np.flatnonzero(state.isna()).tolist():
        faults.refuse(
            row, f"unknown state {columns['state'][row]!r}: 完好, 破损, 丢失, 废弃 or 移除"
        )
    name = columns["name"].where(columns["name"] != "", class_code.map(classes).fillna(""))
    faults.refuse_where(
        name.str.len() > _NAME_LENGTH, f"the name has more than {_NAME_LENGTH} characters"
    )
    position = columns["position_class"].str.upper().replace("", "C")
    faults.refuse_where(~position.isin(["A", "B", "C"]), "the position class is not A, B or C")
    first = columns["first_date"].replace("", today)
    return pd.DataFrame(
        {
            "class_code": class_code,
            "name": name,
            "state": state,
            "position_class": position,
            "first_date": _dates(first, "first date", faults),
            "change_date": _dates(columns["change_date"], "change date", faults),
        }
    )


def check_bodies(columns: pd.DataFrame, known: Collection[str], faults: RowFaults) -> None:
    """Every body named must be known, and the competent one named."""
    faults.refuse_where(columns["competent_body"] == "", "no competent body (主管部门)")
    for column in _BODY_COLUMNS:
        for code in sorted(set(columns[column]) - set(known) - {""}):
            faults.refuse_where(
                columns[column] == code, f"unknown body {code!r} in {column}: load bodies first"
            )


def check_identifiers(columns: pd.DataFrame, district: str, faults: RowFaults) -> Identifiers:
    """Tell 8-digit codes and national ids apart by their length, in either of both columns."""
    given = {length: np.full(len(columns), "", dtype=object) for length in (8, 16, 17)}
    for column in ("code", "national_id"):
        texts = columns[column]
        digits = texts.str.fullmatch("[0-9]+").to_numpy(dtype=bool)
        length = texts.str.len().to_numpy()
        for wanted, values in given.items():
            here = digits & (length == wanted)
            again = here & (values != "") & (values != texts)
            faults.refuse_where(again, f"two different ids of {wanted} digits")
            values[here] = texts[here]
        wrong = (texts != "").to_numpy() & ~(digits & np.isin(length, list(given)))
        faults.refuse_each(
            {
                int(row): (
                    f"the code {texts[row]!r} does not have 8 digits, nor 16 or 17 as a national id"
                )
                for row in np.flatnonzero(wrong)
            }
        )
    class_code = columns["class_code"].to_numpy()
    for row in np.flatnonzero(given[17] != "").tolist():
        national = given[17][row]
        if national[:11] != district + class_code[row] or national.endswith("000000"):
            faults.refuse(
                row,
                f"the national id {national} does not belong to district {district} and its class",
            )
    for row in np.flatnonzero(given[16] != "").tolist():
        if given[16][row][:6] != district:
            faults.refuse(
                row, f"the national id {given[16][row]} does not belong to district {district}"
            )
    for length, values in given.items():
        what = "the code" if length == 8 else "the national id"
        faults.refuse_each(repeated(values, what))
    return Identifiers(given[8], given[17], given[16])


def repeated(values: NDArray[np.object_], what: str) -> dict[int, str]:
    """A reason for each row whose value (not '') occurs in several rows."""
    series = pd.Series(values)
    twice = series[(series != "") & series.duplicated(keep=False)]
    reasons: dict[int, str] = {}
    for value, rows in twice.groupby(twice).groups.items():
        listed = ", ".join(str(row + 1) for row in rows[:5]) + (" ..." if len(rows) > 5 else "")
        reasons |= {int(row): f"{what} {value} is duplicated, in rows {listed}" for row in rows}
    return reasons


def _to_wgs84(raw: RawParts, usable: NDArray[np.int64], faults: RowFaults) -> NDArray[np.object_]:
    geometries = np.full(len(raw), None, dtype=object)
    if not usable.size:
        return geometries
    coordinates, owner = shapely.get_coordinates(raw.geometries[usable], return_index=True)
    x, y = coordinates.T
    bad = np.zeros(len(usable), dtype=bool)
    for reason, vertices in _out_of_range(x, y, raw.crs):
        rows = np.unique(owner[vertices])
        faults.refuse_each({int(usable[row]): reason for row in rows if not bad[row]})
        bad[rows] = True
    with np.errstate(invalid="ignore"):
        moved = np.column_stack(to_wgs84(x, y, raw.crs))
    lost = np.unique(owner[~np.isfinite(moved).all(axis=1)])
    faults.refuse_each(
        {
            int(usable[row]): f"the coordinates are not a place in {raw.crs.name}"
            for row in lost
            if not bad[row]
        }
    )
    bad[lost] = True
    sound = ~bad
    geometries[usable[sound]] = shapely.set_coordinates(
        raw.geometries[usable[sound]].copy(), moved[sound[owner]]
    )
    return geometries


def _out_of_range(x: Any, y: Any, crs: Crs) -> list[tuple[str, NDArray[np.bool_]]]:
    if not crs.in_degrees:
        return []
    swapped = (np.abs(y) > 90) & (np.abs(y) <= 180) & (np.abs(x) <= 90)
    beyond = ((np.abs(x) > 180) | (np.abs(y) > 90)) & ~swapped
    return [
        ("wrong CRS: longitude and latitude seem to be swapped", swapped),
        (
            f"wrong CRS: the coordinates are not degrees, as {crs.name} has them; metres of a"
            " projected system need its EPSG code declared",
            beyond,
        ),
    ]


def _unknown_class(code: str, classes: Mapping[str, str]) -> str:
    if not code:
        return "no class"
    if (padded := code.zfill(5)) != code and padded in classes:
        return f"unknown class {code!r}; with its leading zero {padded} is {classes[padded]}"
    return f"unknown class {code!r}"


def _dates(texts: Any, what: str, faults: RowFaults) -> Any:
    plain = texts.str.replace("/", "-", regex=False).str.slice(0, 10)
    compact = plain.str.fullmatch("[0-9]{8}")
    plain = plain.where(
        ~compact, plain.str.replace(r"^(.{4})(.{2})(.{2})$", r"\1-\2-\3", regex=True)
    )
    days = pd.to_datetime(plain.where(plain != ""), format="%Y-%m-%d", errors="coerce")
    faults.refuse_each(
        {
            int(row): f"the {what} {texts[row]!r} is not a date: write 2004-10-22"
            for row in np.flatnonzero(days.isna() & (texts != ""))
        }
    )
    return days.dt.strftime("%Y-%m-%d").where(days.notna(), None)
