"""Tables of places: a CSV file as texts, and the geometries that columns of a table hold."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadFile
from gridsvc.readers.limits import ReadLimits, above
from gridsvc.readers.source import check_size
from gridsvc.tables import check_header, ragged_fault, records

#: Geometries (object, n), two-dimensional, None where a row has none, and by row the reason why.
Shapes = tuple[NDArray[np.object_], dict[int, str]]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """n records of a file as texts, by column; ``lines`` (int64, n) are where they begin.

    ``ragged`` says by row what is wrong with a record of too few or too many fields; it is filled
    up with empty ones, or cut.
    """

    cells: pd.DataFrame
    lines: NDArray[np.int64]
    ragged: dict[int, str]


def read_csv(path: Path, limits: ReadLimits) -> CsvTable:
    """Read a CSV file in UTF-8, or in GB 18030 as spreadsheets in China write it.

    Raises BadFile when it is neither, is not CSV or has a duplicated column; TooLarge above the
    limits on bytes and features.
    """
    check_size(path, limits)
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise BadFile(f"{path.name} is neither UTF-8 nor GB18030; save it as UTF-8.") from None
    given = records(io.StringIO(text, newline=""), path.name)
    _, header = next(given, (1, []))
    check_header(header, (), None, path.name)
    width = len(header)
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: dict[int, str] = {}
    for line, fields in given:
        if len(rows) == limits.features:
            words = f"more than the {limits.features:,} rows"
            raise above(f"{path.name} has {words}", limits.features_setting)
        if len(fields) != width:
            ragged[len(rows)] = ragged_fault(fields, header)
            fields = [*fields, *[""] * width][:width]
        rows.append(fields)
        lines.append(line)
    cells = pd.DataFrame(rows, columns=pd.Index(header, dtype=object), dtype=object)
    return CsvTable(cells, np.asarray(lines, dtype=np.int64), ragged)


def shapes_of_wkt(texts: NDArray[np.object_]) -> Shapes:
    """The geometries that a column of WKT holds (object, n; '' for none)."""
    given = np.array([bool(text) for text in texts])
    geometries = np.full(len(texts), None, dtype=object)
    geometries[given] = shapely.force_2d(shapely.from_wkt(texts[given], on_invalid="ignore"))
    return geometries, {
        int(row): "the geometry is not WKT" if given[row] else "no geometry"
        for row in np.flatnonzero(shapely.is_missing(geometries))
    }


def points_of(lon: pd.Series, lat: pd.Series) -> Shapes:
    """The points of two columns of numbers or texts, x and y of any system."""
    x = pd.to_numeric(lon, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    y = pd.to_numeric(lat, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    sound = np.isfinite(x) & np.isfinite(y)
    geometries = np.full(len(x), None, dtype=object)
    geometries[sound] = shapely.points(x[sound], y[sound])
    missing: dict[int, str] = {}
    for row in np.flatnonzero(~sound):
        pair = [str(lon.iloc[row]).strip(), str(lat.iloc[row]).strip()]
        missing[int(row)] = (
            "no geometry"
            if not any(pair)
            else f"the coordinates {pair[0]!r}, {pair[1]!r} are not two finite numbers"
        )
    return geometries, missing


def texts_of(values: Any) -> NDArray[np.object_]:
    """Cells as stripped text, '' for none. Numbers lose a fraction of zero, days their hour."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.floor(array))
        texts = [
            "" if np.isnan(value) else str(int(value)) if fits else str(value)
            for value, fits in zip(array.tolist(), whole.tolist(), strict=True)
        ]
    elif array.dtype.kind == "M":
        texts = ["" if np.isnat(day) else str(day) for day in array.astype("datetime64[D]")]
    else:
        texts = [
            "" if value is None or value != value else str(value).strip()
            for value in array.tolist()
        ]
    return np.array(texts, dtype=object)
