"""Arrow streams that lie about themselves: a refusal each time, and the service lives on."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from gridsvc.callers import Role
from tests.service.conftest import Person, refusal

ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
KEPT = Path(__file__).parent.parent / "fuzz" / "kept" / "arrow"


def stream(columns: dict[str, Any], *, batches: int = 1, **options: Any) -> bytes:
    """A sound stream of the columns, as often as asked."""
    batch = pa.record_batch(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return sink.getvalue()


def points(count: int = 2, **more: Any) -> dict[str, Any]:
    return {"lon": np.full(count, 116.31), "lat": np.full(count, 39.885), **more}


def send(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post("/v1/locate/batch", content=body, headers=ARROW | headers)


def still_answers(client: httpx.Client) -> None:
    located = send(client, stream(points()))
    assert located.status_code == 200, located.text
    assert pa.ipc.open_stream(located.content).read_all()["district_code"].null_count == 0


@pytest.mark.parametrize("file", sorted(KEPT.iterdir()), ids=lambda file: file.name)
def test_a_kept_stream_that_broke_a_reader_is_refused(client: httpx.Client, file: Path) -> None:
    refusal(send(client, file.read_bytes()), 422)
    still_answers(client)


@pytest.mark.parametrize("column", ["lon", "name"])
def test_offsets_beyond_a_buffer_are_refused_and_no_byte_of_memory_is_sent(
    client: httpx.Client, column: str
) -> None:
    body = stream(points() | {column: ["1", "2"]})
    offsets = struct.pack("<iii", 0, 1, 2)
    assert body.count(offsets) == 1
    answer = send(client, body.replace(offsets, struct.pack("<iii", 0, 1, 4_000)))
    refusal(answer, 422)
    assert len(answer.content) < 1_000
    still_answers(client)


def test_what_swells_when_it_is_unpacked_is_refused_before(client: httpx.Client) -> None:
    body = stream(points(90_000, text=["x" * 1_000] * 90_000), compression="zstd")
    assert len(body) < 1_000_000
    assert "once unpacked" in refusal(send(client, body), 413)["detail"]
    still_answers(client)


def test_a_buffer_that_lies_about_its_unpacked_size_is_refused(client: httpx.Client) -> None:
    body = stream(points(1_000), compression="zstd")
    size = struct.pack("<q", 8_000)
    assert body.count(size) == 2
    for told in (-2, 80, 2**40):
        answer = send(client, body.replace(size, struct.pack("<q", told)))
        refusal(answer, 413 if told == 2**40 else 422)
    still_answers(client)


def test_many_columns_of_one_buffer_are_refused(client: httpx.Client) -> None:
    body = stream(points(1_000, x=np.ones(1_000), y=np.ones(1_000)))
    buffers = [n for at in range(0, 32_000, 8_000) for n in (at, 0, at, 8_000)]
    same = [0, 0, 0, 32_000] * 4
    assert body.count(struct.pack("<16q", *buffers)) == 1
    body = body.replace(struct.pack("<16q", *buffers), struct.pack("<16q", *same))
    assert "overlap" in refusal(send(client, body), 422)["detail"]


def test_more_rows_than_are_there_are_refused(client: httpx.Client) -> None:
    body = stream(points(777, empty=pa.nulls(777)))
    rows = struct.pack("<q", 777)
    for told in (2**40, 2**62):
        refusal(send(client, body.replace(rows, struct.pack("<q", told))), 413)
    answer = send(client, body.replace(rows, struct.pack("<q", 90_000)))
    refusal(answer, 422)
    still_answers(client)


@pytest.mark.parametrize(
    "columns",
    [
        {"lon": pa.array([1.0, 2.0]).dictionary_encode()},
        {"lon": pa.nulls(2)},
        {"lon": [True, False]},
        {"x": [[1], [2]]},
        {"x": [{"y": 1}, {"y": 2}]},
        {"x": pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2))},
        {"x": pa.RunEndEncodedArray.from_arrays([2], [1])},
    ],
    ids=lambda columns: str(next(iter(columns.values()))).split()[0][-20:],
)
def test_columns_that_no_table_of_points_has_are_refused(
    client: httpx.Client, columns: dict[str, Any]
) -> None:
    assert refusal(send(client, stream(points() | columns)), 422)["field"] == "columns"


@pytest.mark.parametrize(
    "metadata",
    [
        {b"geo": b"["},
        {b"geo": b"[" * 100_000},
        {b"geo": b"[]"},
        {b"geo": b'{"primary_column": ["lon"], "columns": {}}'},
        {b"geo": b'{"primary_column": "nowhere", "columns": {"nowhere": {}}}'},
        {b"geo": b'{"primary_column": "lon", "columns": {"lon": {}}}'},
    ],
)
def test_metadata_that_name_no_points_are_refused(
    client: httpx.Client, metadata: dict[bytes, bytes]
) -> None:
    table = pa.table(points()).replace_schema_metadata(metadata)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert refusal(send(client, sink.getvalue()), 422)["field"] == "columns"


def test_texts_and_codes_of_texts_keep_their_columns(client: httpx.Client) -> None:
    kept = {"name": ["a", None], "kind": pa.array(["x", "y"]).dictionary_encode()}
    answer = send(client, stream(points(**kept), compression="zstd"))
    located = pa.ipc.open_stream(answer.content).read_all()
    assert located.select(["name", "kind"]).to_pydict() == pa.table(kept).to_pydict()


def test_without_a_token_a_stream_is_small(serve: Callable[..., httpx.Client]) -> None:
    client = serve(max_anonymous_stream_bytes=100_000)
    for body in (stream(points(6_300)), stream(points(0), batches=20)):
        refusal(send(client, body), 413)
    still_answers(client)


def test_a_token_allows_a_longer_stream_if_it_is_one(
    serve: Callable[..., httpx.Client], as_: Callable[..., Person]
) -> None:
    client = serve(max_anonymous_stream_bytes=100_000)
    body = stream(points(5_000), batches=20)
    holder = as_(Role.ANALYST).headers
    answer = send(client, body, **holder)
    assert pa.ipc.open_stream(answer.content).read_all().num_rows == 100_000
    refusal(send(client, body, Authorization="Bearer made-up"), 401)


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_without_a_token_a_batch_of_any_kind_is_small(
    serve: Callable[..., httpx.Client], as_: Callable[..., Person], kind: str
) -> None:
    client = serve(max_anonymous_batch_points=10)
    body = {
        "application/json": '{"points": [' + ", ".join(["[116.31, 39.885]"] * 11) + "]}",
        "text/csv": "lon,lat\n" + "116.31,39.885\n" * 11,
    }[kind]
    headers = {"Content-Type": kind}
    refusal(client.post("/v1/locate/batch", content=body, headers=headers), 413)
    headers |= as_(Role.ANALYST).headers
    answer = client.post("/v1/locate/batch", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
