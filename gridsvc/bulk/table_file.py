"""Parquet, GeoParquet and FlatGeobuf: record batches in, a spool of record batches, the file.

Neither format can be gone on with after a kill, so the placed batches are appended to a spool, an
Arrow stream, whose length at each step is known; the file is written from it in one go.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from gridsvc.bulk.batch import BulkIndex, faults_of, locate_batch, located_schema
from gridsvc.bulk.model import Placed, Portion
from gridsvc.bulk.points import crs_text, geometry_column, geometry_crs
from gridsvc.errors import BadFile
from gridsvc.readers.gdal_layer import quietly
from gridsvc.readers.layer import READ_ERRORS, in_short

_ROWS_A_GROUP = 262_144


def place_table(content: pa.RecordBatch, index: BulkIndex) -> Placed:
    """Place a batch; what comes back is a message of an Arrow stream."""
    located = locate_batch(content, index)
    faults = tuple(faults_of(located, index.crs))
    return Placed(located.serialize().to_pybytes(), located.num_rows, faults)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let a file that cannot be read to its end be a BadFile."""
    try:
        yield
    except READ_ERRORS as error:
        raise BadFile(
            f"{path} cannot be read to its end: {in_short(error)}. Copy the file again.",
            field="path",
        ) from None


class ParquetFile:
    """A Parquet file with ``lon`` and ``lat``, or a GeoParquet file of points.

    Raises BadFile when it is not a Parquet file, or has one of the added columns already.
    """

    placer = staticmethod(place_table)

    def __init__(self, path: Path, rows: int) -> None:
        self._path = path
        self._rows = rows
        try:
            with pq.ParquetFile(path) as file:
                self._schema = file.schema_arrow
                self.total = file.metadata.num_rows
                self._groups = [
                    file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)
                ]
        except READ_ERRORS as error:
            raise BadFile(f"{path} is not a Parquet file: {error}.") from None
        self.unit = "rows"
        self.first = 0
        self.crs = geometry_crs(self._schema)
        self._plain = _plain(self._schema)
        self.header = _prelude(self._plain)

    def portions(self, start: int) -> Iterator[Portion]:
        """The batches from a row on; a batch never reaches into the next row group."""
        begin = 0
        with _told(self._path), pq.ParquetFile(self._path, memory_map=True) as file:
            for group, rows in enumerate(self._groups):
                at = begin
                begin += rows
                if begin <= start:
                    continue
                for batch in file.iter_batches(self._rows, row_groups=[group]):
                    at += batch.num_rows
                    if at > start:
                        yield Portion(batch.cast(self._plain), at)

    def finish(self, spool: Path, out: Path) -> None:
        """Write the spool's batches as row groups of one size."""
        schema = located_schema(self._schema)
        with (
            _Replacing(out) as new,
            _opened(spool) as reader,
            pq.ParquetWriter(new, schema) as writer,
        ):
            for table in _groups_of(reader):
                writer.write_table(table.cast(schema), row_group_size=_ROWS_A_GROUP)
        spool.unlink()


class FlatGeobufFile:
    """A FlatGeobuf file of points. Raises BadFile when GDAL cannot read it."""

    placer = staticmethod(place_table)

    def __init__(self, path: Path, rows: int) -> None:
        self._path = path
        self._rows = rows
        try:
            found = pyogrio.read_info(path, force_feature_count=True)
            with quietly(), pyogrio.open_arrow(path, use_pyarrow=True) as (meta, reader):
                self._schema: pa.Schema = reader.schema
        except READ_ERRORS as error:
            raise BadFile(f"{path} is not a FlatGeobuf file: {error}.") from None
        self._meta: dict[str, Any] = meta
        self.total = int(found["features"])
        self.unit = "rows"
        self.first = 0
        self.crs = crs_text(meta["crs"])
        if geometry_column(self._schema) is None:
            raise BadFile(f"{path} has no geometries; points are needed.")
        self.header = _prelude(self._schema)

    def portions(self, start: int) -> Iterator[Portion]:
        """The batches from a row on."""
        at = start
        with (
            _told(self._path),
            pyogrio.open_arrow(
                self._path, use_pyarrow=True, skip_features=start, batch_size=self._rows
            ) as (_, reader),
        ):
            for batch in reader:
                at += batch.num_rows
                yield Portion(batch, at)

    def finish(self, spool: Path, out: Path) -> None:
        """Write the spool as FlatGeobuf in the order of the input, so without a spatial index."""
        with _Replacing(out) as new, _opened(spool) as reader:
            pyogrio.write_arrow(
                reader,
                new,
                driver="FlatGeobuf",
                layer=self._path.stem,
                geometry_name=geometry_column(self._schema),
                geometry_type=self._meta["geometry_type"],
                crs=self._meta["crs"],
                SPATIAL_INDEX="NO",
            )
        spool.unlink()


class _Replacing:
    """A path beside OUT to write to, which becomes OUT when nothing has gone wrong."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._new = out.with_name(f".{out.stem}.new{out.suffix}")

    def __enter__(self) -> Path:
        self._new.unlink(missing_ok=True)
        return self._new

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with self._new.open("rb+") as written:
                os.fsync(written.fileno())
            self._new.replace(self._out)
        else:
            with suppress(FileNotFoundError):
                self._new.unlink()


def _opened(spool: Path) -> pa.RecordBatchStreamReader:
    return pa.ipc.open_stream(pa.memory_map(str(spool)))


def _prelude(schema: pa.Schema) -> bytes:
    """What an Arrow stream of located batches begins with."""
    return bytes(located_schema(schema).serialize().to_pybytes())


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema with plain columns for dictionaries, which a batch alone does not carry."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in schema
    ]
    return pa.schema(fields, schema.metadata)


def _groups_of(reader: pa.RecordBatchStreamReader) -> Iterator[pa.Table]:
    """The batches of a stream, put together to row groups."""
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        while rows >= _ROWS_A_GROUP:
            table = pa.Table.from_batches(batches)
            yield table.slice(0, _ROWS_A_GROUP)
            batches = table.slice(_ROWS_A_GROUP).to_batches()
            rows -= _ROWS_A_GROUP
    if rows or not reader.stats.num_record_batches:
        yield pa.Table.from_batches(batches, reader.schema)
