"""Batches as an Arrow stream: as many points as anybody sends, in memory that does not grow.

The answer is written to a file without a name while the request is read, and sent when all of
it is there: a client that sends before it reads cannot block the service, and a fault in the last
row is still a clean refusal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import IO

import pyarrow as pa
from anyio import CapacityLimiter, from_thread
from fastapi import Request
from fastapi.responses import StreamingResponse

from gridsvc.api.rules import ARROW
from gridsvc.api.spool import spooled
from gridsvc.bulk import BulkIndex, locate_batch
from gridsvc.bulk.batch import faults_of
from gridsvc.errors import BadCoordinate
from gridsvc.readers.arrow_stream import StreamLimits, read_stream
from gridsvc.registry.placement.store import Atlas
from gridsvc.settings import Settings


def stream_limits(settings: Settings, *, known: bool) -> StreamLimits:
    """What a stream may be: that of a caller without a token is small."""
    if known:
        return StreamLimits(settings.max_stream_bytes, settings.max_stream_batch_bytes)
    most = settings.max_anonymous_stream_bytes
    return StreamLimits(most, most)


async def arrow_answer(
    request: Request,
    atlas: Atlas,
    limits: StreamLimits,
    *,
    crs: str,
    accuracy_m: float,
    batching: CapacityLimiter,
) -> StreamingResponse:
    """The stream with the five columns added.

    Raises BadInput for what is not an Arrow stream with ``lon`` and ``lat`` or points,
    BadCoordinate with the row's number, UnknownCrs, TooLarge above the limits.
    """
    index = _index(atlas, crs, accuracy_m)
    body = _Body(request.stream())
    return await spooled(
        batching, lambda spool: _locate(body, spool, index, limits), media_type=ARROW
    )


_PIECE_BYTES = 1 << 20
#: What was learnt about the cells of an atlas is kept for the next request of the same kind.
_indexes: dict[tuple[str, float], BulkIndex] = {}
_MOST_INDEXES = 8


def _index(atlas: Atlas, crs: str, accuracy_m: float) -> BulkIndex:
    kept = _indexes.get((crs, accuracy_m))
    if kept is not None and kept.atlas is atlas:
        return kept
    if len(_indexes) >= _MOST_INDEXES:
        _indexes.clear()
    made = _indexes[crs, accuracy_m] = BulkIndex(atlas, crs=crs, accuracy_m=accuracy_m)
    return made


class _Body:
    """The request's body as a file that a thread reads while the event loop receives it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        taken: list[memoryview] = []
        while size:
            if not self._rest:
                chunk = from_thread.run(self._next)
                if chunk is None:
                    break
                self._rest = memoryview(chunk)
            taken.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(taken[-1])
        return b"".join(taken)

    async def _next(self) -> bytes | None:
        """What comes next, in large pieces: each costs a turn from the thread to the loop."""
        pieces: list[bytes] = []
        size = 0
        while size < _PIECE_BYTES and (piece := await anext(self._chunks, None)) is not None:
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces) if pieces else None


def _locate(body: _Body, spool: IO[bytes], index: BulkIndex, limits: StreamLimits) -> None:
    given, batches = read_stream(body, limits)
    schema = locate_batch(pa.RecordBatch.from_pylist([], schema=given), index).schema
    rows = 0
    with pa.ipc.new_stream(spool, schema) as writer:
        for batch in batches:
            located = locate_batch(batch, index)
            for fault in faults_of(located, index.crs)[:1]:
                raise BadCoordinate(
                    f"Row {rows + fault.row}: {fault.reason}",
                    field=f"rows.{rows + fault.row}",
                )
            writer.write_batch(located)
            rows += batch.num_rows
