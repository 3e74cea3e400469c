"""Reads parts as they come (CSV, a vector file that GDAL reads, a data frame) into one shape."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadFile, UnknownCrs
from gridsvc.registry.parts.columns import COLUMNS, match_columns
from gridsvc.spatial.crs import Crs, parse_crs

__all__ = ["RawParts", "Source", "read_parts"]

#: A path to a CSV or vector file, or a data frame with our column names.
Source: TypeAlias = Path | str | pd.DataFrame

_GEOMETRY_COLUMNS = ("lon", "lat", "wkt")


@dataclass(frozen=True, slots=True)
class RawParts:
    """n rows as read, nothing judged yet but the geometry's form.

    ``columns`` has every column of ``COLUMNS`` but the three of the geometry, as text, empty for
    absent. ``geometries`` (object, n) is in ``crs``, two-dimensional, None where the row has none
    that can be read; ``no_geometry`` says why. ``lines`` are the rows' lines in a CSV file.
    """

    columns: pd.DataFrame
    geometries: NDArray[np.object_]
    no_geometry: dict[int, str]
    crs: Crs
    title: str
    lines: NDArray[np.int64] | None = None
    ragged: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns)


def read_parts(source: Source, crs: str | None, mapping: Mapping[str, str] | None) -> RawParts:
    """Read every row of ``source``.

    ``crs`` declares the coordinates' system; when None, the file's own, else WGS84. Raises BadFile
    when the file cannot be read or its columns cannot be told, UnknownCrs as ``parse_crs`` does.
    """
    if isinstance(source, pd.DataFrame):
        return _from_table(source, parse_crs(crs or "wgs84"), mapping, "data frame")
    path = Path(source)
    if not path.exists():
        raise BadFile(f"There is no file {path}: give the path of a CSV or a vector file.")
    if path.suffix.lower() in (".csv", ".txt"):
        table, lines, ragged = _read_csv(path)
        raw = _from_table(table, parse_crs(crs or "wgs84"), mapping, path.name)
        return RawParts(
            raw.columns, raw.geometries, raw.no_geometry, raw.crs, raw.title, lines, ragged
        )
    return _read_vector(path, crs, mapping)


def _read_csv(path: Path) -> tuple[pd.DataFrame, NDArray[np.int64], dict[int, str]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")  # what spreadsheets in China write
        except UnicodeDecodeError:
            raise BadFile(f"{path.name} is neither UTF-8 nor GB18030: save it as UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: dict[int, str] = {}
    try:
        header = next(reader, [])
        width, begins = len(header), reader.line_num + 1
        for row in reader:
            if row:
                if len(row) != width:
                    ragged[len(rows)] = f"the line has {len(row)} fields, the header {width}"
                    row = [*row, *[""] * width][:width]
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(
            f"{path.name}, line {reader.line_num}: {error}; check the quotes there."
        ) from error
    if len(set(header)) != width:
        raise BadFile(f"{path.name}, line 1: a column name stands twice; make them different.")
    table = pd.DataFrame(rows, columns=pd.Index(header, dtype=object), dtype=object)
    return table, np.asarray(lines, dtype=np.int64), ragged


def _read_vector(path: Path, crs: str | None, mapping: Mapping[str, str] | None) -> RawParts:
    try:
        meta, _, wkb, columns = pyogrio.raw.read(path, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise BadFile(f"{path.name} cannot be read as a vector file: {error}") from error
    if wkb is None:
        raise BadFile(f"{path.name} has no geometries: give a layer of points, lines or polygons.")
    if crs is not None:
        known = parse_crs(crs)
    elif meta["crs"] is None:
        raise UnknownCrs(f"{path.name} names no reference system: declare one.", field="crs")
    else:
        known = parse_crs(meta["crs"])
    table = pd.DataFrame(
        {name: _as_text(values) for name, values in zip(meta["fields"], columns, strict=True)},
        dtype=object,
        index=range(len(wkb)),
    )
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    return RawParts(
        _text_columns(table, match_columns(table.columns, mapping)),
        np.asarray(geometries, dtype=object),
        {int(row): "no geometry" for row in np.flatnonzero(shapely.is_missing(geometries))},
        known,
        path.name,
    )


def _from_table(
    table: pd.DataFrame, crs: Crs, mapping: Mapping[str, str] | None, title: str
) -> RawParts:
    chosen = match_columns([str(name) for name in table.columns], mapping)
    if "wkt" in chosen:
        geometries, missing = _from_wkt(_as_text(table[chosen["wkt"]].to_numpy()))
    elif "lon" in chosen and "lat" in chosen:
        geometries, missing = _from_lon_lat(table[chosen["lon"]], table[chosen["lat"]])
    else:
        raise BadFile(
            f"{title} has no geometry: name the columns lon and lat (or x and y), or wkt, or map"
            f" them; it has {', '.join(map(str, table.columns))}.",
            field="mapping",
        )
    return RawParts(_text_columns(table, chosen), geometries, missing, crs, title)


def _from_wkt(texts: NDArray[np.object_]) -> tuple[NDArray[np.object_], dict[int, str]]:
    given = np.array([bool(text) for text in texts])
    geometries = np.full(len(texts), None, dtype=object)
    geometries[given] = shapely.force_2d(shapely.from_wkt(texts[given], on_invalid="ignore"))
    return geometries, {
        int(row): "the geometry is no WKT" if given[row] else "no geometry"
        for row in np.flatnonzero(shapely.is_missing(geometries))
    }


def _from_lon_lat(lon: Any, lat: Any) -> tuple[NDArray[np.object_], dict[int, str]]:
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


def _text_columns(table: pd.DataFrame, chosen: Mapping[str, str]) -> pd.DataFrame:
    absent = np.full(len(table), "", dtype=object)
    return pd.DataFrame(
        {
            ours: _as_text(table[chosen[ours]].to_numpy()) if ours in chosen else absent
            for ours in COLUMNS
            if ours not in _GEOMETRY_COLUMNS
        }
    )


def _as_text(values: Any) -> NDArray[np.object_]:
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
