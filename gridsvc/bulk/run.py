"""Places a file of any number of points in bounded memory, and goes on where it was stopped."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridsvc.bulk.batch import BatchFault, BulkIndex
from gridsvc.bulk.csv_file import CsvFile
from gridsvc.bulk.journal import Journal
from gridsvc.bulk.model import Placed, Placer, PointSource, Portion
from gridsvc.bulk.table_file import FlatGeobufFile, ParquetFile
from gridsvc.errors import BadFile, Conflict, NotFound
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.crs import parse_crs
from gridsvc.spatial.crs_text import Parameters

#: Called with (done, total, unit): what is placed so far of the input's bytes or rows.
Progress = Callable[[int, int, str], None]
#: Places portions, a bounded number at the same time, and gives them in order.
Runner = Callable[[Iterable[Portion], Placer, BulkIndex], Iterator[tuple[Portion, Placed]]]

_BLOCK_BYTES = 8 << 20
_BATCH_ROWS = 131_072
_HEAD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run has done: all rows, the bad ones and their list, and whether it went on."""

    rows: int
    bad_rows: int
    bad_list: Path | None
    resumed: bool


def threads(count: int = 2) -> Runner:
    """A runner that works with so many threads of this process."""

    def run(
        portions: Iterable[Portion], placer: Placer, index: BulkIndex
    ) -> Iterator[tuple[Portion, Placed]]:
        waiting: deque[tuple[Portion, Future[Placed]]] = deque()
        with ThreadPoolExecutor(count) as pool:
            for portion in portions:
                waiting.append((portion, pool.submit(placer, portion.content, index)))
                if len(waiting) > count + 1:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()

    return run


def locate_file(
    source_path: Path,
    out: Path,
    atlas: Atlas,
    *,
    crs: str | None = None,
    accuracy_m: float = 30.0,
    strict: bool = False,
    restart: bool = False,
    runner: Runner | None = None,
    progress: Progress = lambda done, total, unit: None,
) -> Finished:
    """Write OUT: the input's rows in order, with the five columns of ``locate_batch`` added.

    CSV, Parquet and GeoParquet, FlatGeobuf; OUT is of the same kind. ``crs`` None: as the file
    says, else WGS84. A row that is not a place is kept without codes and listed in ``OUT.bad.csv``
    (``row`` counts from 1, without the first line of a CSV); with ``strict`` the first one ends the
    run and nothing is kept. A run that was stopped goes on when it is called with the same again:
    OUT has then the same bytes. Raises BadFile, UnknownCrs, NotFound, and Conflict when the input,
    the editions or the arguments have changed since a run was stopped, unless ``restart``.
    """
    source = _open(source_path, out)
    declared = source.crs if crs is None else crs
    parse_crs(declared, Parameters.NUMBERS)
    identity = {
        "the input": _fingerprint(source_path),
        "the boundaries": atlas_identity(atlas),
        "the CRS": declared,
        "the accuracy": accuracy_m,
        "strict": strict,
    }
    index = BulkIndex(atlas, crs=declared, accuracy_m=accuracy_m)
    with Journal(
        out, identity, first=source.first, header=source.header, restart=restart
    ) as journal:
        run = runner or threads()
        for portion, placed in run(source.portions(journal.step.next), source.placer, index):
            if strict and placed.faults:
                fault = placed.faults[0]
                row = journal.step.rows + fault.row + 1
                journal.discard()
                raise BadFile(f"{source_path}, row {row:,}: {fault.reason} Nothing was kept.")
            journal.append(
                placed.content,
                _listed(placed.faults, journal.step.rows),
                next=portion.next,
                rows=placed.rows,
                bad_rows=len(placed.faults),
            )
            progress(portion.next, source.total, source.unit)
        if _fingerprint(source_path) != identity["the input"]:
            raise Conflict(f"{source_path} was changed while it was read; give --restart.")
        if journal.finishing():
            source.finish(journal.spool_path, out)
        journal.done()
        bad_list = journal.bad_path if journal.step.bad_rows else None
        return Finished(journal.step.rows, journal.step.bad_rows, bad_list, journal.resumed)


def atlas_identity(atlas: Atlas) -> str:
    """A digest of the editions and codes that answers come from."""
    digest = hashlib.sha256(atlas.stamp.encode())
    for edition in atlas.editions:
        digest.update(repr(edition).encode())
    for level in atlas.areas.values():
        digest.update("|".join(ref.code for ref in level.refs).encode())
    if atlas.grids is not None:
        digest.update("|".join(ref.district_code + ref.code for ref in atlas.grids.refs).encode())
    return digest.hexdigest()


def _open(path: Path, out: Path) -> PointSource:
    """The input as its name's ending says; OUT must have the same."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    kind = path.suffix.lower().replace(".geoparquet", ".parquet")
    if out.suffix.lower().replace(".geoparquet", ".parquet") != kind:
        raise BadFile(f"{path} and {out} must be of one kind; name the result *{path.suffix}.")
    if out.exists() and out.samefile(path):
        raise BadFile(f"{out} is the input; give the result another name.")
    if kind == ".csv":
        return CsvFile(path, _BLOCK_BYTES)
    if kind == ".parquet":
        return ParquetFile(path, _BATCH_ROWS)
    if kind == ".fgb":
        return FlatGeobufFile(path, _BATCH_ROWS)
    raise BadFile(f"{path}: the name must end in .csv, .parquet, .geoparquet or .fgb.")


def _fingerprint(path: Path) -> dict[str, Any]:
    """Size, time of change and the digest of the beginning of a file."""
    stat = path.stat()
    with path.open("rb") as file:
        head = hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
    return {"bytes": stat.st_size, "changed_ns": stat.st_mtime_ns, "head": head}


def _listed(faults: tuple[BatchFault, ...], before: int) -> bytes:
    """The lines of the list of bad rows."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for fault in faults:
        writer.writerow([before + fault.row + 1, fault.reason])
    return lines.getvalue().encode()
