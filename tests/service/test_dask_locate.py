"""Files placed by a Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridsvc.bulk import locate_file
from gridsvc.bulk import run as bulk_run
from gridsvc.bulk.on_dask import dask_runner
from gridsvc.errors import Unavailable
from gridsvc.registry.placement.store import Atlas
from tests.unit.bulk.bulk_world import by_geos, csv_text, make_atlas, points
from tests.waiting import Command

_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Cluster:
    """A scheduler with two workers of one thread."""

    address: str
    workers: list[Command]


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[Cluster]:
    started: list[Command] = []

    def start(program: str, *arguments: object) -> Command:
        words = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        started.append(Command(words, folder=_ROOT))
        return started[-1]

    try:
        scheduler = start(
            "dask_scheduler",
            *("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--no-show"),
        )
        address = scheduler.says(r"Scheduler at:\s+(tcp://\S+)")[1]
        workers = [
            start(
                "dask_worker",
                *(address, "--host", "127.0.0.1", "--nthreads", 1),
                *("--no-nanny", "--no-dashboard", "--memory-limit", 0),
                *("--local-directory", tmp_path / f"worker-{number}"),
            )
            for number in (1, 2)
        ]
        for worker in workers:
            worker.says(r"Registered to:\s+tcp")
        yield Cluster(address, workers)
    finally:
        for command in reversed(started):
            command.kill()


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return make_atlas()


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file has many portions."""
    monkeypatch.setattr(bulk_run, "_BLOCK_BYTES", 20_000)


@pytest.mark.slow
def test_a_worker_killed_half_way_loses_nothing(
    atlas: Atlas, tmp_path: Path, dask_cluster: Cluster
) -> None:
    lon, lat = points(20_000)
    lines = csv_text(lon, lat).splitlines()
    lines[7_001] = "7000,abc,39.9,x"
    source, here, there = (tmp_path / f"{name}.csv" for name in ("in", "here", "there"))
    source.write_text("\n".join(lines), encoding="utf-8")
    locate_file(source, here, atlas)
    portions = 0

    def kill_one(done: int, total: int, unit: str) -> None:
        nonlocal portions
        portions += 1
        if portions == 20:
            dask_cluster.workers[0].kill()

    result = locate_file(
        source, there, atlas, runner=dask_runner(dask_cluster.address), progress=kill_one
    )
    assert portions > 40
    assert dask_cluster.workers[0].process.poll() == -signal.SIGKILL
    assert (result.rows, result.bad_rows) == (20_000, 1)
    assert there.read_bytes() == here.read_bytes()
    bad = "bad.csv"
    assert Path(f"{there}.{bad}").read_bytes() == Path(f"{here}.{bad}").read_bytes()


@pytest.mark.slow
def test_workers_give_the_codes_that_geos_gives_and_get_the_indexes_once(
    atlas: Atlas, tmp_path: Path, dask_cluster: Cluster
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lon, lat = points(3_000)
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table({"lon": lon, "lat": lat}), source, row_group_size=300)
    sent: list[int] = []

    def look(done: int, total: int, unit: str) -> None:
        sent.append(len(list(tmp_path.glob("worker-*/**/bundle.json"))))

    locate_file(source, out, atlas, runner=dask_runner(dask_cluster.address), progress=look)
    assert pq.read_table(out)["street_code"].to_pylist() == by_geos("street", lon, lat)
    assert sent == [2] * 10


def test_without_a_scheduler_the_address_is_named(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridsvc.bulk.on_dask._CONNECT_S", 0.5)
    source = tmp_path / "in.csv"
    source.write_text("lon,lat\n116.3,39.9\n")
    with pytest.raises(Unavailable, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        locate_file(source, tmp_path / "out.csv", atlas, runner=dask_runner("tcp://127.0.0.1:9"))
