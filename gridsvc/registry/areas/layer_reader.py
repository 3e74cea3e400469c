"""One layer of a file, read in batches: GDAL for most formats, Arrow for GeoParquet.

A batch holds few rows, so that what a file takes in memory is what is kept of it, within the limits
on features and vertices. Cells come as texts, or as bytes where they are no text; geometries as
WKB. Curves come as GDAL's straight pieces of four degrees of arc at most.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors
import pyproj

from gridsvc.errors import BadFile, TooLarge
from gridsvc.registry.areas.dbf_text import decoded, encoding_of
from gridsvc.registry.areas.file_format import Format
from gridsvc.registry.areas.file_source import Source
from gridsvc.registry.areas.geojson_crs import crs_of_geojson
from gridsvc.registry.districts import read_divisions
from gridsvc.settings import get_settings

__all__ = ["Batch", "Layer", "open_layer"]

_ROWS_AT_ONCE = 128
# A JSON document in memory is some twenty times its text; one feature may have this much text.
_MAX_GEOJSON_OBJECT_MB = 50
# The drivers whose files hold areas and lead nowhere else.
_DRIVERS = {
    "CSV",
    "ESRI Shapefile",
    "ESRIJSON",
    "FlatGeobuf",
    "GPKG",
    "GeoJSON",
    "GeoJSONSeq",
    "KML",
    "LIBKML",
    "MapInfo File",
    "OpenFileGDB",
    "SQLite",
    "TopoJSON",
}
_CURVES = range(8, 13)
# pyogrio hands GDAL's errors on as DataSourceError, Arrow's stream as OSError or ArrowException.
_READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pa.ArrowException,
    OSError,
    UnicodeError,
    LookupError,
    ValueError,
    RuntimeError,
)

Cell = str | bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in the file's order: cells by column, WKB (None: no geometry), and which were arcs.

    A cell is a text without blanks around it, None when empty, bytes when they are no text.
    """

    cells: dict[str, list[Cell]]
    geometries: list[bytes | None]
    curved: frozenset[int]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its columns, its CRS (WKT or EPSG:n; None: it names none), remarks, and its rows.

    ``read(columns)`` gives batches with these columns. It raises BadFile with the number of the
    feature after which the file could not be read further.
    """

    columns: tuple[str, ...]
    crs: str | None
    remarks: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterator[Batch]]


@contextmanager
def open_layer(
    source: Source, layer: str | None = None, encoding: str | None = None
) -> Iterator[Layer]:
    """Open one layer of a source, the only one with geometries when none is named.

    ``encoding`` is that of a shapefile's texts; without it ``encoding_of`` tells it. Raises BadFile
    when the file cannot be read, has several layers or is of a kind that is not taken.
    """
    with _gdal_option("OGR_GEOJSON_MAX_OBJ_SIZE", _MAX_GEOJSON_OBJECT_MB):
        yield _opened(source, layer, encoding)


def _opened(source: Source, layer: str | None, encoding: str | None) -> Layer:
    try:
        with _quietly():
            if source.format is Format.GEOPARQUET:
                return _parquet(source)
            return _gdal(source, layer, encoding)
    except _READ_ERRORS as error:
        raise BadFile(
            f"{source.name} is no vector file that can be read: {_short(error)}", field="path"
        ) from error


def _gdal(source: Source, layer: str | None, encoding: str | None) -> Layer:
    layer = layer or _only_layer(source)
    shapefile = source.format is Format.SHAPEFILE
    codec, remarks = encoding or "utf-8", []
    if shapefile and encoding is None:
        told = encoding_of(source.path, source.name, {it.name for it in read_divisions()})
        codec, remarks = told.codec, [told.remark] if told.remark else []
    # Latin 1 hands every byte of a shapefile through; of other files GDAL leaves the bytes alone.
    handed = "ISO-8859-1" if shapefile else encoding
    info = pyogrio.read_info(source.path, layer=layer, encoding=handed)
    if info["driver"] not in _DRIVERS:
        raise BadFile(
            f"{source.name} is read by GDAL's driver {info['driver']}, which is not taken for "
            "areas: convert it to GeoPackage.",
            field="path",
        )
    theirs = [str(name) for name in info["fields"]]
    ours = {_column(name, codec) if shapefile else name: name for name in theirs}
    expected = int(info["features"])

    def read(columns: Sequence[str]) -> Iterator[Batch]:
        wanted = {column: ours[column] for column in columns}
        done = 0
        try:
            with (
                _quietly(),
                pyogrio.raw.open_arrow(
                    source.path,
                    layer=layer,
                    encoding=handed if shapefile else None,
                    columns=list(dict.fromkeys(wanted.values())),
                    batch_size=_ROWS_AT_ONCE,
                    use_pyarrow=True,
                ) as (meta, stream),
            ):
                at = meta["geometry_name"] or "wkb_geometry"
                for rows in stream:
                    cells = {
                        column: _cells(rows, name, codec, latin=shapefile)
                        for column, name in wanted.items()
                    }
                    yield _batch(source, layer, rows, at, cells, done)
                    done += rows.num_rows
        except _READ_ERRORS as error:
            raise _stopped(source, done, error) from error
        if expected > done:
            raise BadFile(
                f"{source.name} is cut off: it says that it holds {expected:,} features, and "
                f"{done:,} are there. Nothing was loaded; copy the file again.",
                field="path",
            )

    crs = crs_of_geojson(source.path) if source.format is Format.GEOJSON else None
    return Layer(tuple(ours), crs or info["crs"], tuple(remarks), read)


def _parquet(source: Source) -> Layer:
    file = pq.ParquetFile(source.path)
    try:
        geo = json.loads((file.schema_arrow.metadata or {})[b"geo"])
        column = str(geo["primary_column"])
        about = dict(geo["columns"][column])
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(
            f"{source.name} is Parquet without the metadata of GeoParquet: write it with "
            "geopandas or GDAL.",
            field="path",
        ) from error
    if about.get("encoding") != "WKB":
        raise BadFile(
            f"{source.name} keeps geometries as {about.get('encoding')}: write it with WKB.",
            field="path",
        )
    size = sum(
        file.metadata.row_group(it).total_byte_size for it in range(file.metadata.num_row_groups)
    )
    most = get_settings().import_max_bytes
    if size > most:
        raise TooLarge(
            f"{source.name} would swell to {size:,} bytes, more than the {most:,} that are taken: "
            "split it, or raise GRIDSVC_IMPORT_MAX_BYTES where there is memory for it.",
            field="path",
        )
    # Without the key GeoParquet means longitude and latitude on WGS84; null means unknown.
    crs = about.get("crs", "EPSG:4326")
    if isinstance(crs, dict):
        told = pyproj.CRS.from_json_dict(crs)
        # OGC:CRS84 is WGS84 with longitude first, which is the order here anyway.
        crs = "EPSG:4326" if told.equals("EPSG:4326", ignore_axis_order=True) else told.to_wkt()

    def read(columns: Sequence[str]) -> Iterator[Batch]:
        done = 0
        try:
            wanted = list(dict.fromkeys([*columns, column]))
            for rows in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted):
                cells = {name: _cells(rows, name, "utf-8") for name in columns}
                yield Batch(cells, rows.column(column).to_pylist(), frozenset())
                done += rows.num_rows
        except _READ_ERRORS as error:
            raise _stopped(source, done, error) from error

    names = [str(name) for name in file.schema_arrow.names]
    return Layer(tuple(name for name in names if name != column), crs, (), read)


def _only_layer(source: Source) -> str:
    """The only layer that may have geometries."""
    layers = [
        str(name) for name, kind in pyogrio.list_layers(source.path).tolist() if kind is not None
    ]
    if len(layers) != 1:
        named = f" ({', '.join(layers[:20])}): say which" if layers else " with geometries"
        raise BadFile(f"{source.name} has {len(layers)} layers{named}.", field="layer")
    return layers[0]


def _batch(
    source: Source,
    layer: str,
    rows: pa.RecordBatch,
    at: str,
    cells: dict[str, list[Cell]],
    done: int,
) -> Batch:
    index = rows.schema.get_field_index(at)
    if index < 0:
        return Batch(cells, [None] * rows.num_rows, frozenset())
    blobs = rows.column(index).to_pylist()
    curved = [it for it, blob in enumerate(blobs) if blob is not None and _is_curve(blob)]
    if curved:
        first, count = curved[0], curved[-1] - curved[0] + 1
        straight = pyogrio.raw.read(
            source.path,
            layer=layer,
            columns=[],
            skip_features=done + first,
            max_features=count,
        )[2]
        for it in curved:
            blobs[it] = straight[it - first]
    return Batch(cells, blobs, frozenset(curved))


def _is_curve(blob: bytes) -> bool:
    """Whether WKB holds arcs: its kind is a curved one, in ISO's numbers or in EWKB's flags."""
    kind = int.from_bytes(blob[1:5], "little" if blob[0] else "big")
    return (kind & 0x0FFFFFFF) % 1000 in _CURVES


def _cells(rows: pa.RecordBatch, name: str, codec: str, *, latin: bool = False) -> list[Cell]:
    values = rows.column(rows.schema.get_field_index(name))
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return [_text(value) for value in values.to_pylist()]
    raw = values.cast(pa.large_binary()).to_pylist()
    return [None if it is None else _decoded(it, codec, latin) for it in raw]


def _decoded(raw: bytes, codec: str, latin: bool) -> Cell:
    if latin:
        raw = raw.decode("utf-8").encode("latin-1")
    text = decoded(raw, codec, may_be_cut=latin)
    return raw if text is None else text.strip().strip("\0") or None


def _text(value: Any) -> str | None:
    """A cell that is no string, as text: whole numbers without a fraction, None for no number."""
    if value is None:
        return None
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    return str(value).strip() or None


def _column(name: str, codec: str) -> str:
    """A column's name, which a .dbf cuts after ten bytes."""
    return decoded(name.encode("latin-1", "replace"), codec) or name


def _stopped(source: Source, done: int, error: Exception) -> BadFile:
    return BadFile(
        f"{source.name} cannot be read after feature {done} ({_short(error)}): it is cut off or "
        "damaged there. Nothing was loaded; copy the file again.",
        field="path",
    )


def _short(error: Exception) -> str:
    words = str(error).strip()
    if "not recognized as being in a supported file format" in words:
        return "it is none of the formats that are known here, or its beginning is damaged"
    return words[:300] or type(error).__name__


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what pyogrio warns of: dropped measures and the like are told area by area."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _gdal_option(name: str, value: int) -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: value})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})
