"""In which encoding a shapefile's texts are written: declared, or told from the texts themselves.

A .cpg file or a code page in the .dbf is a claim, and often a wrong one: GIS programs in China
write GBK and claim Latin 1 or nothing, and others write UTF-8 beside an old .cpg. Latin 1 reads any
bytes, and short GBK words can be sound UTF-8 by accident. So every text of the table is read in
each encoding that may be meant, and names that are known decide; then what is declared; then UTF-8,
whose sound sequences are rarely an accident; then GB 18030, which holds GBK.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gridsvc.errors import BadFile
from gridsvc.readers.formats import sibling

# dBASE language drivers that say which Chinese code page was used; the others say nothing here.
_CODE_PAGES = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
_GBK = {"gbk", "gb2312", "cp936", "936", "gb18030", "ansi 936"}
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """The codec of a table's texts, and a remark where it is not simply what the file declares."""

    codec: str
    remark: str | None


@dataclass(slots=True)
class _Count:
    """How many distinct texts a codec cannot read, and how many known names it gives."""

    unreadable: int = 0
    known: int = 0


def decoded(raw: bytes, codec: str, *, may_be_cut: bool = True) -> str | None:
    """The text of some bytes; None when they are not text in this encoding.

    ``may_be_cut``: fields have fixed widths, so that the last character may be cut; it is dropped.
    """
    try:
        if not may_be_cut:
            return raw.decode(codec)
        return codecs.getincrementaldecoder(codec)().decode(raw, final=False)
    except UnicodeError:
        return None


def encoding_of(path: Path, name: str, known_names: Collection[str]) -> TextEncoding:
    """The encoding of the texts of a shapefile (the path of its .shp; ``name`` for messages).

    Raises BadFile when the texts can be read in none of the encodings; the message names the rows.
    """
    declared = _declared(path)
    tried = [codec for codec in (declared, "utf-8", "gb18030") if codec is not None]
    candidates = list(dict.fromkeys(tried))
    counts, rows = _counts(path, candidates, known_names)
    if counts is None:
        return TextEncoding(candidates[0], None)  # plain ASCII: any of them reads it
    readable = [codec for codec in candidates if counts[codec].unreadable == 0]
    pool = readable or [
        codec for codec in candidates if counts[codec].known > counts[codec].unreadable
    ]
    if not pool:
        raise BadFile(
            f"{name} does not name an encoding that fits, and its text is neither UTF-8 nor GB"
            f" 18030 (look at features {', '.join(str(row) for row in rows)}); declare the"
            " encoding.",
            field="encoding",
        )
    best = max(pool, key=lambda codec: (counts[codec].known, -candidates.index(codec)))
    if declared is None:
        return TextEncoding(best, f"{name} does not name an encoding; its text was read as {best}")
    if best == declared:
        return TextEncoding(best, None)
    return TextEncoding(
        best, f"{name} declares its text as {declared}; it is {best} and was read as that"
    )


def _declared(path: Path) -> str | None:
    """The codec that the .cpg file or the header of the .dbf names; None when it is unknown."""
    if (claim := sibling(path, ".cpg")) is not None:
        word = claim.read_bytes()[:100].decode("latin-1").strip().lower()
        return _codec(word)
    table = sibling(path, ".dbf")
    if table is None:
        return None
    with table.open("rb") as stream:
        header = stream.read(32)
    return _CODE_PAGES.get(header[29]) if len(header) == 32 else None


def _codec(word: str) -> str | None:
    if word in _GBK:
        return "gb18030"
    try:
        return codecs.lookup(word).name
    except LookupError:
        pass
    try:
        return codecs.lookup(f"cp{word}").name
    except LookupError:
        return None


def _counts(
    path: Path, candidates: list[str], known_names: Collection[str]
) -> tuple[dict[str, _Count] | None, list[int]]:
    """For each codec what it reads; None when all texts are ASCII. And the rows of the trouble."""
    table = sibling(path, ".dbf")
    if table is None:
        return None, []
    counts = {codec: _Count() for codec in candidates}
    rows: list[int] = []
    seen = False
    for row, raw in _texts(table):
        seen = True
        in_none = True
        for codec, count in counts.items():
            text = decoded(raw, codec)
            count.unreadable += text is None
            count.known += text is not None and text.strip() in known_names
            in_none = in_none and text is None
        if in_none and len(rows) < 5:
            rows.append(row)
    return (counts if seen else None), rows


def _texts(table: Path) -> list[tuple[int, bytes]]:
    """Row (from 1) and bytes of every different text that is not ASCII: columns' names, cells."""
    with table.open("rb") as stream:
        header = stream.read(32)
        rows, start, width = struct.unpack("<IHH", header[4:12])
        fields = stream.read(max(0, start - 33))
        found: dict[bytes, int] = {}
        spans, at = [], 1
        for offset in range(0, len(fields) - 31, 32):
            field = fields[offset : offset + 32]
            if field[:1] == b"\r":
                break
            if field[11:12] == b"C" and field[16]:
                spans.append((at, at + field[16]))
            at += field[16]
            if not (column := field[:11].split(b"\0")[0]).isascii():
                found.setdefault(column, 1)
        stream.seek(start)
        for first in range(0, rows, _ROWS_AT_ONCE):
            block = stream.read(min(_ROWS_AT_ONCE, rows - first) * width)
            whole = len(block) // width
            records = np.frombuffer(block, dtype=np.uint8, count=whole * width)
            records = records.reshape(whole, width)
            for begin, end in spans:
                cells = np.ascontiguousarray(records[:, begin:end]).view(f"S{end - begin}").ravel()
                different, where = np.unique(cells, return_index=True)
                for cell, row in zip(different.tolist(), where.tolist(), strict=True):
                    if not cell.isascii():
                        found.setdefault(cell.strip(), first + row + 1)
    return [(row, raw) for raw, row in found.items()]
