"""CSV: lines stay as they are, byte for byte, and the codes are written after them.

A file is read in blocks of whole lines; a block is a row range that can be placed anywhere. Only
``lon`` and ``lat`` are parsed. Lines end, and quotes count, as they do for pyarrow's reader: a
quote opens a quoted field only as the first character of a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numba import njit

from gridsvc.bulk.batch import COLUMNS, BatchFault, BulkIndex, faults_of, locate_batch
from gridsvc.bulk.model import Placed, Portion
from gridsvc.errors import BadFile
from gridsvc.tables import records

_COMMA, _QUOTE, _LF, _CR = 44, 34, 10, 13
_BOM = b"\xef\xbb\xbf"


@njit(cache=True, nogil=True)
def _line_ends(text: npt.NDArray[np.uint8], last: bool) -> tuple[npt.NDArray[np.int64], bool]:
    """Where each line of a block ends (behind its line break), and whether a quote stays open.

    ``last``: nothing follows, so that what is left at the end is a line too.
    """
    ends = np.empty(text.size // 2 + 2, np.int64)
    count = 0
    quoted = False
    at_start = True
    i = 0
    while i < text.size:
        byte = text[i]
        if quoted:
            if byte == _QUOTE:
                if i + 1 < text.size and text[i + 1] == _QUOTE:
                    i += 1
                else:
                    quoted = False
        elif byte == _QUOTE and at_start:
            quoted = True
        elif byte == _COMMA:
            at_start = True
            i += 1
            continue
        elif byte in (_LF, _CR):
            if byte == _CR and i + 1 == text.size and not last:
                break  # its line feed may follow
            if byte == _CR and i + 1 < text.size and text[i + 1] == _LF:
                i += 1
            if count == ends.size:
                ends = np.concatenate((ends, np.empty(ends.size, np.int64)))
            ends[count] = i + 1
            count += 1
            at_start = True
            i += 1
            continue
        at_start = False
        i += 1
    if last and text.size and (count == 0 or ends[count - 1] < text.size):
        if count == ends.size:
            ends = np.concatenate((ends, np.empty(1, np.int64)))
        ends[count] = text.size
        count += 1
    return ends[:count].copy(), quoted


def _split(text: bytes, *, last: bool) -> tuple[npt.NDArray[np.int64], bool]:
    ends, quoted = _line_ends(np.frombuffer(text, np.uint8), last)
    return ends, bool(quoted)


class CsvFile:
    """A CSV file with a first line of column names, ``lon`` and ``lat`` among them.

    Raises BadFile without these columns, or when one of the added ones is there already.
    """

    def __init__(self, path: Path, block_bytes: int) -> None:
        self._path = path
        self._block_bytes = block_bytes
        self.total = path.stat().st_size
        self.unit = "bytes"
        self.crs = "wgs84"
        self.first, self.header, names, eol = self._read_header()
        self.placer = CsvPlacer(tuple(names), eol.decode())

    def _read_header(self) -> tuple[int, bytes, list[str], bytes]:
        with self._path.open("rb") as file:
            text = file.read(self._block_bytes)
        ends, _ = _split(text, last=len(text) == self.total)
        if not len(ends):
            raise BadFile(f"{self._path} has no first line with column names.")
        line = text[: ends[0]]
        eol = line[len(line.rstrip(b"\r\n")) :] or b"\n"
        content = line.rstrip(b"\r\n")
        written = content.removeprefix(_BOM).decode(errors="replace")
        _, names = next(records([written], str(self._path)), (1, []))
        for name in ("lon", "lat"):
            if names.count(name) != 1:
                raise BadFile(
                    f"{self._path} has {names.count(name)} columns named {name}, but must have"
                    f" exactly one; its first line is: {', '.join(names)[:200]}.",
                    field="columns",
                )
        for name in COLUMNS.names:
            if name in names:
                raise BadFile(
                    f"{self._path} already has a column {name}; rename it, or give the original"
                    " file.",
                    field="columns",
                )
        added = ",".join(COLUMNS.names).encode()
        return int(ends[0]), content + b"," + added + eol, names, eol

    def portions(self, start: int) -> Iterator[Portion]:
        """The blocks of whole lines from a byte on, each with the byte behind it."""
        with self._path.open("rb") as file:
            at = start
            size = self._block_bytes
            while at < self.total:
                file.seek(at)
                text = file.read(size)
                last = at + len(text) >= self.total
                ends, quoted = _split(text, last=last)
                if not len(ends):
                    size *= 2  # one line is longer than a block
                    continue
                if last and quoted:
                    raise BadFile(
                        f"{self._path}: a quoted field is never closed; its line begins at byte"
                        f" {at + (int(ends[-2]) if len(ends) > 1 else 0):,}."
                    )
                at += int(ends[-1])
                yield Portion(text[: ends[-1]], at)
                size = self._block_bytes

    def finish(self, spool: Path, out: Path) -> None:
        """The spool is the file."""
        spool.replace(out)


@dataclass(frozen=True, slots=True)
class CsvPlacer:
    """Places a block of lines: what is needed besides the block and the index is the header."""

    names: tuple[str, ...]
    eol: str

    def __call__(self, text: bytes, index: BulkIndex) -> Placed:
        """The block with the codes at the end of each line; empty lines are left out."""
        lines = _lines(text)
        points, misfits = self._points(text, len(lines))
        located = locate_batch(points, index)
        faults = {fault.row: fault for fault in faults_of(located, index.crs)}
        for row, reason in misfits.items():
            faults[row] = BatchFault(row, reason)
        large = pa.large_string()
        columns = [located.column(name).cast(large) for name in COLUMNS.names]
        joined = pc.binary_join_element_wise(
            pc.ascii_rtrim(lines, "\r\n"), *columns, pa.scalar(",", large), null_handling="replace"
        )
        joined = pc.binary_join_element_wise(
            joined, pa.scalar(self.eol, large), pa.scalar("", large)
        )
        return Placed(_bytes_of(joined), len(lines), tuple(faults[row] for row in sorted(faults)))

    def _points(self, text: bytes, count: int) -> tuple[pa.RecordBatch, dict[int, str]]:
        """The columns lon and lat of a block as texts, and the rows with too few or many fields."""
        misfits: dict[int, str] = {}

        def misfit(row: pa_csv.InvalidRow) -> str:
            misfits[row.number - 1] = (
                f"The row has {row.actual_columns} fields, the first line {row.expected_columns}."
            )
            return "skip"

        places = {name: i for i, name in enumerate(self.names)}
        names = [str(i) for i in range(len(self.names))]
        wanted = [names[places["lon"]], names[places["lat"]]]
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            # One block and no threads: row numbers count from its beginning.
            read_options=pa_csv.ReadOptions(
                column_names=names, block_size=max(len(text) + 1, 1024), use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=misfit),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                check_utf8=False,
            ),
        )
        columns = [_whole(table.column(name)) for name in wanted]
        if misfits:
            kept = np.ones(count, dtype=bool)
            kept[list(misfits)] = False
            take = pa.array(np.cumsum(kept) - 1, mask=~kept)
            columns = [column.take(take) for column in columns]
        if len(columns[0]) != count:
            raise BadFile(
                f"A block of {count:,} lines was read as {len(columns[0]):,} rows; there is a"
                " quote or a carriage return where CSV allows none."
            )
        return pa.RecordBatch.from_arrays(columns, names=["lon", "lat"]), misfits


def _lines(text: bytes) -> pa.Array:
    """The lines of a block with their line breaks, as a view of it; empty lines are left out."""
    ends, _ = _split(text, last=True)
    offsets = np.concatenate((np.zeros(1, np.int64), ends))
    lines = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
    short = np.flatnonzero(np.diff(offsets) <= 2)
    if not short.size:
        return lines
    empty = [
        row for row in short.tolist() if not text[offsets[row] : offsets[row + 1]].strip(b"\r\n")
    ]
    kept = np.ones(len(lines), dtype=bool)
    kept[empty] = False
    return lines.filter(pa.array(kept))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _bytes_of(texts: pa.Array) -> bytes:
    """What all texts of an array are, one after the other."""
    if not len(texts):
        return b""
    _, offsets, values = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(values)[ends[0] : ends[-1]])
