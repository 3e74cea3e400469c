"""Polygons that GeoParquet keeps as nested lists of coordinates (GeoArrow) become WKB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

__all__ = ["NATIVE_ENCODINGS", "wkb_of"]

#: GeoParquet's names of the encodings that can hold areas: how deep the lists lie, and the kind.
NATIVE_ENCODINGS = {
    "polygon": (2, shapely.GeometryType.POLYGON),
    "multipolygon": (3, shapely.GeometryType.MULTIPOLYGON),
}


def wkb_of(column: pa.Array, encoding: str) -> pa.Array:
    """The geometries of a column as a binary array, null where there is none.

    Coordinates are structs of x, y and perhaps z, m, or lists of so many numbers. Raises KeyError
    for another encoding.
    """
    depth, kind = NATIVE_ENCODINGS[encoding]
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
