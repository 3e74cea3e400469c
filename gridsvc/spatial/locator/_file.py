"""How an index is kept in a file: sections of raw arrays behind a header, all of it checked.

Layout, little-endian: a header of 4096 bytes (magic, format version, number of sections, then for
each its length in bytes and its checksum, at last the header's own CRC-32), then the sections, each
starting at a multiple of 4096 bytes.

Opening reads every byte once and compares the checksums; only then is anything looked up, so a
damaged file cannot give a wrong answer or make a look-up read beyond its arrays. To be able to do
that at each start, the checksum is one that runs at the speed of memory: eight lanes of 64-bit
words, each with a sum and a sum of sums (Fletcher's scheme, which also sees words that changed
places), folded by CRC-32 in the end.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.errors import DamagedIndex

FORMAT = 1
_MAGIC = b"GRIDSVC-LOCATOR\0"
_PAGE = 4096
_HEAD = struct.Struct("<16sII")
_SECTION = struct.Struct("<QQ")
_SECTIONS = 4
_CRC_AT = _PAGE - 4
# All pages are mapped at once, in a third of the time that it takes one by one. Linux's number,
# which Python 3.11 does not name.
_POPULATE_READ = 22


@njit(cache=True, nogil=True)
def _lanes(words: NDArray[np.uint64], sums: NDArray[np.uint64]) -> None:
    """Fletcher sums of `words`, of which there is a multiple of eight, into `sums[16]`."""
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = np.uint64(0)
    b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = np.uint64(0)
    for i in range(0, words.size, 8):
        a0 += words[i]
        a1 += words[i + 1]
        a2 += words[i + 2]
        a3 += words[i + 3]
        a4 += words[i + 4]
        a5 += words[i + 5]
        a6 += words[i + 6]
        a7 += words[i + 7]
        b0 += a0
        b1 += a1
        b2 += a2
        b3 += a3
        b4 += a4
        b5 += a5
        b6 += a6
        b7 += a7
    sums[0], sums[1], sums[2], sums[3] = a0, a1, a2, a3
    sums[4], sums[5], sums[6], sums[7] = a4, a5, a6, a7
    sums[8], sums[9], sums[10], sums[11] = b0, b1, b2, b3
    sums[12], sums[13], sums[14], sums[15] = b4, b5, b6, b7


def _checksum(section: NDArray[np.uint8]) -> int:
    """The checksum of the bytes of a section."""
    whole = len(section) // 64 * 64
    sums = np.zeros(16, np.uint64)
    _lanes(section[:whole].view(np.uint64), sums)
    rest = zlib.crc32(section[whole:].tobytes(), len(section) & 0xFFFFFFFF)
    return zlib.crc32(sums[:8].tobytes(), rest) << 32 | zlib.crc32(sums[8:].tobytes(), rest)


def _padded(length: int) -> int:
    return (length + _PAGE - 1) // _PAGE * _PAGE


def write_index(
    path: Path,
    header: NDArray[np.float64],
    words: NDArray[np.int32],
    edges: NDArray[np.float64],
    codes: tuple[str, ...],
) -> None:
    """Write an index to `path`: beside it first, then renamed, so that it is never half there."""
    sections = [
        np.ascontiguousarray(part).reshape(-1).view(np.uint8)
        for part in (
            header,
            words,
            edges,
            np.frombuffer(json.dumps(codes, ensure_ascii=False).encode(), np.uint8),
        )
    ]
    page = bytearray(_PAGE)
    _HEAD.pack_into(page, 0, _MAGIC, FORMAT, len(sections))
    for k, section in enumerate(sections):
        _SECTION.pack_into(page, _HEAD.size + k * _SECTION.size, len(section), _checksum(section))
    struct.pack_into("<I", page, _CRC_AT, zlib.crc32(page[:_CRC_AT]))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(page)
            for section in sections:
                file.write(section.data)
                file.write(bytes(_padded(len(section)) - len(section)))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def read_index(
    path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64], tuple[str, ...]]:
    """Map the index at `path` into memory: `header, words, edges, codes`, all read-only.

    Raises `DamagedIndex` unless every byte is as it was written.
    """

    def refuse(what: str) -> DamagedIndex:
        return DamagedIndex(f"The index file {path} {what}; build it again.", path=str(path))

    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _PAGE:
                raise refuse("is too short to be an index")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise refuse(f"cannot be read ({error.strerror})") from error
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # Linux before 5.14
            mapped.madvise(_POPULATE_READ)
    whole = np.frombuffer(mapped, np.uint8)
    page = whole[:_PAGE].tobytes()
    magic, version, count = _HEAD.unpack_from(page)
    if magic != _MAGIC:
        raise refuse("is not a locator index")
    if zlib.crc32(page[:_CRC_AT]) != struct.unpack_from("<I", page, _CRC_AT)[0]:
        raise refuse("has a damaged header")
    if version != FORMAT or count != _SECTIONS:
        raise refuse(f"has format {version}, but this service reads format {FORMAT}")
    sections = []
    at = _PAGE
    for k in range(count):
        length, checksum = _SECTION.unpack_from(page, _HEAD.size + k * _SECTION.size)
        if at + _padded(length) > size:
            raise refuse("is cut short")
        section = whole[at : at + length]
        if _checksum(section) != checksum or whole[at + length : at + _padded(length)].any():
            raise refuse("is damaged: a checksum does not match")
        sections.append(section)
        at += _padded(length)
    if at != size:
        raise refuse("is longer than it should be")
    codes = tuple(json.loads(sections[3].tobytes()))
    if sys.platform == "linux":
        # What was read to be checked stays in the system's cache; a process holds what it looks at.
        mapped.madvise(mmap.MADV_DONTNEED)
    return (
        sections[0].view(np.float64),
        sections[1].view(np.int32),
        sections[2].view(np.float64).reshape(-1, 4),
        codes,
    )
