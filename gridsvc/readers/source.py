"""What a user's path holds, looked at before any reader opens it: format, size, zip, completeness.

Readers trust a file's own words: they unpack what a zip declares, follow a virtual file to other
files and hosts, and give the features that a cut file still has as if they were all. So what can be
told from the bytes alone is checked here, within the limits that are given.
"""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gridsvc.errors import BadFile, TooLarge
from gridsvc.readers.formats import Format, format_of, head_of, sibling, tail_of
from gridsvc.readers.largest_geometry import largest_geometry_bytes
from gridsvc.readers.limits import ReadLimits, above

# A zip below this is harmless whatever its ratio: a .dbf of blanks shrinks a hundredfold.
_SMALL_ZIP_BYTES = 10_000_000
_MAX_ZIP_MEMBERS = 10_000
# GDAL keeps KML, and JSON that is not a list of features, whole in memory: in six times and in
# fifty times its text.
_MOST_KML_BYTES, _MOST_JSON_BYTES = 200_000_000, 20_000_000
# What zipfile raises for what is no zip: names in no encoding and wrong lengths among them.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
# Texts that lead GDAL to other files, hosts or commands.
_LEADING_AWAY = (b"<OGRVRTDataSource", b"gdal_streamed_alg", b"<OGRWFSDataSource")


@dataclass(frozen=True, slots=True)
class FileSource:
    """What a reader opens, its format, and the name by which messages call the user's file.

    ``largest_bytes`` is the size of its largest geometry, 0 where nothing tells it beforehand.
    """

    path: Path
    format: Format
    name: str
    largest_bytes: int = 0


@contextmanager
def opened_source(path: Path, limits: ReadLimits) -> Iterator[FileSource]:
    """Look at a file or a .gdb folder; a zip is unpacked into a folder that goes at the end.

    Raises BadFile when there is nothing, when the file is empty, cut off, encrypted or leads to
    other files, and when a zip does not hold exactly one vector file; TooLarge above
    the limits on bytes, on what a zip swells to and on one geometry, before anything is unpacked.
    """
    check_size(path, limits)
    if path.is_file() and head_of(path, 4) == b"PK\x03\x04":
        with tempfile.TemporaryDirectory(prefix="gridsvc-file-") as folder:
            yield _checked(_unpacked(path, Path(folder), limits), path.name, limits)
    else:
        yield _checked(path, path.name, limits)


def check_size(path: Path, limits: ReadLimits) -> None:
    """Refuse a path with nothing there, an empty file (BadFile), one above the limit (TooLarge)."""
    if not path.exists():
        raise BadFile(f"There is no file {path}; check the path.", field="path")
    held = [path] if path.is_file() else [it for it in path.rglob("*") if it.is_file()]
    size = sum(it.stat().st_size for it in held)
    if size == 0:
        raise BadFile(f"{path.name} is empty; ask for the file again.", field="path")
    if size > limits.file_bytes:
        raise above(f"{path.name} has {size:,} bytes, more than the {limits.file_bytes:,}", "BYTES")


def _checked(path: Path, name: str, limits: ReadLimits) -> FileSource:
    source = FileSource(path, format_of(path), name)
    head = b"" if path.is_dir() else head_of(path, 4096)
    if any(words in head for words in _LEADING_AWAY):
        raise BadFile(
            f"{name} holds no features but refers to other files; give the file that has them.",
            field="path",
        )
    lack = _lack(source)
    if lack is not None:
        raise BadFile(
            f"{name} is cut off or damaged: {lack}. Nothing was loaded; copy the file again.",
            field="path",
        )
    _check_held_whole(source, head)
    largest = largest_geometry_bytes(path, source.format, limits.features)
    if largest > limits.geometry_bytes:
        words = f"one geometry of {largest:,} bytes, more than the {limits.geometry_bytes:,}"
        raise above(f"{name} holds {words}", "GEOMETRY_BYTES")
    return FileSource(path, source.format, name, largest)


def _check_held_whole(source: FileSource, head: bytes) -> None:
    if source.format is Format.KML:
        most = _MOST_KML_BYTES
    elif source.format is Format.GEOJSON and not _lists_features(head):
        most = _MOST_JSON_BYTES
    else:
        return
    size = source.path.stat().st_size
    if size > most:
        raise TooLarge(
            f"{source.name} has {size:,} bytes; {most:,} are accepted of its format, because it is"
            " held in memory whole. Convert it to GeoPackage.",
            field="path",
        )


def _lack(source: FileSource) -> str | None:
    """What is missing from a file that was cut, in words; None when nothing can be seen."""
    path = source.path
    if source.format is Format.SHAPEFILE:
        return _shapefile_lack(path)
    if source.format is Format.GEOPACKAGE:
        head = head_of(path, 100)
        if len(head) < 100:
            return "its header is incomplete"
        page = struct.unpack(">H", head[16:18])[0]
        expected = (65536 if page == 1 else page) * struct.unpack(">I", head[28:32])[0]
        return _shorter(path, expected)
    if source.format is Format.GEOPARQUET and tail_of(path, 4) != b"PAR1":
        return "its end is missing"
    if source.format is Format.GEOJSON:
        end = tail_of(path, 64).rstrip()
        if end and not end.endswith((b"}", b"]")):
            return "its last bracket is missing"
    return None


def _shapefile_lack(path: Path) -> str | None:
    head = head_of(path, 100)
    if len(head) < 100:
        return "its header is incomplete"
    if (lack := _shorter(path, 2 * struct.unpack(">I", head[24:28])[0])) is not None:
        return lack
    index, table = sibling(path, ".shx"), sibling(path, ".dbf")
    if index is None or table is None:
        missing = " and ".join(
            suffix for suffix, found in ((".shx", index), (".dbf", table)) if found is None
        )
        return f"there is no {missing} beside it"
    header = head_of(table, 32)
    if len(header) < 32:
        return f"the header of {table.name} is incomplete"
    rows, start, width = struct.unpack("<IHH", header[4:12])
    if (lack := _shorter(table, start + rows * width)) is not None:
        return f"{table.name}: {lack}"
    shapes = max(0, (index.stat().st_size - 100) // 8)
    if shapes != rows:
        return f"{index.name} counts {shapes} shapes, {table.name} {rows} rows"
    return None


def _shorter(path: Path, expected: int) -> str | None:
    size = path.stat().st_size
    return None if size >= expected else f"it has {size:,} of {expected:,} bytes"


def _unpacked(path: Path, folder: Path, limits: ReadLimits) -> Path:
    """Unpack a zip within the limits; gives the one vector file in it."""
    most, ratio = limits.file_bytes, limits.zip_ratio
    try:
        with zipfile.ZipFile(path) as archive:
            members = [it for it in archive.infolist() if not it.is_dir()]
            size = sum(it.file_size for it in members)
            swells = size / path.stat().st_size
            if size > most or (size > _SMALL_ZIP_BYTES and swells > ratio):
                raise TooLarge(
                    f"{path.name} would unpack to {swells:,.0f} times its size, {size:,} bytes;"
                    f" {most:,} bytes and {ratio:,.0f} times are accepted. Nothing was unpacked."
                    " Unpack it yourself if you trust it, or raise GRIDSVC_IMPORT_MAX_BYTES or"
                    " GRIDSVC_IMPORT_MAX_ZIP_RATIO.",
                    field="path",
                )
            if len(members) > _MAX_ZIP_MEMBERS:
                raise TooLarge(
                    f"{path.name} holds {len(members):,} files, more than {_MAX_ZIP_MEMBERS:,};"
                    " pack the vector file alone.",
                    field="path",
                )
            if any(it.flag_bits & 1 for it in members):
                raise BadFile(f"{path.name} is encrypted; unpack it first.", field="path")
            for member in members:
                # Extraction drops drive letters, leading slashes and "..", so it stays in folder.
                archive.extract(member, folder)
    except _ZIP_ERRORS as error:
        raise BadFile(
            f"{path.name} cannot be unpacked ({error}): it is cut off, damaged, or packed in an"
            " unknown way.",
            field="path",
        ) from error
    return _only_vector_file(path.name, folder)


def _only_vector_file(name: str, folder: Path) -> Path:
    bases = [it for it in folder.rglob("*.gdb") if it.is_dir()]
    found = bases + [
        it
        for it in sorted(folder.rglob("*"))
        if it.is_file()
        and not any(base in it.parents for base in bases)
        and "__MACOSX" not in it.parts
        and format_of(it) is not Format.OTHER
        and not (format_of(it) is Format.GEOJSON and not _lists_features(head_of(it, 4096)))
        and it.suffix.lower() not in (".shx", ".sbn", ".sbx")
    ]
    if len(found) != 1:
        names = ", ".join(str(PurePosixPath(it.relative_to(folder))) for it in found[:5])
        raise BadFile(
            f"{name} must hold one vector file, but holds"
            f" {len(found)}{f' ({names})' if found else ''}; pack one alone.",
            field="path",
        )
    return found[0]


def _lists_features(head: bytes) -> bool:
    """Whether JSON with this beginning is a list of features, and no metadata or other kind."""
    return b'"Feature' in head or b'"features"' in head
