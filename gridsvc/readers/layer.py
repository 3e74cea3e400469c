"""A layer of a file as its readers give it: batches of rows, cells as texts, geometries as WKB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio.errors

from gridsvc.errors import BadFile
from gridsvc.readers.dbf_text import decoded
from gridsvc.readers.source import FileSource

#: pyogrio passes GDAL's errors on as DataSourceError, Arrow's stream as OSError or ArrowException.
READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pa.ArrowException,
    OSError,
    UnicodeError,
    LookupError,
    ValueError,
    RuntimeError,
)

Cell = str | bytes | None


class Blobs:
    """The geometries of some rows as WKB, each copied out of Arrow's memory when it is asked for.

    ``replaced`` holds those that are not as the file has them, by row.
    """

    def __init__(self, column: pa.Array, replaced: Mapping[int, bytes] | None = None) -> None:
        self._column, self._replaced = column, dict(replaced or {})

    def __len__(self) -> int:
        return len(self._column)

    @property
    def nbytes(self) -> int:
        """How many bytes all of them have, about."""
        return int(self._column.nbytes) + sum(map(len, self._replaced.values()))

    def __getitem__(self, row: int) -> bytes | None:
        """The WKB of a row, None when it has no geometry."""
        if row in self._replaced:
            return self._replaced[row]
        blob: bytes | None = self._column[row].as_py()
        return blob


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in the file's order: cells by column, WKB (None: no geometry), and which were arcs.

    A cell is a text without blanks around it, None when empty, bytes when they are not text.
    """

    cells: dict[str, list[Cell]]
    geometries: Blobs
    curved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the file ``name``: its columns, its CRS, remarks on it, and its rows.

    ``crs`` is WKT, EPSG:n or a name that the file gives; None: it names none.
    ``read(columns)`` gives batches with these columns. It raises BadFile with the number of the
    feature after which the file could not be read further.
    """

    name: str
    columns: tuple[str, ...]
    crs: str | None
    remarks: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterator[Batch]]


def cells_of(rows: pa.RecordBatch, name: str, codec: str, *, latin: bool = False) -> list[Cell]:
    """The cells of a column; ``latin``: its bytes were handed through as Latin 1, fields cut."""
    return _cells(rows.column(rows.schema.get_field_index(name)), codec, latin)


def _cells(values: Any, codec: str, latin: bool) -> list[Cell]:
    if pa.types.is_dictionary(values.type):
        different = _cells(values.dictionary, codec, latin)
        return [None if it is None else different[it] for it in values.indices.to_pylist()]
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return [_text(value) for value in values.to_pylist()]
    raw = values.cast(pa.large_binary()).to_pylist()
    # The cells of a column are often the same.
    texts = {it: _decoded(it, codec, latin) for it in set(raw) if it is not None}
    return [None if it is None else texts[it] for it in raw]


def _decoded(raw: bytes, codec: str, latin: bool) -> Cell:
    if latin:
        raw = raw.decode("utf-8").encode("latin-1")
    text = decoded(raw, codec, may_be_cut=latin)
    return raw if text is None else text.strip().strip("\0") or None


def _text(value: Any) -> str | None:
    """A cell that is not a string, as text: whole numbers without a fraction, None for NaN."""
    if value is None:
        return None
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    return str(value).strip() or None


def stopped(source: FileSource, done: int, error: Exception) -> BadFile:
    """What is said of a file that cannot be read behind its first ``done`` features."""
    return BadFile(
        f"{source.name} cannot be read after feature {done} ({in_short(error)}): it is cut off or "
        "damaged there. Nothing was loaded; copy the file again.",
        field="path",
    )


def in_short(error: Exception) -> str:
    """A reader's error, in words that a user can act on."""
    words = str(error).strip()
    if "not recognized as being in a supported file format" in words:
        return "it is none of the known formats, or its beginning is damaged"
    if "OGR_GEOJSON_MAX_OBJ_SIZE" in words:
        return (
            "one feature is larger than is taken; split it, or raise "
            "GRIDSVC_IMPORT_MAX_GEOMETRY_BYTES where there is memory for it"
        )
    return words[:300] or type(error).__name__
