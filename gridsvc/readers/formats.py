"""Which format a vector file has, told by its first bytes and not by its name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

_SHAPE_MAGIC = b"\x00\x00\x27\x0a"


class Format(StrEnum):
    """The formats that are told by their first bytes; GDAL tries the others."""

    SHAPEFILE = "Shapefile"
    GEOPACKAGE = "GeoPackage"
    GEOJSON = "GeoJSON"
    FLATGEOBUF = "FlatGeobuf"
    GEOPARQUET = "GeoParquet"
    KML = "KML"
    FILE_GDB = "FileGDB"
    OTHER = "another format"


def format_of(path: Path) -> Format:
    """The format of a file or of a .gdb folder, told by its first bytes."""
    if path.is_dir():
        return Format.FILE_GDB if path.suffix.lower() == ".gdb" else Format.OTHER
    head = head_of(path, 4096)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x1e \t\r\n")
    if head.startswith(_SHAPE_MAGIC):
        return Format.SHAPEFILE
    if head.startswith(b"SQLite format 3\0"):
        return Format.GEOPACKAGE
    if head.startswith(b"fgb"):
        return Format.FLATGEOBUF
    if head.startswith(b"PAR1"):
        return Format.GEOPARQUET
    if text.startswith((b"{", b"[")):
        return Format.GEOJSON
    return Format.KML if b"<kml" in head else Format.OTHER


def sibling(path: Path, suffix: str) -> Path | None:
    """The file of the same stem and another suffix, in small or capital letters."""
    for written in (suffix, suffix.upper()):
        if (found := path.with_suffix(written)).is_file():
            return found
    return None


def head_of(path: Path, size: int) -> bytes:
    """The first bytes of a file, no more than ``size``."""
    with path.open("rb") as stream:
        return stream.read(size)


def tail_of(path: Path, size: int) -> bytes:
    """The last bytes of a file, no more than ``size``."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - size))
        return stream.read(size)
