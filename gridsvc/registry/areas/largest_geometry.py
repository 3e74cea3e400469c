"""How large the largest geometry of a file is, read from its index without reading a geometry.

GDAL takes a feature whole, several times over: one that fills a file of a gigabyte would take five
in memory before its vertices could be counted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import column, create_engine, func, select, table
from sqlalchemy.exc import SQLAlchemyError

from gridsvc.registry.areas.file_format import Format, sibling

__all__ = ["largest_geometry_bytes"]

_SHX_HEADER_BYTES = 100


def largest_geometry_bytes(path: Path, kind: Format) -> int:
    """The size of the largest geometry of a Shapefile or a GeoPackage; 0 where nothing tells it."""
    if kind is Format.SHAPEFILE and (index := sibling(path, ".shx")) is not None:
        # Pairs of offset and length, in words of two bytes.
        pairs = np.fromfile(index, dtype=">i4", offset=_SHX_HEADER_BYTES)
        return 2 * int(pairs[1::2].max(initial=0))
    if kind is Format.GEOPACKAGE:
        return _in_geopackage(path)
    return 0


def _in_geopackage(path: Path) -> int:
    engine = create_engine(f"sqlite:///{path}")
    named = table("gpkg_geometry_columns", column("table_name"), column("column_name"))
    largest = 0
    try:
        with engine.connect() as base:
            for layer, geometry in base.execute(select(named.c.table_name, named.c.column_name)):
                rows = table(layer, column(geometry))
                size = base.scalar(select(func.max(func.length(rows.c[geometry]))))
                largest = max(largest, int(size or 0))
    except SQLAlchemyError:
        return largest  # what is wrong with the file, GDAL says better
    finally:
        engine.dispose()
    return largest
