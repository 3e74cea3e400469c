"""`locate_batch` inside Spark: a session on this machine, where Java and pyspark are there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gridsvc.bulk import BulkIndex, locate_batch
from gridsvc.bulk.bundle import save_bundle
from gridsvc.bulk.on_spark import COLUMNS_DDL, spark_locator
from tests.unit.bulk.bulk_world import ADDED, by_geos, make_atlas, points

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip(
        "pyspark", reason="Spark is not installed: pip install 'gridsvc[spark]' to run this test."
    )
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java: apt-get install default-jre-headless.")
    from pyspark.sql import SparkSession

    environment = pytest.MonkeyPatch()
    environment.setenv("PYSPARK_PYTHON", sys.executable)
    environment.setenv("PYTHONPATH", str(_ROOT))
    folder = str(tmp_path_factory.mktemp("spark"))
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "512m")
        .config("spark.local.dir", folder)
        .config("spark.sql.warehouse.dir", folder)
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    environment.undo()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", ["shared path", "sent with addFile"])
def test_spark_gives_the_codes_that_locate_batch_gives(
    spark: Any, tmp_path: Path, way: str
) -> None:
    atlas = make_atlas()
    bundle = tmp_path / way.replace(" ", "-")
    save_bundle(atlas, bundle)
    lon, lat = points(6_000)
    if way == "sent with addFile":
        spark.sparkContext.addFile(str(bundle), recursive=True)
        named: Path = Path("elsewhere") / bundle.name
    else:
        named = bundle
    frame = spark.createDataFrame(
        pd.DataFrame({"id": range(6_000), "lon": lon, "lat": lat})
    ).repartition(3)
    schema = f"id bigint, lon double, lat double, {COLUMNS_DDL}"
    rows = frame.mapInArrow(spark_locator(named), schema).collect()
    found = sorted((row.asDict() for row in rows), key=lambda row: row["id"])
    batch = pa.record_batch({"id": range(6_000), "lon": lon, "lat": lat})
    assert found == locate_batch(batch, BulkIndex(atlas)).to_pylist()
    assert [row[ADDED[1]] for row in found] == by_geos("street", lon, lat)
