"""GeoParquet as a layer, read by Arrow, with what it will swell to told before it is read.

Parquet packs a geometry of a gigabyte that repeats itself into some kilobytes. Its metadata says
how large each piece will be, and texts and geometries that repeat stay one in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from gridsvc.errors import BadFile
from gridsvc.readers.layer import READ_ERRORS, Batch, Blobs, Layer, cells_of, stopped
from gridsvc.readers.limits import ReadLimits, above
from gridsvc.readers.source import FileSource
from gridsvc.spatial.crs import crs_of_file

_ROWS_AT_ONCE = 128
# A vertex with height and measure, and what is next to the vertices of a geometry.
_VERTEX_BYTES, _BESIDE_BYTES = 32, 1_000
# The encodings of polygons as nested lists (GeoArrow): how deep the lists lie, and the kind.
_NATIVE_ENCODINGS = {
    "polygon": (2, shapely.GeometryType.POLYGON),
    "multipolygon": (3, shapely.GeometryType.MULTIPOLYGON),
}


def parquet_layer(source: FileSource, limits: ReadLimits) -> Layer:
    """Open a GeoParquet file.

    Raises BadFile without the metadata of GeoParquet or with geometries in an encoding that is not
    taken; TooLarge
    when it would swell above the limits on bytes, vertices or one geometry.
    """
    file = pq.ParquetFile(source.path)
    try:
        geo = json.loads((file.schema_arrow.metadata or {})[b"geo"])
        column = str(geo["primary_column"])
        about = dict(geo["columns"][column])
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(
            f"{source.name} is Parquet without the metadata of GeoParquet; write it with geopandas"
            " or GDAL.",
            field="path",
        ) from error
    encoding = str(about.get("encoding"))
    if encoding != "WKB" and encoding not in _NATIVE_ENCODINGS:
        raise BadFile(
            f"{source.name} stores geometries as {encoding}, which is not accepted; write it with"
            " WKB.",
            field="path",
        )
    _check_sizes(source, file.metadata, column, limits)
    names = [str(name) for name in file.schema_arrow.names]
    flat = [str(it.name) for it in file.schema_arrow if not pa.types.is_nested(it.type)]
    packed = pq.ParquetFile(source.path, read_dictionary=flat)

    def read(columns: Sequence[str]) -> Iterator[Batch]:
        done = 0
        try:
            wanted = list(dict.fromkeys([*columns, column]))
            for rows in packed.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted):
                cells = {name: cells_of(rows, name, "utf-8") for name in columns}
                shapes = rows.column(column)
                yield Batch(
                    cells, Blobs(shapes if encoding == "WKB" else _wkb_of(shapes, encoding))
                )
                done += rows.num_rows
        except READ_ERRORS as error:
            raise stopped(source, done, error) from error

    return Layer(
        source.name, tuple(name for name in names if name != column), _crs(about), (), read
    )


def _check_sizes(source: FileSource, metadata: Any, column: str, limits: ReadLimits) -> None:
    groups = [metadata.row_group(it) for it in range(metadata.num_row_groups)]
    size = sum(it.total_byte_size for it in groups)
    if size > limits.file_bytes:
        words = f"would unpack to {size:,} bytes, more than the {limits.file_bytes:,}"
        raise above(f"{source.name} {words}", "BYTES")
    chunks = [
        chunk
        for group in groups
        for chunk in (group.column(it) for it in range(group.num_columns))
        if chunk.path_in_schema.partition(".")[0] == column
    ]
    most = limits.geometry_bytes
    if any(it.total_uncompressed_size > most * max(1, it.num_values) for it in chunks):
        words = f"one geometry of more than the {most:,} bytes"
        raise above(f"{source.name} holds {words}", "GEOMETRY_BYTES")
    fair = limits.vertices * _VERTEX_BYTES + metadata.num_rows * _BESIDE_BYTES
    if sum(it.total_uncompressed_size for it in chunks) > fair:
        raise above(f"{source.name} has more than the {limits.vertices:,} vertices", "VERTICES")


def _crs(about: dict[str, Any]) -> str | None:
    # Without the key GeoParquet means longitude and latitude on WGS84; null means unknown.
    crs = about.get("crs", "EPSG:4326")
    if isinstance(crs, dict):
        told = crs_of_file(crs)
        # OGC:CRS84 is WGS84 with longitude first, which is the order here anyway.
        return "EPSG:4326" if told.equals("EPSG:4326", ignore_axis_order=True) else told.to_wkt()
    return None if crs is None else str(crs)


def _wkb_of(column: pa.Array, encoding: str) -> pa.Array:
    """The geometries of a column as a binary array, null where there is none.

    Coordinates are structs of x, y and perhaps z, m, or lists of so many numbers.
    """
    depth, kind = _NATIVE_ENCODINGS[encoding]
    there = column.drop_null()
    offsets, inner = [], there
    for _ in range(depth):
        lengths = pc.list_value_length(inner).to_numpy(zero_copy_only=False)
        offsets.append(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
        inner = inner.flatten()
    shapes = shapely.from_ragged_array(kind, _coordinates(inner), tuple(offsets[::-1]))
    blobs = np.full(len(column), None, dtype=object)
    blobs[column.is_valid().to_numpy(zero_copy_only=False)] = shapely.to_wkb(shapes)
    return pa.array(blobs.tolist(), type=pa.large_binary())


def _coordinates(inner: Any) -> Any:
    if pa.types.is_struct(inner.type):
        axes = [inner.type.field(it).name for it in range(inner.type.num_fields)]
        wanted = [axis for axis in ("x", "y", "z") if axis in axes]
        return np.column_stack(
            [pc.struct_field(inner, axis).to_numpy(zero_copy_only=False) for axis in wanted]
        )
    width = inner.type.list_size
    return inner.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)[:, : min(width, 3)]
