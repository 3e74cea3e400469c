"""How large the largest geometry of a file is, told without reading a geometry.

GDAL takes a feature whole, several times over: one that fills a file of a gigabyte would take five
in memory before its vertices could be counted. So each format's own lengths are looked at first.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import column, create_engine, func, select, table
from sqlalchemy.exc import SQLAlchemyError

from gridsvc.readers.formats import Format, sibling

_SHX_HEADER_BYTES = 100
# A geodatabase packs a vertex of 16 bytes into two where vertices lie on a line.
_GDB_PACKED = 8
_GDB_HEADER_BYTES, _GDB_ROWS_A_BLOCK = 16, 1024
_FGB_MAGIC_BYTES, _FGB_NODE_BYTES, _FGB_DEFAULT_NODE = 8, 40, 16
_TEXT_BYTES_AT_ONCE = 16_000_000


def largest_geometry_bytes(path: Path, kind: Format, most_features: int) -> int:
    """The size of the largest geometry of a file, at least; 0 where nothing tells it.

    A FlatGeobuf, which has no table of sizes, is looked through for so many features and one more.
    Of KML it is the longest text between two tags, of a geodatabase what its longest row may
    hold once unpacked.
    """
    try:
        if kind is Format.FLATGEOBUF:
            return _in_flatgeobuf(path, most_features)
        measure = _MEASURES.get(kind)
        return 0 if measure is None else measure(path)
    except (SQLAlchemyError, OSError, ValueError, struct.error):
        return 0  # what is wrong with the file, its reader says better


def _in_shapefile(path: Path) -> int:
    index = sibling(path, ".shx")
    if index is None:
        return 0
    # Pairs of offset and length, in words of two bytes.
    pairs = np.fromfile(index, dtype=">i4", offset=_SHX_HEADER_BYTES)
    return 2 * int(pairs[1::2].max(initial=0))


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
    finally:
        engine.dispose()
    return largest


def _in_flatgeobuf(path: Path, most_features: int) -> int:
    """Features follow each other, each after its length, behind header and index."""
    largest, end = 0, path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(_FGB_MAGIC_BYTES)
        header = stream.read(struct.unpack("<I", stream.read(4))[0])
        at = stream.tell() + _index_bytes(header)
        for _ in range(most_features + 1):
            stream.seek(at)
            length = stream.read(4)
            size = struct.unpack("<I", length)[0] if len(length) == 4 else end
            if at + 4 + size > end:
                break  # the file's end, or a length that is none: GDAL tells that
            largest, at = max(largest, size), at + 4 + size
    return largest


def _index_bytes(header: bytes) -> int:
    """The size of the packed R-tree that a FlatGeobuf header announces."""
    (start,) = struct.unpack_from("<I", header, 0)
    vtable = start - struct.unpack_from("<i", header, start)[0]
    (size,) = struct.unpack_from("<H", header, vtable)

    def field(number: int, form: str, default: int) -> int:
        slot = 4 + 2 * number
        offset = struct.unpack_from("<H", header, vtable + slot)[0] if slot < size else 0
        return int(struct.unpack_from(form, header, start + offset)[0]) if offset else default

    nodes, width = field(8, "<Q", 0), field(9, "<H", _FGB_DEFAULT_NODE)
    if width < 2 or nodes == 0:
        return 0
    # Leaves, then one level after the other up to the root, which a single leaf has as well.
    total = nodes
    while True:
        nodes = -(-nodes // width)
        total += nodes
        if nodes == 1:
            return total * _FGB_NODE_BYTES


def _in_file_gdb(folder: Path) -> int:
    """Each table has an index of its rows' offsets; a row begins with its length."""
    longest = 0
    for rows in folder.glob("*.gdbtable"):
        index = rows.with_suffix(".gdbtablx")
        if not index.is_file():
            continue
        head = index.read_bytes()[:_GDB_HEADER_BYTES]
        version, blocks, _, width = struct.unpack("<IIII", head)
        if version != 3 or width not in (4, 5, 6) or blocks == 0:
            continue
        count = blocks * _GDB_ROWS_A_BLOCK
        raw = np.fromfile(index, np.uint8, count * width, offset=_GDB_HEADER_BYTES)
        places = raw[: len(raw) // width * width].reshape(-1, width).astype(np.int64)
        offsets = (places << (8 * np.arange(width))).sum(axis=1)
        offsets = offsets[(offsets > 0) & (offsets < rows.stat().st_size - 4)]
        if len(offsets):
            table_bytes = np.memmap(rows, np.uint8, mode="r")
            lengths = table_bytes[offsets[:, None] + np.arange(4)].copy().view("<u4")
            longest = max(longest, int(lengths.max()))
    return longest * _GDB_PACKED


def _longest_text(path: Path) -> int:
    """The longest run of bytes without a tag's beginning."""
    longest = run = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_TEXT_BYTES_AT_ONCE):
            tags = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("<"))
            if len(tags):
                between = int(np.diff(tags).max(initial=0))
                longest = max(longest, run + int(tags[0]), between)
                run = len(chunk) - int(tags[-1])
            else:
                run += len(chunk)
    return max(longest, run)


_MEASURES: dict[Format, Callable[[Path], int]] = {
    Format.SHAPEFILE: _in_shapefile,
    Format.GEOPACKAGE: _in_geopackage,
    Format.FILE_GDB: _in_file_gdb,
    Format.KML: _longest_text,
}
