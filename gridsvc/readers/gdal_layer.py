"""One layer of a file, read by GDAL in batches.

A batch holds few rows, so that what a file takes in memory is what is kept of it, within the limits
on features and vertices. Cells come as texts, or as bytes where they are not text; geometries as
WKB. Curves come as GDAL's straight pieces of four degrees of arc at most.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from gridsvc.errors import BadFile
from gridsvc.readers.crs import crs_of_geojson
from gridsvc.readers.dbf_text import decoded, encoding_of
from gridsvc.readers.formats import Format
from gridsvc.readers.layer import READ_ERRORS, Batch, Blobs, Cell, Layer, cells_of, stopped
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.source import FileSource

# Few rows, and fewer where one geometry is large, so that a batch stays small.
_ROWS_AT_ONCE, _BATCH_BYTES = 128, 64_000_000
# The drivers whose files hold features and lead nowhere else.
_DRIVERS = {
    "CSV",
    "DGN",
    "DXF",
    "ESRI Shapefile",
    "ESRIJSON",
    "FlatGeobuf",
    "GML",
    "GPKG",
    "GPX",
    "GeoJSON",
    "GeoJSONSeq",
    "GeoRSS",
    "JSONFG",
    "KML",
    "LIBKML",
    "MapInfo File",
    "OGR_GMT",
    "OSM",
    "OpenFileGDB",
    "S57",
    "SQLite",
    "TopoJSON",
}
_CURVES = range(8, 13)


def gdal_layer(source: FileSource, options: ReadOptions) -> Layer:
    """Open one layer of a source.

    Raises BadFile for several layers and for a driver that is not taken, and one of READ_ERRORS for
    what GDAL cannot open.
    """
    layer, encoding = options.layer or _only_layer(source), options.encoding
    shapefile = source.format is Format.SHAPEFILE
    codec, remarks = encoding or "utf-8", []
    if shapefile and encoding is None:
        told = encoding_of(source.path, source.name, options.known_names)
        codec, remarks = told.codec, [told.remark] if told.remark else []
    # Latin 1 passes every byte of a shapefile through; of other files GDAL leaves the bytes alone.
    handed = "ISO-8859-1" if shapefile else encoding
    info = pyogrio.read_info(source.path, layer=layer, encoding=handed)
    if info["driver"] not in _DRIVERS:
        raise BadFile(
            f"{source.name} is read by GDAL's driver {info['driver']}, which is not accepted;"
            " convert it to GeoPackage.",
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
                quietly(),
                pyogrio.raw.open_arrow(
                    source.path,
                    layer=layer,
                    encoding=handed if shapefile else None,
                    columns=list(dict.fromkeys(wanted.values())),
                    batch_size=_rows_at_once(source),
                    use_pyarrow=True,
                ) as (meta, stream),
            ):
                at = meta["geometry_name"] or "wkb_geometry"
                for rows in stream:
                    cells = {
                        column: cells_of(rows, name, codec, latin=shapefile)
                        for column, name in wanted.items()
                    }
                    yield _batch(source, layer, rows, at, cells, done)
                    done += rows.num_rows
        except READ_ERRORS as error:
            raise stopped(source, done, error) from error
        if expected > done:
            raise BadFile(
                f"{source.name} is cut off: it declares {expected:,} features, but holds {done:,}."
                " Nothing was loaded; copy the file again.",
                field="path",
            )

    crs = crs_of_geojson(source.path) if source.format is Format.GEOJSON else None
    return Layer(source.name, tuple(ours), crs or info["crs"], tuple(remarks), read)


def _rows_at_once(source: FileSource) -> int:
    return max(1, min(_ROWS_AT_ONCE, _BATCH_BYTES // max(1, source.largest_bytes)))


def _only_layer(source: FileSource) -> str:
    """The only layer that may have geometries."""
    layers = [
        str(name) for name, kind in pyogrio.list_layers(source.path).tolist() if kind is not None
    ]
    if len(layers) != 1:
        named = f" ({', '.join(layers[:20])}); say which" if layers else " with geometries"
        raise BadFile(f"{source.name} has {len(layers)} layers{named}.", field="layer")
    return layers[0]


def _batch(
    source: FileSource,
    layer: str,
    rows: pa.RecordBatch,
    at: str,
    cells: dict[str, list[Cell]],
    done: int,
) -> Batch:
    index = rows.schema.get_field_index(at)
    if index < 0:
        return Batch(cells, Blobs(pa.nulls(rows.num_rows)))
    column = rows.column(index)
    curved = _curves(column)
    replaced = {}
    if curved:
        first, count = curved[0], curved[-1] - curved[0] + 1
        straight = pyogrio.raw.read(
            source.path,
            layer=layer,
            columns=[],
            skip_features=done + first,
            max_features=count,
        )[2]
        replaced = {it: straight[it - first] for it in curved}
    return Batch(cells, Blobs(column, replaced), frozenset(curved))


def _curves(column: pa.Array) -> list[int]:
    """The rows whose WKB holds arcs: its kind is a curved one, in ISO's numbers or EWKB's flags."""
    heads = pc.binary_slice(column, 0, 5).to_pylist()
    curved = {head for head in set(heads) if head is not None and _is_curve(head)}
    return [row for row, head in enumerate(heads) if head in curved] if curved else []


def _is_curve(head: bytes) -> bool:
    if len(head) < 5:
        return False
    kind = int.from_bytes(head[1:], "little" if head[0] else "big")
    return (kind & 0x0FFFFFFF) % 1000 in _CURVES


def _column(name: str, codec: str) -> str:
    """A column's name, which a .dbf cuts after ten bytes."""
    return decoded(name.encode("latin-1", "replace"), codec) or name


@contextmanager
def quietly() -> Iterator[None]:
    """Keep what pyogrio warns of: dropped measures and the like are told feature by feature."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def gdal_within(limits: ReadLimits) -> Iterator[None]:
    """Let GDAL take no larger object of GeoJSON than the limits allow, and fetch no schema."""
    options: Mapping[str, str | int] = {
        "OGR_GEOJSON_MAX_OBJ_SIZE": max(1, limits.geometry_bytes // 1_000_000),
        "GML_DOWNLOAD_WFS_SCHEMA": "NO",
    }
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
