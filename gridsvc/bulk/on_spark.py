"""`locate_batch` as a function for Spark's ``mapInArrow`` (the extra ``gridsvc[spark]``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from gridsvc.bulk.batch import COLUMNS, BulkIndex, locate_batch
from gridsvc.bulk.bundle import open_bundle

#: The added columns as Spark writes a schema: ``mapInArrow(locator, f"{own}, {COLUMNS_DDL}")``.
COLUMNS_DDL = ", ".join(
    f"{field.name} {'boolean' if pa.types.is_boolean(field.type) else 'string'}"
    for field in COLUMNS
)

BatchesToBatches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def spark_locator(
    bundle: Path | str, *, crs: str = "wgs84", accuracy_m: float = 30.0
) -> BatchesToBatches:
    """A function for ``DataFrame.mapInArrow``: batches with the five columns of ``locate_batch``.

    ``bundle`` is a folder that ``save_bundle`` made, at the same path on each executor, or one that
    was sent with ``SparkContext.addFile(folder, recursive=True)`` and is then found by its name. A
    Python worker opens it once, memory-mapped, so that the workers of a machine share it.
    """
    folder = str(bundle)

    def locate_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        index = _index(folder, crs, accuracy_m)
        for batch in batches:
            yield locate_batch(batch, index)

    return locate_batches


@lru_cache(maxsize=2)
def _index(bundle: str, crs: str, accuracy_m: float) -> BulkIndex:
    folder = Path(bundle)
    if not folder.is_dir():
        from pyspark import SparkFiles

        folder = Path(SparkFiles.get(folder.name))
    return BulkIndex(open_bundle(folder), crs=crs, accuracy_m=accuracy_m)
