"""An Arrow stream of a stranger, read within limits: nothing of it is used before it is checked.

Arrow believes what a message says of itself. Offsets beyond a buffer end the process or give away
its memory, a buffer that ten thousand columns name is written ten thousand times, and 20 kB of zstd
unpack to gigabytes. So each message is weighed by its own header before Arrow sees it, and each
batch is validated in full, text and offsets too, before it is handed on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from gridsvc.errors import BadFile, BadInput, TooLarge

# A message costs time whatever it holds; it counts for at least so many bytes.
_LEAST_MESSAGE_BYTES = 16_384
_ROW_BYTES = 16
# Headers have 48 bytes a column; more than this is no table.
_MOST_HEADER_BYTES = 2_000_000
# A packed buffer begins with its size once unpacked, -1 where it is not packed after all.
_PACKED_HEAD_BYTES, _NOT_PACKED = 8, -1
_SCHEMA, _DICTIONARIES, _BATCH = 1, 2, 3
_PIECE_BYTES = 1 << 20
_POINTS = frozenset({"geoarrow.wkb", "ogc.wkb", "geoarrow.point"})


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream may be: its bytes in all, and those of one batch, also once unpacked.

    A row counts as 16 bytes at least, which is what a point needs.
    """

    stream_bytes: int
    batch_bytes: int


class _Broken(Exception):
    """A message that does not fit together."""


#: What Arrow says of what it cannot read; names that are not UTF-8 are told when they are read.
_READ_ERRORS = (pa.ArrowException, OSError, UnicodeError, _Broken)


def read_stream(source: Any, limits: StreamLimits) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema of a stream, and its batches, each sound in itself.

    ``source`` is a binary file that is read once. Raises BadInput for what is not a complete stream
    and for a batch that is broken, BadFile for a column that a table of points does not have,
    TooLarge above the limits; the batches raise the same.
    """
    try:
        reader = pa.ipc.open_stream(_Messages(source, limits))
        for field in reader.schema:
            _check_column(field)
    except _READ_ERRORS as error:
        raise _incomplete(error) from None
    return reader.schema, _sound(reader)


def _sound(reader: pa.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    number = 0
    while True:
        number += 1
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except _READ_ERRORS as error:
            raise _incomplete(error) from None
        try:
            batch.validate(full=True)
        except pa.ArrowException as error:
            raise BadInput(
                f"Batch {number} of the Arrow stream is broken: {_first_line(error)}."
            ) from None
        yield batch


def _incomplete(error: Exception) -> BadInput:
    return BadInput(f"The body is not a complete Arrow stream: {_first_line(error)}.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _check_column(field: pa.Field) -> None:
    """Refuse what is not a flat column, or the points. Raises BadFile."""
    kind, marked = field.type, (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    if isinstance(kind, pa.BaseExtensionType):
        kind, marked = kind.storage_type, kind.extension_name
    if marked in _POINTS:
        return
    sound = not marked and (
        _is_coordinate(kind)
        if field.name in ("lon", "lat")
        else _is_flat(kind.value_type if pa.types.is_dictionary(kind) else kind)
    )
    if not sound:
        raise BadFile(
            f"The column {field.name[:40]} of the Arrow stream is of the type"
            f" {(marked or str(kind))[:40]}; send lon and lat as numbers or text, or one column of"
            " points, and beside them plain columns.",
            field="columns",
        )


def _is_coordinate(kind: pa.DataType) -> bool:
    return any(
        told(kind)
        for told in (
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_string,
            pa.types.is_large_string,
        )
    )


def _is_flat(kind: pa.DataType) -> bool:
    return kind.num_fields == 0 and not pa.types.is_dictionary(kind)


class _Messages:
    """The messages of a stream as the file that Arrow reads: one at a time, each weighed first."""

    closed = False

    def __init__(self, source: Any, limits: StreamLimits) -> None:
        self._source = source
        self._limits = limits
        self._left = limits.stream_bytes
        self._ready: list[bytes] = []
        self._ended = False

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end. Arrow asks for whole parts, which are not copied."""
        taken: list[bytes] = []
        while size:
            if not self._ready:
                if self._ended:
                    break
                self._ready = [part for part in self._next() if part]
                continue
            first = self._ready.pop(0)
            if len(first) > size:
                self._ready.insert(0, first[size:])
                first = first[:size]
            taken.append(first)
            size -= len(first)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _next(self) -> tuple[bytes, ...]:
        """The next message: its lengths, its header and its body; nothing behind the last."""
        begin = self._source.read(4)
        if begin == b"\xff\xff\xff\xff":
            begin += self._read(4)
        if begin[-4:] in (b"", b"\0\0\0\0"):
            self._ended = True
            return (begin,)
        if len(begin) not in (4, 8):
            raise _Broken("it ends inside a message")
        (header_bytes,) = struct.unpack("<i", begin[-4:])
        if not 0 < header_bytes <= _MOST_HEADER_BYTES:
            raise _Broken(f"a message has a header of {header_bytes} bytes")
        header = self._read(header_bytes)
        try:
            told = _Header(header)
        except (struct.error, IndexError, RecursionError):
            raise _Broken("the header of a message cannot be read") from None
        if told.body_bytes < 0 or told.rows < 0:
            raise _Broken("a message has fewer than no bytes or rows")
        self._check_batch(max(told.body_bytes, told.rows * _ROW_BYTES))
        body = self._read(told.body_bytes)
        size = max(told.unpacked_bytes(body), told.rows * _ROW_BYTES)
        self._check_batch(size)
        self._spend(max(size, _LEAST_MESSAGE_BYTES))
        # Arrow reads the two lengths before the header one by one.
        return begin[:-4], begin[-4:], header, body

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLarge(
                f"The Arrow stream is larger than {self._limits.stream_bytes:,} bytes (once"
                f" unpacked; a batch counts as {_LEAST_MESSAGE_BYTES:,} at least). Send several"
                " streams; a token allows larger ones."
            )

    def _check_batch(self, size: int) -> None:
        if size > self._limits.batch_bytes:
            raise TooLarge(
                f"A batch of the Arrow stream has {size:,} bytes (once unpacked; a row counts as"
                f" {_ROW_BYTES} at least); at most {self._limits.batch_bytes:,} are accepted. Send"
                " smaller batches; a token allows larger ones."
            )

    def _read(self, size: int) -> bytes:
        """So many bytes, in pieces, so that only what is really sent takes memory."""
        pieces, left = [], size
        while left:
            piece = self._source.read(min(left, _PIECE_BYTES))
            if not piece:
                raise _Broken(f"{left:,} bytes are missing from its end")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


class _Table(NamedTuple):
    """A table of a flatbuffer: the bytes, and where it begins."""

    raw: bytes
    at: int

    def place(self, field: int) -> int | None:
        """Where a field lies, None where it is left out."""
        (back,) = struct.unpack_from("<i", self.raw, self.at)
        vtable = self.at - back
        if vtable < 0:
            raise IndexError(vtable)
        (size,) = struct.unpack_from("<H", self.raw, vtable)
        slot = 4 + 2 * field
        if slot + 2 > size:
            return None
        (offset,) = struct.unpack_from("<H", self.raw, vtable + slot)
        return self.at + int(offset) if offset else None

    def number(self, field: int, form: str) -> int:
        """A number, 0 where it is left out."""
        place = self.place(field)
        return 0 if place is None else int(struct.unpack_from(form, self.raw, place)[0])

    def table(self, field: int) -> _Table | None:
        """A table that this one refers to."""
        place = self.place(field)
        return None if place is None else _Table(self.raw, _followed(self.raw, place))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A vector of structs of two 64-bit numbers."""
        place = self.place(field)
        if place is None:
            return []
        at = _followed(self.raw, place)
        (count,) = struct.unpack_from("<I", self.raw, at)
        content = self.raw[at + 4 : at + 4 + 16 * count]
        if len(content) != 16 * count:
            raise IndexError(count)
        return list(struct.iter_unpack("<qq", content))


def _followed(raw: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", raw, place)[0])


class _Header:
    """What a message says of itself: bytes of body, rows, buffers. Raises IndexError, struct.error.

    See Message.fbs of Apache Arrow.
    """

    def __init__(self, raw: bytes) -> None:
        message = _Table(raw, _followed(raw, 0))
        kind = message.number(1, "<B")
        held = message.table(2)
        self.body_bytes = message.number(3, "<q")
        if kind == _DICTIONARIES and held is not None:
            held = held.table(1)
        if held is None or kind not in (_SCHEMA, _DICTIONARIES, _BATCH):
            raise IndexError(kind)
        batch = None if kind == _SCHEMA else held
        self.rows = 0 if batch is None else batch.number(0, "<q")
        self._buffers = [] if batch is None else batch.pairs(2)
        self._packed = batch is not None and batch.place(3) is not None

    def unpacked_bytes(self, body: bytes) -> int:
        """The bytes of all buffers once unpacked.

        Raises _Broken for buffers outside the body, or that are together longer than it.
        """
        held = unpacked = 0
        for offset, length in self._buffers:
            if offset < 0 or length < 0 or offset + length > len(body):
                raise _Broken("a buffer lies outside its message")
            held += length
            size = length
            if self._packed and length:
                if length < _PACKED_HEAD_BYTES:
                    raise _Broken("a packed buffer does not tell its size")
                (told,) = struct.unpack_from("<q", body, offset)
                if told < _NOT_PACKED:
                    raise _Broken("a packed buffer has fewer than no bytes")
                size = length - _PACKED_HEAD_BYTES if told == _NOT_PACKED else int(told)
            unpacked += size
        if held > len(body):
            raise _Broken("its buffers overlap")
        return unpacked
