"""Portions of a file placed by the workers of a Dask cluster (the extra ``gridsvc[dask]``).

The indexes travel once to each worker, as a bundle in a plugin: the worker writes it into its own
folder and opens it memory-mapped, for all its threads. The portions travel with their tasks, so no
shared file system is needed, and what a lost worker had is done again by another.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gridsvc.bulk.batch import BulkIndex
from gridsvc.bulk.bundle import open_bundle, save_bundle
from gridsvc.bulk.model import Placed, Placer, Portion
from gridsvc.bulk.run import Runner
from gridsvc.errors import MissingPrerequisite, Unavailable

_AHEAD_PER_THREAD = 2
_CONNECT_S = 30.0
#: Tasks carry their portion: Dask's warning against large ones (from 10 MB) is not meant for them.
_LARGE_TASK = {"distributed.admin.large-graph-warning-threshold": "1GB"}

#: In a worker: where the bundles are that came to it, by their digest.
_folders: dict[str, Path] = {}


def dask_runner(scheduler: str) -> Runner:
    """A runner for ``locate_file`` that works on the cluster of a scheduler, ``tcp://host:8786``.

    Raises MissingPrerequisite without the package ``distributed``; the runner raises Unavailable
    when no scheduler answers, when it has no workers, or when one portion ends worker after worker.
    """
    try:
        import distributed  # noqa: F401 - said here, before anything is read
    except ImportError:
        raise MissingPrerequisite(
            "Working on a Dask cluster needs the package distributed: pip install 'gridsvc[dask]'."
        ) from None

    def run(
        portions: Iterable[Portion], placer: Placer, index: BulkIndex
    ) -> Iterator[tuple[Portion, Placed]]:
        from distributed import KilledWorker

        with _cluster(scheduler, index) as (client, digest):
            task = _Task(placer, digest, index.crs, index.accuracy_m)
            waiting: deque[tuple[Portion, Any]] = deque()
            try:
                for portion in portions:
                    waiting.append((portion, client.submit(task, portion.content, pure=False)))
                    # Workers may come and go while the file is placed.
                    if len(waiting) > _AHEAD_PER_THREAD * sum(client.nthreads().values()) + 1:
                        first, future = waiting.popleft()
                        yield first, future.result()
                while waiting:
                    first, future = waiting.popleft()
                    yield first, future.result()
            except KilledWorker as error:
                raise Unavailable(
                    f"Workers of {scheduler} died one after the other on the same rows, perhaps"
                    f" for lack of memory: {error}"
                ) from None

    return run


@contextmanager
def _cluster(scheduler: str, index: BulkIndex) -> Iterator[tuple[Any, str]]:
    """A client of the scheduler whose workers have the bundle, and the bundle's digest."""
    import dask
    import distributed

    with dask.config.set(_LARGE_TASK):
        try:
            client = distributed.Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Unavailable(f"No Dask scheduler answers at {scheduler}: {error}.") from None
        with client:
            if not client.nthreads():
                raise Unavailable(f"The Dask scheduler at {scheduler} has no workers; start some.")
            plugin = _plugin(index)
            client.register_plugin(plugin)
            try:
                yield client, plugin.digest
            finally:
                client.unregister_worker_plugin(plugin.name)


def _plugin(index: BulkIndex) -> Any:
    """A worker plugin that carries the files of the index's bundle."""
    from distributed import WorkerPlugin

    class Bundle(WorkerPlugin):
        """Writes the bundle into a worker's folder; the scheduler sends it to late workers too."""

        idempotent = True

        def __init__(self, digest: str, files: dict[str, bytes]) -> None:
            self.name = f"gridsvc-{digest}"
            self.digest = digest
            self.files = files

        def setup(self, worker: Any) -> None:
            _receive(self.digest, Path(worker.local_directory) / self.name, self.files)
            self.files = {}

    with tempfile.TemporaryDirectory(prefix="gridsvc-bundle-") as name:
        digest = save_bundle(index.atlas, Path(name))
        return Bundle(digest, {path.name: path.read_bytes() for path in Path(name).iterdir()})


def _receive(digest: str, folder: Path, files: dict[str, bytes]) -> None:
    """Keep a bundle that has come to this worker: here, for a plugin's globals are copies."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    _folders[digest] = folder


@lru_cache(maxsize=2)
def _index(digest: str, crs: str, accuracy_m: float) -> BulkIndex:
    """The index of a bundle that has come to this worker; opened once."""
    return BulkIndex(open_bundle(_folders[digest]), crs=crs, accuracy_m=accuracy_m)


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker does with one portion."""

    placer: Placer
    digest: str
    crs: str
    accuracy_m: float

    def __call__(self, content: Any) -> Placed:
        return self.placer(content, _index(self.digest, self.crs, self.accuracy_m))
