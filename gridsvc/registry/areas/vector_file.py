"""Any vector file that GDAL reads becomes features: number, texts, and a geometry in WGS84."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.errors
import shapely

from gridsvc.errors import BadCoordinate, BadFile, UnknownCrs
from gridsvc.spatial.crs import Crs, geometry_to_wgs84, parse_crs

__all__ = ["Feature", "VectorFile", "read_vector_file"]

# What a Chinese shapefile without a word about its encoding is written in: one of these two.
_ENCODINGS = ("utf-8", "gb18030")


@dataclass(frozen=True, slots=True)
class Feature:
    """A row of a file, numbered from 1.

    ``texts`` holds the columns that were asked for (None: empty). ``geometry`` is in WGS84, None
    when there is none or when it cannot be used; then ``trouble`` says why.
    """

    number: int
    texts: dict[str, str | None]
    geometry: Any
    trouble: str | None


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The features of one layer, the CRS they were read by, and remarks on the reading."""

    features: tuple[Feature, ...]
    crs: Crs
    remarks: tuple[str, ...]


def read_vector_file(
    path: Path,
    columns: Sequence[str],
    *,
    crs: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
) -> VectorFile:
    """Read the given columns and the geometries of one layer (the only one when None).

    ``crs``, when declared, is believed before the file's own. ``encoding`` is that of a shapefile's
    texts; without it the .cpg file or the header of the .dbf is believed, and where both are
    silent, UTF-8 and then GB 18030 (which holds GBK) are tried. Arcs arrive as GDAL's straight
    pieces of four degrees. Raises BadFile when the file cannot be read, has several layers, lacks a
    column or names no CRS; UnknownCrs as ``parse_crs`` does.
    """
    if not path.exists():
        raise BadFile(f"There is no file {path}: check the path.", field="path")
    if layer is None:
        layer = _only_layer(path)
    remarks: list[str] = []
    raw_texts = encoding is None and _names_no_encoding(path)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            meta, _, blobs, values = pyogrio.raw.read(
                path,
                layer=layer,
                # Latin 1 hands every byte through, to be decoded below.
                encoding="ISO-8859-1" if raw_texts else encoding,
                force_2d=False,
                datetime_as_string=True,
            )
    except (pyogrio.errors.DataSourceError, UnicodeError, LookupError, ValueError) as error:
        raise BadFile(f"{path.name} cannot be read: {error}", field="path") from error
    remarks += [str(warning.message) for warning in caught]
    names = [str(name) for name in meta["fields"]]
    table: dict[str, list[str | None]] = {
        name: [_text(value) for value in column] for name, column in zip(names, values, strict=True)
    }
    if raw_texts:
        table, remark = _decoded(path, table)
        remarks.append(remark)
    for column in columns:
        if column not in table:
            raise BadFile(
                f"{path.name} has no column {column!r}: it has {', '.join(table) or 'none'}.",
                field="columns",
            )
    known = _crs_of(path, crs, meta["crs"], remarks)
    features = []
    for index in range(len(values[0]) if blobs is None else len(blobs)):
        geometry, trouble = _geometry(None if blobs is None else blobs[index], known)
        texts = {column: table[column][index] for column in columns}
        features.append(Feature(index + 1, texts, geometry, trouble))
    return VectorFile(tuple(features), known, tuple(remarks))


def _only_layer(path: Path) -> str:
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError as error:
        raise BadFile(
            f"{path.name} is no vector file that GDAL can read: {error}", field="path"
        ) from error
    if len(layers) != 1:
        raise BadFile(
            f"{path.name} has {len(layers)} layers ({', '.join(layers)}): say which.", field="layer"
        )
    return layers[0]


def _names_no_encoding(path: Path) -> bool:
    """Whether this is a shapefile with neither a .cpg file nor a code page in its .dbf."""
    if path.suffix.lower() != ".shp":
        return False
    if any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG")):
        return False
    for suffix in (".dbf", ".DBF"):
        table = path.with_suffix(suffix)
        if table.exists():
            with table.open("rb") as stream:
                header = stream.read(32)
            return len(header) == 32 and header[29] == 0
    return False


def _decoded(
    path: Path, table: dict[str, list[str | None]]
) -> tuple[dict[str, list[str | None]], str]:
    for encoding in _ENCODINGS:
        try:
            decoded = {
                _recode(name, encoding): [
                    None if value is None else _recode(value, encoding) for value in column
                ]
                for name, column in table.items()
            }
        except UnicodeError:
            continue
        return decoded, f"{path.name} names no encoding; its texts were read as {encoding}"
    raise BadFile(
        f"{path.name} names no encoding, and its texts are neither UTF-8 nor GB 18030: declare "
        "the encoding.",
        field="encoding",
    )


def _recode(text: str, encoding: str) -> str:
    return text.encode("latin-1").decode(encoding)


def _text(value: Any) -> str | None:
    """A cell as text: whole numbers without a fraction, None for what is empty."""
    if value is None:
        return None
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        value = int(value) if float(value).is_integer() else value
    return str(value).strip() or None


def _crs_of(path: Path, declared: str | None, own: str | None, remarks: list[str]) -> Crs:
    if declared is not None:
        known = parse_crs(declared)
        if own is not None and _crs_or_none(own) != known:
            remarks.append(
                f"{path.name} calls its CRS {own[:60]}; read as {known.name}, as declared"
            )
        return known
    if own is None:
        raise BadFile(
            f"{path.name} names no CRS: declare it (wgs84, gcj02, bd09, EPSG:n or WKT).",
            field="crs",
        )
    return parse_crs(own)


def _crs_or_none(text: str) -> Crs | None:
    try:
        return parse_crs(text)
    except UnknownCrs:
        return None


def _geometry(blob: bytes | None, crs: Crs) -> tuple[Any, str | None]:
    if blob is None:
        return None, "it has no geometry"
    try:
        geometry = shapely.from_wkb(blob)
    except shapely.errors.GEOSException as error:
        return None, f"its geometry cannot be read: {error}"
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return None, "a coordinate is no finite number"
    try:
        return geometry_to_wgs84(geometry, crs), None
    except BadCoordinate as error:
        return None, error.detail
